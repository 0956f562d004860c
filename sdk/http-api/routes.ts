/** The requests of the API, as its OpenAPI description has them. */

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
const said = (description: string) => ({ description, content: json(problemSchema) });
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
  summary: 'Takes a push: it is on disk when this is answered',
  request: {
    headers: z.object({
      'idempotency-key': z
        .string()
        .max(255)
        .optional()
        .openapi({ description: 'The same push under the same key is taken once, for a day' }),
    }),
    body: { required: true, content: json(pushSchema) },
  },
  responses: {
    200: { description: 'It was taken before, under this key', content: json(pushStateSchema) },
    202: { description: 'Taken', content: json(pushStateSchema) },
    400: said('The request is malformed'),
    415: said('The body is of another Content-Type than application/json'),
    422: said('The key was used for another push'),
    429: said('Too many pushes wait'),
    507: said('There is no room for the content'),
  },
});

export const getPush = createRoute({
  method: 'get',
  path: '/pushes/{id}',
  security,
  summary: 'A push, with its receipts so far',
  request: { params: idParameter },
  responses: { 200: { description: 'The push', content: json(pushStateSchema) }, 404: said('There is none') },
});

export const deletePush = createRoute({
  method: 'delete',
  path: '/pushes/{id}',
  security,
  summary: 'Cancels a push: nothing more is sent, and what is on its way is cancelled where it still can be',
  request: { params: idParameter },
  responses: {
    200: { description: 'The push: cancelled, or as it ended before', content: json(pushStateSchema) },
    404: said('There is none'),
  },
});

export const getReceipts = createRoute({
  method: 'get',
  path: '/pushes/{id}/receipts',
  security,
  summary: 'Receipts as they come, from the first one on: events `receipt`, and `end` with the push',
  request: { params: idParameter },
  responses: {
    200: { description: 'Server-sent events', content: { 'text/event-stream': { schema: receiptSchema } } },
    404: said('There is none'),
  },
});

export const postContent = createRoute({
  method: 'post',
  path: '/contents',
  security,
  summary: 'Keeps content of any size for a push that follows within an hour; the body is the content',
  responses: {
    201: { description: 'Kept', content: json(contentSchema) },
    413: said('It is too large'),
    507: said('There is no room'),
  },
});

export const getTerminals = createRoute({
  method: 'get',
  path: '/terminals',
  security,
  summary: 'Terminals that are known: of a user, or the first thousand of all',
  request: { query: z.object({ user: z.string().max(1000).optional() }) },
  responses: { 200: { description: 'Terminals', content: json(z.array(terminalSchema)) } },
});
