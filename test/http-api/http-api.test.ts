/** The HTTP API of a sender: what it takes, what it answers, and what it lets nobody do. */

import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { platform } from '#platform';
import { serviceIndication } from '../../core/content/push-documents/service-indication.js';
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
const KEY = 'a-key-that-nobody-guesses';
const PLACE = { host: '127.0.0.1', port: 0 };
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
let sending: Sending[];
let directory: TerminalDirectory;

beforeEach(() => start());
afterEach(async () => {
  await server.close();
  await outbox.stop();
});

async function start(limits: Partial<OutboxLimits> = {}): Promise<void> {
  sending = [];
  directory = new TerminalDirectory();
  const events = new PushEvents();
  const store = await platform.openStore();
  outbox = await Outbox.open({
    sender: { send },
    records: new Records(store, systemClock, () => {}),
    limits,
    onChange: (push) => events.emit(push),
  });
  const options = { outbox, events, directory, key: KEY, maxContent: 100_000, version: '1.2.3' };
  server = await openHttpApi(PLACE);
  server.serve(options);
}

async function restart(limits: Partial<OutboxLimits>): Promise<void> {
  await server.close();
  await outbox.stop();
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

const under = () =>
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

describe('who may', () => {
  it.each([
    ['POST', '/pushes'],
    ['GET', '/pushes/1'],
    ['DELETE', '/pushes/1'],
    ['GET', '/pushes/1/receipts'],
    ['POST', '/contents'],
    ['GET', '/terminals'],
  ])('%s %s: nobody without the key', async (method, path) => {
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

  it('everybody reads the description', async () => {
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
    ['the least', PUSH],
    ['files', { to: BOB, app: 'wml.ua', files: [PUSH.content, { type: 'a/b', base64: 'AA==' }] }],
    ['some terminals', { ...PUSH, terminals: { methods: ['MESSAGE'] }, ttl: 60 }],
    ['no content', { to: BOB, app: 'wml.ua' }],
    ['content and files', { ...PUSH, files: [PUSH.content] }],
    ['content in two places', { ...PUSH, content: { type: 'a/b', text: '', base64: '' } }],
    ['content without a type', { ...PUSH, content: { text: '' } }],
    ['nobody', { app: 'wml.ua', content: PUSH.content }],
  ])('and the server are of one mind about %s', async (_title, body) => {
    const { PushRequest } = await publishedSchemas();
    expect(PushRequest && keysFit(PushRequest, body)).toBe((await post(body)).ok);
  });
});

/** As far as it says which keys there are. */
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

it('the example of the README is taken as it is written, and is what its media type says', async () => {
  const readme = await readFile(new URL('../../sdk/http-api/README.md', import.meta.url), 'utf8');
  const body = /-d '([^']*)'/.exec(readme)?.[1] ?? '';
  expect((await post(body)).status).toBe(202);
  const { push } = await under();
  const [file] = 'files' in push ? push.files : [];
  const document = await file?.content.bytes(10_000);
  expect(serviceIndication.fromXml(document ?? new Uint8Array())).toMatchObject({ text: 'New mail' });
});

describe('a push', () => {
  it('AD-5.3.1-6: is taken, and found by its id with its receipts', async () => {
    const response = await post({ ...PUSH, ttl: 60 });
    const taken: { id: string } = await response.json();
    expect([response.status, response.headers.get('location')]).toEqual([202, `/pushes/${taken.id}`]);
    const { push, done } = await under();
    expect(push).toMatchObject({ to: BOB, app: 'wml.ua', mode: 'auto', id: taken.id });
    done(RECEIPT);
    await until(async () => {
      const found = await (await api(`/pushes/${taken.id}`)).json();
      expect(found).toMatchObject({ ...taken, state: 'ended', receipts: [RECEIPT] });
    });
  });

  it('D-02: for one instance of an application goes to that one', async () => {
    expect((await post({ ...PUSH, iari: IARI }, { 'idempotency-key': 'one' })).status).toBe(202);
    const { push } = await under();
    expect(push).toMatchObject({ app: 'wml.ua', iari: IARI });
    // For another instance it is another push.
    expect((await post(PUSH, { 'idempotency-key': 'one' })).status).toBe(422);
  });

  it('of several files, given in every way, goes as one', async () => {
    const kept: { content: string } = await (
      await api('/contents', { method: 'POST', body: 'third', headers: { 'content-type': 'text/plain' } })
    ).json();
    const files = [
      { type: 'text/plain', name: 'a', text: 'first' },
      { type: 'text/plain', name: 'b', base64: Buffer.from('second').toString('base64') },
      { type: 'text/plain', name: 'c', content: kept.content },
    ];
    expect((await post({ to: BOB, app: 'wml.ua', files })).status).toBe(202);
    const { push } = await under();
    const texts = 'files' in push ? push.files.map(({ content }) => content.bytes(10)) : [];
    expect((await Promise.all(texts)).map((bytes) => new TextDecoder().decode(bytes))).toEqual([
      'first',
      'second',
      'third',
    ]);
  });

  it('whose content lies elsewhere is referred to', async () => {
    const content = { type: 'image/png', url: 'https://example.com/a.png', size: 3, hash: 'A'.repeat(40) };
    expect((await post({ to: BOB, app: 'wml.ua', content })).status).toBe(202);
    const { push } = await under();
    expect(push).toMatchObject({ content: { url: content.url, size: 3, type: { type: 'image/png' } } });
  });

  it('under a key is taken once; the key is not for another one', async () => {
    const headers = { 'idempotency-key': 'order-1' };
    const first = await post(PUSH, headers);
    const again = await post(PUSH, headers);
    expect([first.status, again.status]).toEqual([202, 200]);
    expect((await again.json()).id).toBe((await first.json()).id);
    expect((await post({ ...PUSH, app: 'mms.ua' }, headers)).status).toBe(422);
    expect(sending).toHaveLength(1);
  });

  it('is cancelled', async () => {
    const { id }: { id: string } = await (await post(PUSH)).json();
    const { options } = await under();
    const response = await api(`/pushes/${id}`, { method: 'DELETE' });
    expect([response.status, (await response.json()).state]).toEqual([200, 'cancelled']);
    expect(options.signal?.aborted).toBe(true);
  });

  it('that never was is 404, whatever is asked of it', async () => {
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

describe('what is wrong is said', () => {
  it.each<[string, unknown, string]>([
    ['no JSON', '{', 'the body is not JSON; expected an object with "to", "app", and "content" or "files"'],
    ['no object', [], 'the body: expected object, received array'],
    ['no content', { to: BOB, app: 'wml.ua' }, 'the body: expected either "content" or "files"'],
    [
      'content and files',
      { ...PUSH, files: [PUSH.content] },
      'the body: expected either "content" or "files"',
    ],
    [
      'a file that lies elsewhere',
      { to: BOB, app: 'wml.ua', files: [{ type: 'a/b', url: 'http://a.test' }] },
      'the body: "files": expected files without "url"; push content at a URL as "content"',
    ],
    ['nobody', { ...PUSH, to: 'bob' }, 'the body: "to": expected a SIP or tel URI, e.g. sip:bob@domain.test'],
    [
      'an application that is none',
      { ...PUSH, app: 'a b' },
      'the body: "app": expected an event-app-id, e.g. mms.ua',
    ],
    [
      'a type that is none',
      { ...PUSH, content: { type: 'text', text: '' } },
      'the body: "content.type": expected a media type, e.g. text/vnd.wap.si',
    ],
    [
      'what a session cannot do',
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
      'an instance that is none',
      { ...PUSH, iari: 'twin' },
      'the body: "iari": expected an IARI, e.g. urn:urn-7:3gpp-application.ims.iari.example',
    ],
    [
      'a mode that is none',
      { ...PUSH, mode: 'fast' },
      'the body: "mode": expected one of "auto"|"pager"|"session"|"indirect"',
    ],
    ['a time that is none', { ...PUSH, ttl: -1 }, 'the body: "ttl": expected number to be >=0'],
    [
      'content without a type',
      { ...PUSH, content: { text: 'hello' } },
      'the body: "content.type" is missing',
    ],
    [
      'no base64',
      { ...PUSH, content: { type: 'a/b', base64: '%' } },
      'the body: "content.base64": expected base64',
    ],
    [
      'content in two places',
      { ...PUSH, content: { type: 'a/b', text: '', base64: '' } },
      'the body: "content": expected one of "text", "base64", "content", "url"',
    ],
    [
      'content that nobody gave',
      { ...PUSH, content: { type: 'a/b', content: 'x' } },
      'unknown content "x": expected the id of an upload of the last hour, without a push',
    ],
    [
      'a URL that is none',
      { ...PUSH, content: { type: 'a/b', url: 'file:///etc/passwd' } },
      'the body: "content.url": expected e.g. https://example.com/a',
    ],
  ])('%s: 400', async (_title, body, detail) => {
    const response = await post(body);
    expect(response.status).toBe(400);
    expect((await response.json()).detail).toBe(detail);
    expect(sending).toEqual([]);
  });
});

it.each(['text/plain', 'application/x-www-form-urlencoded'])(
  'a body that is said to be %s: 415',
  async (type) => {
    const response = await post(PUSH, { 'content-type': type });
    expect([response.status, (await response.json()).detail]).toEqual([
      415,
      'expected Content-Type: application/json',
    ]);
    expect(sending).toEqual([]);
  },
);

describe('bounds', () => {
  it('a body that is too large: 413, whether it says so or not', async () => {
    const large = { ...PUSH, content: { type: 'text/plain', text: 'x'.repeat(2_100_000) } };
    expect((await post(large)).status).toBe(413);
    // The connection is closed after such an answer.
    await restart({});
    const bytes = new Uint8Array(100_001);
    expect((await api('/contents', { method: 'POST', body: bytes })).status).toBe(413);
    await restart({});
    const chunked = new Blob([bytes]).stream();
    expect((await api('/contents', { method: 'POST', body: chunked, duplex: 'half' })).status).toBe(413);
    expect(sending).toEqual([]);
  });

  it('content goes to the disk as it comes, also where nobody says how much it is', async () => {
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

  it('more pushes than may wait: 429, and when to come again', async () => {
    await restart({ waiting: 1 });
    await post(PUSH);
    const response = await post(PUSH);
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '30']);
  });

  it('more content than there is room for: 507', async () => {
    await restart({ bytes: 10 });
    expect((await api('/contents', { method: 'POST', body: 'hello' })).status).toBe(201);
    expect((await api('/contents', { method: 'POST', body: 'hello, world' })).status).toBe(507);
  });

  it('content whose connection breaks leaves nothing', async () => {
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

it('a port that is taken before there is anything to serve says so', async () => {
  await server.close();
  server = await openHttpApi(PLACE);
  const response = await post(PUSH);
  expect([response.status, response.headers.get('retry-after'), (await response.json()).detail]).toEqual([
    503,
    '1',
    'the sender is starting',
  ]);
  const place = { ...PLACE, port: Number(new URL(server.url).port) };
  await expect(openHttpApi(place)).rejects.toThrow(/"api\.port".*EADDRINUSE/);
});

describe('receipts', () => {
  const client = () => new SenderClient(server.url, KEY);

  it('come as they are there, those from before too, and end with the push', async () => {
    const { id } = await client().submit({ ...PUSH, mode: 'auto' }, 'one');
    const { options, done } = await under();
    options.onReceipts?.([RECEIPT], `${BOB};gr=1`);
    const got: Receipt[] = [];
    const reading = (async () => {
      for await (const receipt of client().receipts(id)) got.push(receipt);
    })();
    await until(() => expect(got).toHaveLength(1));
    done({ ...RECEIPT, outcome: 'refused', status: 403 });
    await reading;
    expect(got.map(({ outcome }) => outcome)).toEqual(['delivered', 'refused']);
    const again: Receipt[] = [];
    for await (const receipt of client().receipts(id)) again.push(receipt);
    expect(again).toEqual(got);
  });

  it('are followed by nobody when the follower has gone', async () => {
    const { id } = await client().submit({ ...PUSH, mode: 'auto' }, 'one');
    const { options, done } = await under();
    const abort = new AbortController();
    const response = await api(`/pushes/${id}/receipts`, { signal: abort.signal });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    abort.abort();
    options.onReceipts?.([RECEIPT], `${BOB};gr=1`);
    done(RECEIPT);
    await until(() => expect(outbox.waiting).toBe(0));
  });

  it('of a push that was cancelled end with an error: it is not delivered', async () => {
    const { id } = await client().submit({ ...PUSH, mode: 'auto' }, 'one');
    await under();
    await api(`/pushes/${id}`, { method: 'DELETE' });
    const reading = client().receipts(id).next();
    await expect(reading).rejects.toThrow(`the push ${id} was cancelled`);
  });

  it('of a sender that has no room now may be asked for again', async () => {
    await restart({ waiting: 0 });
    const refused = client().submit({ ...PUSH, mode: 'auto' }, 'one');
    await expect(refused).rejects.toMatchObject({ status: 429, retryable: true });
  });

  it('of a sender that refuses or is not there are an error that says so', async () => {
    const stranger = new SenderClient(server.url, 'another-key');
    await expect(stranger.submit({ ...PUSH, mode: 'auto' }, 'one')).rejects.toThrow(RefusedRequestError);
    await server.close();
    await expect(client().submit({ ...PUSH, mode: 'auto' }, 'one')).rejects.toThrow(
      /no response from http.*ECONNREFUSED/,
    );
    server = await openHttpApi(PLACE);
  });
});

it('terminals are listed, of a user or of all', async () => {
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
