/** The HTTP API of a long-running sender: accepts pushes, returns receipts and terminals. JSON, described by OpenAPI. */

import { OpenAPIHono, type z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { bearerAuth } from 'hono/bearer-auth';
import { bodyLimit } from 'hono/body-limit';
import { HTTPException } from 'hono/http-exception';
import { streamSSE } from 'hono/streaming';
import { ConfigurationError, LimitError, SipPushError } from '../../core/errors.js';
import { IdempotencyKeyReusedError, type Outbox, OutboxFullError } from '../../core/sender/outbox/outbox.js';
import type { OutboxRecord } from '../../core/sender/outbox/record.js';
import type { TerminalDirectory } from '../../core/sender/terminals/directory.js';
import { validate } from '../config/validate.js';
import { BodyTooLargeError, limitedBody } from './body-limit.js';
import { pushJson, submissionOf, terminalJson } from './json-mapping.js';
import type { PushEvents } from './push-events.js';
import { deletePush, getPush, getReceipts, getTerminals, postContent, postPush } from './routes.js';
import { pushSchema } from './schemas.js';

export interface HttpApiOptions {
  outbox: Outbox;
  events: PushEvents;
  directory: TerminalDirectory;
  /** Key that callers send as `Authorization: Bearer KEY`. */
  key: string;
  /** Host names by which callers reach the API; any if absent. */
  hosts: readonly string[] | undefined;
  /** Limit of one content of POST /contents, in bytes. */
  maxContent: number;
  version: string;
}

/** Limit of a JSON body in bytes; larger content needs POST /contents. */
const MAX_JSON = 2 * 1024 * 1024;
/** Retry-After of a 429, in seconds. */
const RETRY_AFTER = 30;
/** Terminals in one response. */
const MAX_TERMINALS = 1000;
/** Milliseconds between the comments that keep a stream of events open. */
const HEARTBEAT = 15_000;

/** Problems of a path, query or header in one response. */
const MAX_ISSUES = 20;
/** Characters of the text of a problem, which can quote the request. */
const MAX_DETAIL = 8000;

type Status = 400 | 401 | 404 | 413 | 415 | 421 | 422 | 429 | 500 | 507;

function problem(context: Context, status: Status, detail: string, headers: Record<string, string> = {}) {
  const title = TITLES[status];
  return context.json({ title, status, detail: detail.slice(0, MAX_DETAIL) }, status, {
    'content-type': 'application/problem+json',
    ...headers,
  });
}

const NOT_JSON = 'the body is not JSON: expected an object with "to", "app", and "content" or "files"';

const MISDIRECTED =
  'unknown Host: expected the address of the API, a loopback name, or a name of "api.hosts" in the configuration';

/** The name in a Host header, in lower case, without the port and the brackets of IPv6. */
function hostName(host = ''): string {
  return host
    .toLowerCase()
    .replace(/:\d*$/, '')
    .replace(/^\[(.*)\]$/, '$1');
}

const TITLES: Readonly<Record<Status, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  404: 'Not Found',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  421: 'Misdirected Request',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  507: 'Insufficient Storage',
};

export function httpApi({
  outbox,
  events,
  directory,
  key,
  hosts,
  maxContent,
  version,
}: HttpApiOptions): OpenAPIHono {
  const app = new OpenAPIHono({
    defaultHook: (result, context) =>
      result.success ? undefined : problem(context, 400, problemsOf(result)),
  });
  app.openAPIRegistry.registerComponent('securitySchemes', 'key', { type: 'http', scheme: 'bearer' });
  // A page of another site could reach a listener on loopback by a name that it resolves to 127.0.0.1 (DNS rebinding).
  app.use(async (context, next) => {
    if (hosts && !hosts.includes(hostName(context.req.header('host'))))
      return problem(context, 421, MISDIRECTED);
    return await next();
  });
  app.notFound((context) =>
    problem(context, 404, `unknown request ${context.req.method} ${context.req.path}: see /openapi.json`),
  );
  app.onError((error, context) => failure(context, error));
  app.doc31('/openapi.json', {
    openapi: '3.1.0',
    info: {
      title: 'sip-push sender',
      version,
      description: 'Pushes by a Push Sender Agent (OMA Push using SIP)',
    },
  });
  const authorized = bearerAuth({ token: key });
  for (const path of ['/pushes', '/pushes/*', '/contents', '/terminals']) app.use(path, authorized);
  const tooLarge = `the body is too large: expected at most ${MAX_JSON} bytes, send larger content by POST /contents`;
  app.use('/pushes', bodyLimit({ maxSize: MAX_JSON, onError: (context) => problem(context, 413, tooLarge) }));

  app.openapi(postPush, async (context) => {
    const submission = submissionOf(context.req.valid('json'));
    const { push, known } = await outbox.submit(submission, context.req.valid('header')['idempotency-key']);
    context.header('Location', `/pushes/${push.id}`);
    return context.json(pushJson(push), known ? 200 : 202);
  });
  app.openapi(getPush, (context) => {
    const push = outbox.get(context.req.valid('param').id);
    return context.json(pushJson(found(push)), 200);
  });
  app.openapi(deletePush, async (context) => {
    const push = await outbox.cancel(context.req.valid('param').id);
    return context.json(pushJson(found(push)), 200);
  });
  app.openapi(getReceipts, (context) => {
    const push = outbox.get(context.req.valid('param').id);
    return receiptStream(context, found(push), events);
  });
  app.openapi(postContent, async (context) => {
    const { id, size } = await outbox.addContent(limitedBody(context.req.raw, maxContent));
    return context.json({ content: id, size }, 201);
  });
  app.openapi(getTerminals, (context) => {
    const { user } = context.req.valid('query');
    const terminals = user === undefined ? firstOf(directory.all(), MAX_TERMINALS) : directory.of(user);
    return context.json(terminals.map(terminalJson), 200);
  });
  return app;
}

/** One line for each problem, in the format of configuration errors. */
function problemsOf({
  target,
  data,
  error,
}: {
  target: string;
  data?: unknown;
  error: z.core.$ZodError;
}): string {
  try {
    // Validates again with the schema, which can suggest the names of keys.
    if (target === 'json') validate(pushSchema, data, 'the body');
  } catch (problem) {
    return (problem as Error).message;
  }
  return error.issues
    .slice(0, MAX_ISSUES)
    .map(({ path, message }) => `"${path.join('.')}": ${message}`)
    .join('\n');
}

function firstOf<Item>(items: Iterable<Item>, count: number): Item[] {
  const first: Item[] = [];
  for (const item of items) {
    if (first.length === count) break;
    first.push(item);
  }
  return first;
}

/** The resource does not exist. */
class NotFoundError extends SipPushError {
  static {
    NotFoundError.prototype.name = 'NotFoundError';
  }
}

function found(push: OutboxRecord | undefined): OutboxRecord {
  if (push) return push;
  throw new NotFoundError('unknown push: it never existed, or ended more than a day ago');
}

/** Streams each receipt once, including the earlier ones. */
function receiptStream(context: Context, push: OutboxRecord, events: PushEvents) {
  return streamSSE(context, async (stream) => {
    const ended = new AbortController();
    stream.onAbort(() => ended.abort());
    let pending = false;
    const heartbeat = setInterval(() => {
      // At most one pending comment if the client does not read.
      if (pending) return;
      pending = true;
      void stream.write(':\n\n').finally(() => {
        pending = false;
      });
    }, HEARTBEAT);
    try {
      let sent = 0;
      for await (const { receipts, state } of events.follow(push, ended.signal)) {
        for (const receipt of receipts.slice(sent)) {
          await stream.writeSSE({ event: 'receipt', id: String(++sent), data: JSON.stringify(receipt) });
        }
        if (state === 'waiting') continue;
        await stream.writeSSE({ event: 'end', data: JSON.stringify({ id: push.id, state }) });
        return;
      }
    } finally {
      clearInterval(heartbeat);
    }
  });
}

/** The table from errors to responses. */
function failure(context: Context, error: Error) {
  if (error instanceof NotFoundError) return problem(context, 404, error.message);
  if (error instanceof BodyTooLargeError) return problem(context, 413, error.message);
  if (error instanceof IdempotencyKeyReusedError) return problem(context, 422, error.message);
  if (error instanceof ConfigurationError) return problem(context, 400, error.message);
  if (error instanceof OutboxFullError) {
    return problem(context, 429, error.message, { 'retry-after': String(RETRY_AFTER) });
  }
  if (error instanceof LimitError) return problem(context, 507, error.message);
  if (error instanceof HTTPException) {
    // Only bearer-auth sets `res`.
    if (error.status === 415) return problem(context, 415, 'expected Content-Type: application/json');
    if (!error.res) return problem(context, 400, NOT_JSON);
    return problem(context, 401, 'expected Authorization: Bearer KEY', { 'www-authenticate': 'Bearer' });
  }
  return problem(context, 500, error.message);
}
