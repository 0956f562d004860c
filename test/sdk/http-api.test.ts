/** The HTTP API of a sender: requests, responses, errors and limits. */

import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { platform } from '#platform';
import { serviceIndication } from '../../core/content/push-documents/service-indication.js';
import { SenderContents } from '../../core/sender/outbox/contents.js';
import { Outbox, type OutboxLimits } from '../../core/sender/outbox/outbox.js';
import type { OutgoingPushOptions } from '../../core/sender/outgoing-push.js';
import type { PushRequest, Receipt } from '../../core/sender/push-request.js';
import { TerminalDirectory } from '../../core/sender/terminals/directory.js';
import { Records } from '../../core/store/records.js';
import { systemClock } from '../../core/time/clock.js';
import { RefusedRequestError, SenderClient } from '../../sdk/http-api/client.js';
import { PushEvents } from '../../sdk/http-api/push-events.js';
import { type HttpApiServer, openHttpApi } from '../../sdk/http-api/server.js';
import { until } from '../support/wait.js';

const BOB = 'sip:bob@domain.test';
const KEY = 'a-key-that-is-hard-to-guess';
const ADDRESS = { host: '127.0.0.1', port: 0 };
const PUSH = { to: BOB, app: 'wml.ua', content: { type: 'text/plain', text: 'hello' } };
const IARI = 'urn:urn-7:3gpp-application.ims.iari.blue';
const RECEIPT: Receipt = {
  ...{ to: BOB, mode: 'pager', outcome: 'delivered', status: 200, reason: 'OK', retryable: false },
  ...{ bytes: 5, milliseconds: 1 },
};

interface Sending {
  push: PushRequest;
  options: OutgoingPushOptions;
  done(...receipts: Receipt[]): void;
}

let server: HttpApiServer;
let outbox: Outbox;
let contents: SenderContents;
let sending: Sending[];
let directory: TerminalDirectory;

beforeEach(() => start());
afterEach(async () => {
  await server.close();
  await outbox.stop();
  await contents.close();
});

async function start(limits: Partial<OutboxLimits> = {}): Promise<void> {
  sending = [];
  directory = new TerminalDirectory();
  const events = new PushEvents();
  const store = await platform.openStore();
  contents = await SenderContents.open({ limits, onError: () => {} });
  outbox = await Outbox.open({
    sender: { send },
    contents,
    records: new Records(store, systemClock, () => {}),
    limits,
    onChange: (push) => events.emit(push),
  });
  const options = { outbox, events, directory, key: KEY, maxContent: 100_000, version: '1.2.3' };
  server = await openHttpApi(ADDRESS);
  server.serve(options);
}

async function restart(limits: Partial<OutboxLimits>): Promise<void> {
  await server.close();
  await outbox.stop();
  await contents.close();
  await start(limits);
}

function send(push: PushRequest, options: OutgoingPushOptions): Promise<Receipt[]> {
  return new Promise((resolve, reject) => {
    if (options.signal?.aborted) return reject(options.signal.reason);
    options.signal?.addEventListener('abort', () => reject(options.signal?.reason));
    const done = (...receipts: Receipt[]) => {
      options.onReceipts?.(receipts, BOB);
      resolve(receipts);
    };
    sending.push({ push, options, done });
  });
}

const firstSending = () =>
  until(() => {
    const [first] = sending;
    if (!first) throw new Error('nothing is being sent');
    return first;
  });

const api = (path: string, init: RequestInit & { duplex?: 'half' } = {}) =>
  fetch(server.url + path, {
    ...init,
    headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json', ...init.headers },
  });
const post = (body: unknown, headers: Record<string, string> = {}) =>
  api('/pushes', { method: 'POST', headers, body: typeof body === 'string' ? body : JSON.stringify(body) });

describe('authentication', () => {
  it.each([
    ['POST', '/pushes'],
    ['GET', '/pushes/1'],
    ['DELETE', '/pushes/1'],
    ['GET', '/pushes/1/receipts'],
    ['POST', '/contents'],
    ['GET', '/terminals'],
  ])('rejects %s %s without the key with 401', async (method, path) => {
    for (const authorization of [
      '',
      'Bearer wrong',
      'Basic abc',
      `Bearer ${KEY}x`,
      `Bearer ${KEY.slice(1)}`,
    ]) {
      const response = await api(path, { method, headers: { authorization } });
      expect([response.status, response.headers.get('content-type')]).toEqual([
        401,
        'application/problem+json',
      ]);
    }
    expect(sending).toEqual([]);
  });

  it('allows GET /openapi.json without a key', async () => {
    const response = await fetch(`${server.url}/openapi.json`);
    const description: { openapi: string; info: { version: string }; paths: object } = await response.json();
    expect(description).toMatchObject({ openapi: '3.1.0', info: { version: '1.2.3' } });
    expect(JSON.stringify(description)).toContain('"iari":{"type":"string"');
    expect(Object.keys(description.paths).sort()).toEqual([
      '/contents',
      '/pushes',
      '/pushes/{id}',
      '/pushes/{id}/receipts',
      '/terminals',
    ]);
  });
});

describe('connections', () => {
  it('beyond the limit are refused, and one that ends makes room', async () => {
    await server.close();
    server = await openHttpApi({ ...ADDRESS, maxConnections: 10 });
    const { port } = new URL(server.url);
    const open = new Set<Socket>();
    let refused = 0;
    const all = new Promise<void>((resolve) => {
      for (let count = 0; count < 30; count++) {
        const socket = connect(Number(port), '127.0.0.1');
        open.add(socket);
        socket.on('error', () => {});
        socket.once('close', () => {
          open.delete(socket);
          if (++refused === 20) resolve();
        });
      }
    });
    await all;
    expect(open.size).toBe(10);
    const [first] = open;
    first?.destroy();
    await until(async () => expect((await fetch(`${server.url}/openapi.json`)).status).toBe(503));
    for (const socket of open) socket.destroy();
  });
});

describe('the Host header', () => {
  /** `fetch` sends the Host of its URL. */
  const statusFor = async (host: string) => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    socket.end(`GET /openapi.json HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    let answer = '';
    for await (const bytes of socket) answer += bytes;
    return Number(answer.split(' ')[1]);
  };

  it('on loopback has to be a loopback name, because other names can be those of web pages', async () => {
    const { port } = new URL(server.url);
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, 'LOCALHOST', `[::1]:${port}`]) {
      expect(await statusFor(host)).toBe(200);
    }
    for (const host of [`attacker.test:${port}`, 'attacker.test', '127.0.0.1.attacker.test', '192.0.2.1']) {
      expect(await statusFor(host)).toBe(421);
    }
  });

  it('can be a name of the configuration', async () => {
    await server.close();
    server = await openHttpApi({ ...ADDRESS, hosts: ['Push.Operator.test'] });
    server.serve({
      ...{ outbox, events: new PushEvents(), directory, key: KEY, maxContent: 1, version: '1' },
    });
    expect(await statusFor('push.operator.test:80')).toBe(200);
    expect(await statusFor('localhost')).toBe(200);
    expect(await statusFor('attacker.test')).toBe(421);
  });
});

describe('an answer', () => {
  it('lists a bounded number of problems', async () => {
    const unknown = Object.fromEntries(Array.from({ length: 150_000 }, (_, at) => [`k${at}`, 1]));
    const response = await post({ ...PUSH, ...unknown });
    const body = await response.text();
    expect(response.status).toBe(400);
    expect(body.length).toBeLessThan(10_000);
    expect(body).toContain('k19');
    const long = await (await post({ ...PUSH, ['x'.repeat(1_000_000)]: 1 })).text();
    expect(long.length).toBeLessThan(10_000);
    const files = Array.from({ length: 50_000 }, () => ({}));
    expect((await (await post({ to: BOB, app: 'wml.ua', files })).text()).length).toBeLessThan(10_000);
    const query = Array.from({ length: 1500 }, (_, at) => `a${at}=1`).join('&');
    expect((await api(`/terminals?${query}`)).status).toBe(200);
    const path = await (await api(`/unknown/${'x'.repeat(10_000)}`)).text();
    expect(path.length).toBeLessThan(10_000);
  });
});

describe('the description', () => {
  it('requires what the server requires', async () => {
    const { PushRequest } = await publishedSchemas();
    expect(PushRequest).toMatchObject({
      required: ['to', 'app'],
      oneOf: [{ required: ['content'] }, { required: ['files'] }],
      properties: { content: CONTENT, files: { items: CONTENT }, terminals: { required: [] } },
    });
  });

  it.each<[string, object]>([
    ['only the required keys', PUSH],
    ['files', { to: BOB, app: 'wml.ua', files: [PUSH.content, { type: 'a/b', base64: 'AA==' }] }],
    ['some terminals', { ...PUSH, terminals: { methods: ['MESSAGE'] }, ttl: 60 }],
    ['no content', { to: BOB, app: 'wml.ua' }],
    ['content and files', { ...PUSH, files: [PUSH.content] }],
    ['content as text and base64', { ...PUSH, content: { type: 'a/b', text: '', base64: '' } }],
    ['content without a type', { ...PUSH, content: { text: '' } }],
    ['no recipient', { app: 'wml.ua', content: PUSH.content }],
  ])('accepts and rejects the same as the server: %s', async (_title, body) => {
    const { PushRequest } = await publishedSchemas();
    expect(PushRequest && keysFit(PushRequest, body)).toBe((await post(body)).ok);
  });
});

/** The part of a schema that describes the keys. */
interface PublishedSchema {
  required?: string[];
  oneOf?: { required: string[] }[];
  properties?: Record<string, PublishedSchema>;
  items?: PublishedSchema;
}
const CONTENT = {
  required: ['type'],
  oneOf: [{ required: ['text'] }, { required: ['base64'] }, { required: ['content'] }, { required: ['url'] }],
};

async function publishedSchemas(): Promise<Record<string, PublishedSchema>> {
  const response = await fetch(`${server.url}/openapi.json`);
  return (await response.json()).components.schemas;
}

function keysFit(schema: PublishedSchema, value: unknown): boolean {
  if (Array.isArray(value)) return value.every((item) => keysFit(schema.items ?? {}, item));
  if (typeof value !== 'object' || value === null) return true;
  const has = ({ required = [] }: { required?: string[] }) => required.every((key) => key in value);
  const { oneOf, properties = {} } = schema;
  return (
    has(schema) &&
    (oneOf === undefined || oneOf.filter(has).length === 1) &&
    Object.entries(value).every(([key, inner]) => {
      const property = properties[key];
      return property !== undefined && keysFit(property, inner);
    })
  );
}

it('accepts the example of the README, and its content has the declared media type', async () => {
  const readme = await readFile(new URL('../../sdk/http-api/README.md', import.meta.url), 'utf8');
  const body = /-d '([^']*)'/.exec(readme)?.[1] ?? '';
  expect((await post(body)).status).toBe(202);
  const { push } = await firstSending();
  const [file] = 'files' in push ? push.files : [];
  const document = await file?.content.bytes(10_000);
  expect(serviceIndication.fromXml(document ?? new Uint8Array())).toMatchObject({ text: 'New mail' });
});

describe('a push', () => {
  it('AD-5.3.1-6: is accepted, and returned by its id with its receipts', async () => {
    const response = await post({ ...PUSH, ttl: 60 });
    const accepted: { id: string } = await response.json();
    expect([response.status, response.headers.get('location')]).toEqual([202, `/pushes/${accepted.id}`]);
    const { push, done } = await firstSending();
    expect(push).toMatchObject({ to: BOB, app: 'wml.ua', mode: 'auto', id: accepted.id });
    done(RECEIPT);
    await until(async () => {
      const found = await (await api(`/pushes/${accepted.id}`)).json();
      expect(found).toMatchObject({ ...accepted, state: 'ended', receipts: [RECEIPT] });
    });
  });

  it('D-01: is sent to the requested instance of an application', async () => {
    expect((await post({ ...PUSH, iari: IARI }, { 'idempotency-key': 'one' })).status).toBe(202);
    const { push } = await firstSending();
    expect(push).toMatchObject({ app: 'wml.ua', iari: IARI });
    // With another instance it is a different push.
    expect((await post(PUSH, { 'idempotency-key': 'one' })).status).toBe(422);
  });

  it('can have several files, as text, base64 and uploads', async () => {
    const kept: { content: string } = await (
      await api('/contents', { method: 'POST', body: 'third', headers: { 'content-type': 'text/plain' } })
    ).json();
    const files = [
      { type: 'text/plain', name: 'a', text: 'first' },
      { type: 'text/plain', name: 'b', base64: Buffer.from('second').toString('base64') },
      { type: 'text/plain', name: 'c', content: kept.content },
    ];
    expect((await post({ to: BOB, app: 'wml.ua', files })).status).toBe(202);
    const { push } = await firstSending();
    const texts = 'files' in push ? push.files.map(({ content }) => content.bytes(10)) : [];
    expect((await Promise.all(texts)).map((bytes) => new TextDecoder().decode(bytes))).toEqual([
      'first',
      'second',
      'third',
    ]);
  });

  it('can refer to content at a URL', async () => {
    const content = { type: 'image/png', url: 'https://example.com/a.png', size: 3, hash: 'A'.repeat(40) };
    expect((await post({ to: BOB, app: 'wml.ua', content })).status).toBe(202);
    const { push } = await firstSending();
    expect(push).toMatchObject({ content: { url: content.url, size: 3, type: { type: 'image/png' } } });
  });

  it('with an Idempotency-Key is accepted once, and the key is rejected for a different push', async () => {
    const headers = { 'idempotency-key': 'order-1' };
    const first = await post(PUSH, headers);
    const second = await post(PUSH, headers);
    expect([first.status, second.status]).toEqual([202, 200]);
    expect((await second.json()).id).toBe((await first.json()).id);
    expect((await post({ ...PUSH, app: 'mms.ua' }, headers)).status).toBe(422);
    expect(sending).toHaveLength(1);
  });

  it('under the Idempotency-Key of a push with other content is rejected', async () => {
    const headers = { 'idempotency-key': 'order-1' };
    expect((await post(PUSH, headers)).status).toBe(202);
    const other = await post({ ...PUSH, content: { type: 'text/plain', text: 'other' } }, headers);
    expect([other.status, (await other.json()).detail]).toEqual([
      422,
      expect.stringContaining('another push'),
    ]);
    const upload = await (await api('/contents', { method: 'POST', body: 'third' })).json();
    const content = { type: 'text/plain', content: upload.content };
    expect((await post({ ...PUSH, content }, headers)).status).toBe(422);
    const base64 = Buffer.from('hello').toString('base64');
    expect((await post({ ...PUSH, content: { type: 'text/plain', base64 } }, headers)).status).toBe(200);
    expect(sending).toHaveLength(1);
  });

  it('that is repeated stores nothing', async () => {
    await restart({ contents: 1 });
    const headers = { 'idempotency-key': 'order-1' };
    expect((await post(PUSH, headers)).status).toBe(202);
    for (let count = 0; count < 20; count++) expect((await post(PUSH, headers)).status).toBe(200);
  });

  it('is cancelled', async () => {
    const { id }: { id: string } = await (await post(PUSH)).json();
    const { options } = await firstSending();
    const response = await api(`/pushes/${id}`, { method: 'DELETE' });
    expect([response.status, (await response.json()).state]).toEqual([200, 'cancelled']);
    expect(options.signal?.aborted).toBe(true);
  });

  it('that is unknown is 404 for every method', async () => {
    for (const [method, path] of [
      ['GET', '/pushes/1'],
      ['DELETE', '/pushes/1'],
      ['GET', '/pushes/1/receipts'],
      ['GET', '/nothing'],
    ]) {
      const response = await api(path ?? '', { method: method ?? '' });
      expect([response.status, (await response.json()).status]).toEqual([404, 404]);
    }
  });
});

describe('an invalid request', () => {
  it.each<[string, unknown, string]>([
    [
      'invalid JSON',
      '{',
      'the body is not JSON: expected an object with "to", "app", and "content" or "files"',
    ],
    ['an array', [], 'the body: expected object, received array'],
    ['no content', { to: BOB, app: 'wml.ua' }, 'the body: expected either "content" or "files"'],
    [
      'content and files',
      { ...PUSH, files: [PUSH.content] },
      'the body: expected either "content" or "files"',
    ],
    [
      'a file with a URL',
      { to: BOB, app: 'wml.ua', files: [{ type: 'a/b', url: 'http://a.test' }] },
      'the body: "files": expected files without "url"; push content at a URL as "content"',
    ],
    [
      'an invalid recipient',
      { ...PUSH, to: 'bob' },
      'the body: "to": expected a SIP or tel URI, e.g. sip:bob@domain.test',
    ],
    [
      'an invalid application',
      { ...PUSH, app: 'a b' },
      'the body: "app": expected an event-app-id, e.g. mms.ua',
    ],
    [
      'an invalid media type',
      { ...PUSH, content: { type: 'text', text: '' } },
      'the body: "content.type": expected a media type, e.g. text/vnd.wap.si',
    ],
    [
      'an encoding in mode session',
      { ...PUSH, mode: 'session', encoding: 'gzip' },
      'the body: "encoding": expected none in mode "session", which has no content codings',
    ],
    ['an unknown key', { ...PUSH, tll: 1 }, 'the body: unknown key "tll"; did you mean "ttl"?'],
    [
      'an unknown key of its content',
      { ...PUSH, content: { typ: 'text/plain', type: 'text/plain', text: '' } },
      'the body: unknown key "content.typ"; did you mean "type"?',
    ],
    [
      'an invalid instance',
      { ...PUSH, iari: 'twin' },
      'the body: "iari": expected an IARI, e.g. urn:urn-7:3gpp-application.ims.iari.example',
    ],
    [
      'an invalid mode',
      { ...PUSH, mode: 'fast' },
      'the body: "mode": expected one of "auto"|"pager"|"session"|"indirect"',
    ],
    ['an invalid ttl', { ...PUSH, ttl: -1 }, 'the body: "ttl": expected number to be >=0'],
    [
      'content without a type',
      { ...PUSH, content: { text: 'hello' } },
      'the body: "content.type" is missing',
    ],
    [
      'invalid base64',
      { ...PUSH, content: { type: 'a/b', base64: '%' } },
      'the body: "content.base64": expected base64',
    ],
    [
      'content as text and base64',
      { ...PUSH, content: { type: 'a/b', text: '', base64: '' } },
      'the body: "content": expected one of "text", "base64", "content", "url"',
    ],
    [
      'unknown content',
      { ...PUSH, content: { type: 'a/b', content: 'x' } },
      'unknown content "x": expected the id of an upload of the last hour, without a push',
    ],
    [
      'an invalid URL',
      { ...PUSH, content: { type: 'a/b', url: 'file:///etc/passwd' } },
      'the body: "content.url": expected e.g. https://example.com/a',
    ],
  ])('with %s is rejected with 400', async (_title, body, detail) => {
    const response = await post(body);
    expect(response.status).toBe(400);
    expect((await response.json()).detail).toBe(detail);
    expect(sending).toEqual([]);
  });
});

it.each(['text/plain', 'application/x-www-form-urlencoded'])(
  'with the Content-Type %s is rejected with 415',
  async (type) => {
    const response = await post(PUSH, { 'content-type': type });
    expect([response.status, (await response.json()).detail]).toEqual([
      415,
      'expected Content-Type: application/json',
    ]);
    expect(sending).toEqual([]);
  },
);

describe('limits', () => {
  it('rejects a body that is too large with 413, with and without Content-Length', async () => {
    const large = { ...PUSH, content: { type: 'text/plain', text: 'x'.repeat(2_100_000) } };
    expect((await post(large)).status).toBe(413);
    // The server closes the connection after this response.
    await restart({});
    const bytes = new Uint8Array(100_001);
    expect((await api('/contents', { method: 'POST', body: bytes })).status).toBe(413);
    await restart({});
    const chunked = new Blob([bytes]).stream();
    expect((await api('/contents', { method: 'POST', body: chunked, duplex: 'half' })).status).toBe(413);
    expect(sending).toEqual([]);
  });

  it('writes content to the disk as it arrives, even without Content-Length', async () => {
    const add = vi.spyOn(outbox, 'addContent');
    const body = new TransformStream<Uint8Array, Uint8Array>();
    const sent = api('/contents', { method: 'POST', body: body.readable, duplex: 'half' });
    const writer = body.writable.getWriter();
    await writer.write(new TextEncoder().encode('hel'));
    await until(() => expect(add).toHaveBeenCalled());
    await writer.write(new TextEncoder().encode('lo'));
    await writer.close();
    expect(await (await sent).json()).toMatchObject({ size: 5 });
  });

  it('rejects more waiting pushes than the limit with 429 and Retry-After', async () => {
    await restart({ waiting: 1 });
    await post(PUSH);
    const response = await post(PUSH);
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '30']);
  });

  it('rejects content beyond the quota with 507', async () => {
    await restart({ bytes: 10 });
    expect((await api('/contents', { method: 'POST', body: 'hello' })).status).toBe(201);
    expect((await api('/contents', { method: 'POST', body: 'hello, world' })).status).toBe(507);
  });

  it('removes content of an interrupted upload', async () => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    await once(socket, 'connect');
    socket.write(
      `POST /contents HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${KEY}\r\nContent-Length: 1000\r\n\r\nhello`,
    );
    socket.resetAndDestroy();
    await restart({ contents: 1 });
    expect((await api('/contents', { method: 'POST', body: 'hello' })).status).toBe(201);
  });
});

it('reports a port in use before it serves', async () => {
  await server.close();
  server = await openHttpApi(ADDRESS);
  const response = await post(PUSH);
  expect([response.status, response.headers.get('retry-after'), (await response.json()).detail]).toEqual([
    503,
    '1',
    'the sender is starting',
  ]);
  const address = { ...ADDRESS, port: Number(new URL(server.url).port) };
  await expect(openHttpApi(address)).rejects.toThrow(/"api\.port".*EADDRINUSE/);
});

describe('receipts', () => {
  const client = () => new SenderClient(server.url, KEY);

  it('are sent as they are reported, with the earlier ones, and end with the push', async () => {
    const { id } = await client().submit({ ...PUSH, mode: 'auto' }, 'one');
    const { options, done } = await firstSending();
    options.onReceipts?.([RECEIPT], `${BOB};gr=1`);
    const got: Receipt[] = [];
    const reading = (async () => {
      for await (const receipt of client().receipts(id)) got.push(receipt);
    })();
    await until(() => expect(got).toHaveLength(1));
    done({ ...RECEIPT, outcome: 'refused', status: 403 });
    await reading;
    expect(got.map(({ outcome }) => outcome)).toEqual(['delivered', 'refused']);
    const repeated: Receipt[] = [];
    for await (const receipt of client().receipts(id)) repeated.push(receipt);
    expect(repeated).toEqual(got);
  });

  it('are not sent after the client has disconnected', async () => {
    const { id } = await client().submit({ ...PUSH, mode: 'auto' }, 'one');
    const { options, done } = await firstSending();
    const abort = new AbortController();
    const response = await api(`/pushes/${id}/receipts`, { signal: abort.signal });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    abort.abort();
    options.onReceipts?.([RECEIPT], `${BOB};gr=1`);
    done(RECEIPT);
    await until(() => expect(outbox.waiting).toBe(0));
  });

  it('of a cancelled push end with an error', async () => {
    const { id } = await client().submit({ ...PUSH, mode: 'auto' }, 'one');
    await firstSending();
    await api(`/pushes/${id}`, { method: 'DELETE' });
    const reading = client().receipts(id).next();
    await expect(reading).rejects.toThrow(`the push ${id} was cancelled`);
  });

  it('of a sender at its limit are retryable', async () => {
    await restart({ waiting: 0 });
    const refused = client().submit({ ...PUSH, mode: 'auto' }, 'one');
    await expect(refused).rejects.toMatchObject({ status: 429, retryable: true });
  });

  it('of a sender that rejects the request or is not running are an error with the reason', async () => {
    const unauthorized = new SenderClient(server.url, 'another-key');
    await expect(unauthorized.submit({ ...PUSH, mode: 'auto' }, 'one')).rejects.toThrow(RefusedRequestError);
    await server.close();
    await expect(client().submit({ ...PUSH, mode: 'auto' }, 'one')).rejects.toThrow(
      /no response from http.*ECONNREFUSED/,
    );
    server = await openHttpApi(ADDRESS);
  });
});

it('AD-5.3.1-2: lists terminals of a user, or of all users', async () => {
  directory.setRegistered(BOB, { gruu: `${BOB};gr=1`, apps: ['wml.ua'], methods: ['MESSAGE'] });
  directory.setRegistered('sip:al@domain.test', { contact: 'sip:al@127.0.0.1' });
  directory.setUnregistered('sip:al@domain.test', { contact: 'sip:al@127.0.0.1' });
  const all: { user: string; registered: boolean }[] = await (await api('/terminals')).json();
  expect(all.map(({ user, registered }) => [user, registered])).toEqual([
    [BOB, true],
    ['sip:al@domain.test', false],
  ]);
  const bobs = await (await api(`/terminals?user=${encodeURIComponent(BOB)}`)).json();
  expect(bobs).toMatchObject([{ user: BOB, gruu: `${BOB};gr=1`, apps: ['wml.ua'], methods: ['MESSAGE'] }]);
});
