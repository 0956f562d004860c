/** Content by reference, and compressed, at the receiver (TS 8.1.1 step 4, RFC 4483). */

import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { definePushApp, refuse } from 'sip-push/sdk';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { platform } from '#platform';
import type { Push } from '../../core/app/contract/push.js';
import { buildExternalBody, type ExternalBody } from '../../core/content/external-body.js';
import { formatMediaType } from '../../core/content/media-type.js';
import { createPushReceiver, type HostEvent, type PushHost } from '../../core/host.js';
import { BOB, PSA } from '../support/agents/agents.js';
import { nestedBomb } from '../support/bombs.js';
import { TestHttpServer } from '../support/pages/http-server.js';
import { request } from '../support/sip/requests.js';
import { ScriptedCore } from '../support/sip/scripted-core.js';
import { until } from '../support/wait.js';

const RESOURCE = 'Accept-Contact: *;+g.oma.pusheventapp="test.ua";require;explicit';
const IDENTITY = `P-Asserted-Identity: <${PSA}>`;
const CONTENT = Buffer.from('content that lies elsewhere');

let core: ScriptedCore;
let server: Awaited<ReturnType<typeof TestHttpServer.start>>;
let folder: string;
let host: PushHost;
let events: HostEvent[];
let pushes: { push: Push; text: string }[];
let receive: (push: Push) => void | Promise<void>;

const app = definePushApp({
  id: 'test.ua',
  accepts: ['text/plain'],
  delivery: 'direct',
  order: 'parallel',
  maxSize: 100_000,
  start: () => ({
    async receive(push) {
      pushes.push({ push, text: Buffer.from(await push.content.bytes(100_000)).toString() });
      await receive(push);
    },
  }),
});

beforeEach(async () => {
  events = [];
  pushes = [];
  receive = () => {};
  core = await ScriptedCore.tcp();
  server = await TestHttpServer.start((_request, response) => response.end(CONTENT));
  folder = await mkdtemp(join(tmpdir(), 'sip-push-indirect-'));
  host = await createPushReceiver({
    identity: BOB,
    servers: [core.uri],
    trust: [PSA],
    expires: 600,
    product: 'test/1',
    apps: [{ definition: app }],
    data: join(folder, 'data'),
    fetch: { allow: ['http://127.0.0.1:*'] },
    onEvent: (event) => events.push(event),
  });
  (await core.request('REGISTER')).respond(403);
});
afterEach(async () => {
  vi.useRealTimers();
  await host.stop('the test ended');
  await server.close();
  await core.close();
  await rm(folder, { recursive: true, force: true });
});

const message = (lines: string[], body: string | Uint8Array = CONTENT) =>
  core.exchange(request('MESSAGE', BOB, [RESOURCE, IDENTITY, ...lines], body));

function referring(more: Partial<ExternalBody> = {}) {
  const { type, body } = buildExternalBody({
    url: server.url('/content'),
    type: { type: 'text/plain', parameters: { charset: 'utf-8' } },
    size: CONTENT.length,
    hash: platform.hash('sha-1', CONTENT),
    expiration: Date.now() + 60_000,
    headers: { 'content-id': '<1@test>' },
    ...more,
  });
  return { line: `Content-Type: ${formatMediaType(type)}`, body };
}

const refer = (more: Partial<ExternalBody> = {}, lines: string[] = []) => {
  const { line, body } = referring(more);
  return message([line, ...lines], body);
};

const refusal = () => events.find(({ event }) => event === 'refused');

describe('a reference', () => {
  it('8.1.1-04, 8.1.1-05: is retrieved and delivered before the 200', async () => {
    const lines = ['X-Wap-Application-Id: test.ua', 'Content-Language: en', 'Content-Language: fr'];
    expect((await refer({}, lines)).status).toBe(200);
    expect(pushes).toMatchObject([
      {
        text: CONTENT.toString(),
        push: {
          mode: 'indirect',
          from: PSA,
          to: BOB,
          content: { type: { type: 'text/plain', parameters: { charset: 'utf-8' } }, size: CONTENT.length },
          headers: {
            'content-id': '<1@test>',
            'content-type': 'text/plain;charset=utf-8',
            'content-language': 'en, fr',
            'x-wap-application-id': 'test.ua',
          },
        },
      },
    ]);
    expect(pushes[0]?.push.headers).not.toHaveProperty('content-length');
    await until(() =>
      expect(events).toContainEqual({
        event: 'push',
        id: pushes[0]?.push.id,
        app: 'test.ua',
        mode: 'indirect',
        from: PSA,
        contentType: 'text/plain;charset=utf-8',
        size: CONTENT.length,
        sha256: platform.hash('sha-256', CONTENT),
        outcome: 'accepted',
        status: 200,
      }),
    );
    expect(await readdir(join(folder, 'data', 'spool'))).toEqual([]);
  });

  it('8.1.1-01, 8.1.1-02: is checked after the resource and the identity', async () => {
    const { line, body } = referring();
    const other = RESOURCE.replace('test.ua', 'other.ua');
    const send = (lines: string[], content = body) => core.exchange(request('MESSAGE', BOB, lines, content));
    expect((await send([line, other, IDENTITY])).status).toBe(403);
    expect((await send([line, RESOURCE, 'P-Asserted-Identity: <sip:mallory@domain.test>'])).status).toBe(403);
    expect((await send([line, RESOURCE], Buffer.from('nonsense'))).status).toBe(403);
    expect(server.requests).toEqual([]);
  });

  it('C-06: is answered 415 for the type of its content; Accept also lists the type of references', async () => {
    const answer = await refer({ type: { type: 'image/png', parameters: {} } });
    expect(answer.status).toBe(415);
    expect(answer.headers.getAll('Accept')).toEqual(['text/plain', 'message/external-body']);
    expect(server.requests).toEqual([]);
  });

  it('is answered 400 without a URL', async () => {
    expect((await message(['Content-Type: message/external-body'], '')).status).toBe(400);
    expect((await message([referring().line], 'Content-ID: <1@test>\r\n\r\n')).status).toBe(400);
  });

  it.each<[string, Partial<ExternalBody>, number, RegExp]>([
    ['too large for the application', { size: 100_001 }, 413, /the reference declares 100001 bytes/],
    ['expired', { expiration: Date.UTC(2008, 6, 5) }, 403, /^the reference expired/],
    ['of another size', { size: 3 }, 403, /^size-mismatch/],
    ['of another hash', { hash: 'a'.repeat(40) }, 403, /^hash-mismatch/],
    ["to a cloud's metadata", { url: 'http://169.254.169.254/latest/' }, 403, /^not-allowed/],
    ['to loopback by another name', { url: 'http://localhost:80/' }, 403, /^not-allowed/],
    ['to a file', { url: 'file:///etc/passwd' }, 403, /^not-allowed/],
  ])('8.1.1-04: %s', async (_title, reference, status, reason) => {
    expect((await refer(reference)).status).toBe(status);
    expect(refusal()).toMatchObject({ status, from: PSA, reason: expect.stringMatching(reason) });
    expect(pushes).toEqual([]);
  });

  it.each([
    ['expires', 60, 200],
    ['has expired', -60, 403],
  ])(
    '8.1.1-04: %s by the Date of the request, if the date of the device is wrong',
    async (_, seconds, status) => {
      const sent = Date.UTC(2008, 6, 5);
      const { line, body } = referring({ expiration: sent + seconds * 1000 });
      const date = `Date: ${new Date(sent).toUTCString()}`;
      expect((await message([line, date], body)).status).toBe(status);
    },
  );

  it.each([
    [404, 403, /^status: the server answered 404/],
    [410, 403, /^status: the server answered 410/],
  ])('8.1.1-04: to a URL that returns %i is answered %i', async (found, status, reason) => {
    server.answer = (_request, response) => response.writeHead(found).end();
    expect((await refer()).status).toBe(status);
    expect(refusal()).toMatchObject({ reason: expect.stringMatching(reason) });
  });

  it('8.1.1-04: to 1 MB that decodes to 10 GB is answered 413', async () => {
    server.answer = (_request, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip, gzip' }).end(nestedBomb());
    const { type, body } = buildExternalBody({
      url: server.url(),
      type: { type: 'text/plain', parameters: {} },
      headers: {},
    });
    expect((await message([`Content-Type: ${formatMediaType(type)}`], body)).status).toBe(413);
    expect(refusal()).toMatchObject({ reason: expect.stringMatching(/^(decoded-too-large|too-large)/) });
  });

  it('is answered with the refusal of its application, like any push', async () => {
    receive = () => {
      throw refuse('busy', 'not now', { retryAfter: 7 });
    };
    const answer = await refer();
    expect([answer.status, answer.headers.get('Retry-After')]).toEqual([480, '7']);
    expect(events.find(({ event }) => event === 'push')).toMatchObject({
      mode: 'indirect',
      outcome: 'refused',
      reason: 'not now',
    });
  });

  it('8.1.1-04: is answered 200 if it takes longer; an event reports its end', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    server.answer = (_request, response) => response.writeHead(503).end();
    const { line, body } = referring();
    const sent = request('MESSAGE', BOB, [RESOURCE, IDENTITY, line], body);
    core.send(sent);
    await until(() => expect(server.requests.length).toBeGreaterThan(0));
    await vi.advanceTimersByTimeAsync(14_000);
    const answer = await core.response(sent.headers.get('Call-ID'), 200);
    expect(answer.status).toBe(200);
    expect(events.filter(({ event }) => event === 'push')).toEqual([]);
    server.answer = (_request, response) => response.end(CONTENT);
    await until(async () => {
      await vi.advanceTimersByTimeAsync(5000);
      expect(events).toContainEqual(
        expect.objectContaining({ event: 'push', mode: 'indirect', outcome: 'accepted', status: 200 }),
      );
    });
    expect(pushes).toMatchObject([{ text: CONTENT.toString() }]);
  });
});

describe('Content-Encoding', () => {
  const TYPE = 'Content-Type: text/plain';

  it('is decoded before the application receives the content', async () => {
    expect((await message([TYPE, 'Content-Encoding: gzip'], gzipSync(CONTENT))).status).toBe(200);
    expect(pushes[0]?.text).toBe(CONTENT.toString());
    expect(pushes[0]?.push.headers).not.toHaveProperty('content-encoding');
    const { line, body } = referring();
    expect((await message([line, 'Content-Encoding: gzip'], gzipSync(body))).status).toBe(200);
    expect(pushes[1]).toMatchObject({ text: CONTENT.toString(), push: { mode: 'indirect' } });
  });

  it('of retrieved content is decoded as well', async () => {
    const packed = gzipSync(CONTENT);
    server.answer = (_request, response) => response.end(packed);
    const headers = { 'content-encoding': 'gzip' };
    expect((await refer({ size: packed.length, hash: platform.hash('sha-1', packed), headers })).status).toBe(
      200,
    );
    expect(pushes[0]?.text).toBe(CONTENT.toString());
  });

  it.each([
    ['content without that coding', CONTENT, 400],
    ['content that decodes to more than the application accepts', gzipSync(Buffer.alloc(100_001)), 413],
    ['content that decodes to 50 MB', gzipSync(Buffer.alloc(50_000_000)), 413],
  ])('is refused for %s', async (_title, body, status) => {
    expect((await message([TYPE, 'Content-Encoding: gzip'], body)).status).toBe(status);
    expect(pushes).toEqual([]);
  });
});
