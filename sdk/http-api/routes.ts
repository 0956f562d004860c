/** The routes of the API, with their OpenAPI descriptions. */

import { createRoute, z } from '@hono/zod-openapi';
import {
  contentSchema,
  problemSchema,
  pushSchema,
  pushStateSchema,
  receiptSchema,
  terminalSchema,
} from './schemas.js';

const json = <Schema extends z.ZodType>(schema: Schema) => ({ 'application/json': { schema } });
const problem = (description: string) => ({ description, content: json(problemSchema) });
const idParameter = z.object({
  id: z
    .string()
    .max(64)
    .openapi({ param: { name: 'id', in: 'path' } }),
});
const security = [{ key: [] }];

export const postPush = createRoute({
  method: 'post',
  path: '/pushes',
  security,
  summary: 'Accepts a push, which is on disk before the response',
  request: {
    headers: z.object({
      'idempotency-key': z
        .string()
        .max(255)
        .optional()
        .openapi({ description: 'The same push under the same key is accepted once within a day' }),
    }),
    body: { required: true, content: json(pushSchema) },
  },
  responses: {
    200: { description: 'The push was accepted before under this key', content: json(pushStateSchema) },
    202: { description: 'The push was accepted', content: json(pushStateSchema) },
    400: problem('The request is malformed'),
    415: problem('The Content-Type is not application/json'),
    422: problem('The key was used for another push'),
    429: problem('Too many pushes wait'),
    507: problem('No space for the content'),
  },
});

export const getPush = createRoute({
  method: 'get',
  path: '/pushes/{id}',
  security,
  summary: 'A push, with its receipts so far',
  request: { params: idParameter },
  responses: {
    200: { description: 'The push', content: json(pushStateSchema) },
    404: problem('Unknown push'),
  },
});

export const deletePush = createRoute({
  method: 'delete',
  path: '/pushes/{id}',
  security,
  summary: 'Cancels a push: nothing more is sent, and a transaction in progress is cancelled if possible',
  request: { params: idParameter },
  responses: {
    200: { description: 'The push, which is cancelled or had already ended', content: json(pushStateSchema) },
    404: problem('Unknown push'),
  },
});

export const getReceipts = createRoute({
  method: 'get',
  path: '/pushes/{id}/receipts',
  security,
  summary: 'Streams the receipts from the first one: events `receipt`, then `end`',
  request: { params: idParameter },
  responses: {
    200: { description: 'Server-sent events', content: { 'text/event-stream': { schema: receiptSchema } } },
    404: problem('Unknown push'),
  },
});

export const postContent = createRoute({
  method: 'post',
  path: '/contents',
  security,
  summary: 'Stores the body as content of any size, for a push within the next hour',
  responses: {
    201: { description: 'The content was stored', content: json(contentSchema) },
    413: problem('The content is too large'),
    507: problem('No space for the content'),
  },
});

export const getTerminals = createRoute({
  method: 'get',
  path: '/terminals',
  security,
  summary: 'Known terminals: of a user, or the first 1000 of all',
  request: { query: z.object({ user: z.string().max(1000).optional() }) },
  responses: { 200: { description: 'The terminals', content: json(z.array(terminalSchema)) } },
});
