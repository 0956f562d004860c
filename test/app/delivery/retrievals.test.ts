/** Indirect content: retrieved before the answer, or later from the stored reference (8.1.1-04). */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { platform } from '#platform';
import type { Push } from '../../../core/app/contract/push.js';
import {
  type IncomingReference,
  type LateEnd,
  PushRuntime,
  type PushRuntimeOptions,
  type ReferenceAnswer,
} from '../../../core/app/runtime.js';
import type { ExternalBody } from '../../../core/content/external-body.js';
import { PushRefused } from '../../../core/errors.js';
import type { LevelStore } from '../../../core/platform/level.js';
import { definePushApp } from '../../../sdk/index.js';
import { endless, TestHttpServer } from '../../support/pages/http-server.js';
import { until } from '../../support/wait.js';
import { testApp, testClock } from '../support.js';

const MiB = 1024 * 1024;
const DAY = 86_400_000;

let server: Awaited<ReturnType<typeof TestHttpServer.start>>;
let store: LevelStore;
let runtime: PushRuntime;
let ends: LateEnd[];
let received: { push: Push; text: string }[];
let receive: (push: Push) => void | Promise<void>;

const direct = testApp(
  async (push) => {
    received.push({ push, text: Buffer.from(await push.content.bytes(10 * MiB)).toString() });
    await receive(push);
  },
  { maxSize: MiB },
);

beforeEach(async () => {
  server = await TestHttpServer.start((_request, response) => response.end('content'));
  store = await platform.openStore();
  ends = [];
  received = [];
  receive = () => {};
  await open();
});
afterEach(async () => {
  vi.useRealTimers();
  await runtime.stop();
  await server.close();
});

async function open(options: Partial<PushRuntimeOptions> = {}, apps = [direct]): Promise<void> {
  runtime = await PushRuntime.open({
    store,
    clock: testClock(),
    fetch: { allow: ['http://127.0.0.1:*'] },
    onRetrieved: (end) => ends.push(end),
    ...options,
  });
  for (const app of apps) await runtime.load(app);
  await runtime.start();
}

let serial = 0;

function incoming(reference: Partial<ExternalBody> = {}, key = `key-${++serial}`): IncomingReference {
  const app = runtime.resolve(['test.ua'], 'text/plain');
  if (typeof app === 'string') throw new Error(app);
  const type = { type: 'text/plain', parameters: {} };
  return {
    app,
    key,
    from: 'sip:psa@domain.test',
    to: 'sip:bob@domain.test',
    headers: { 'content-id': '<1@test>' },
    reference: { url: server.url('/content'), type, headers: {}, ...reference },
  };
}

const push = (reference?: Partial<ExternalBody>): Promise<ReferenceAnswer> =>
  runtime.retrieve(incoming(reference));

/** Timers only: sockets and the disk are real. */
const fakeTimers = () => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });

describe('a retrieval in time', () => {
  it('8.1.1-04, 8.1.1-05: retrieves and delivers the content before the answer', async () => {
    const size = Buffer.byteLength('content');
    const answer = await push({ size, hash: platform.hash('sha-1', 'content') });
    expect(answer).toEqual({
      outcome: { accepted: true, pushId: expect.any(String) },
      retrieved: { size, sha256: platform.hash('sha-256', 'content') },
    });
    expect(received).toMatchObject([
      { text: 'content', push: { mode: 'indirect', headers: { 'content-id': '<1@test>' }, attempt: 1 } },
    ]);
    expect(ends).toEqual([]);
  });

  it('neither retrieves nor delivers a repeated push again', async () => {
    const first = incoming();
    await Promise.all([runtime.retrieve(first), runtime.retrieve(first)]);
    expect(await runtime.retrieve(first)).toMatchObject({ outcome: { accepted: true }, later: true });
    expect(server.requests).toHaveLength(1);
    expect(received).toHaveLength(1);
  });

  it('uses the reference of the repeated push, if the earlier one was withdrawn meanwhile', async () => {
    fakeTimers();
    server.answer = (request, response) =>
      request.url === '/new' ? response.end('content') : response.writeHead(503).end();
    const first = runtime.retrieve(incoming({ url: server.url('/old') }, 'same'));
    await until(() => expect(server.requests).toEqual(['GET /old']));
    await vi.advanceTimersByTimeAsync(1);
    const second = runtime.retrieve(incoming({ url: server.url('/new') }, 'same'));
    expect([(await first).outcome.accepted, (await second).outcome.accepted]).toEqual([true, true]);
    expect(received).toHaveLength(1);
  });

  it.each([
    ['more than its application accepts', { size: MiB + 1 }, 'size', /the reference declares 1048577 bytes/],
    ['an expired reference', { expiration: Date.now() - 1000 }, 'forbidden', /expired/],
  ] as const)('8.1.1-04: %s is refused without a fetch', async (_title, reference, kind, reason) => {
    const { outcome } = await push(reference);
    expect(outcome).toMatchObject({ accepted: false, kind, reason: expect.stringMatching(reason) });
    expect(server.requests).toEqual([]);
  });

  it.each([
    ['404', { url: '/404' }, 'forbidden', 'status: the server answered 404'],
    ['410', { url: '/410' }, 'forbidden', 'status: the server answered 410'],
    ['another hash', { hash: '0'.repeat(40) }, 'forbidden', 'hash-mismatch: '],
    ['another size', { size: 3 }, 'forbidden', 'size-mismatch: '],
    ['a forbidden address', { url: 'http://169.254.169.254/' }, 'forbidden', 'not-allowed: '],
    ['an endless body', { url: '/endless' }, 'size', 'too-large: '],
  ] as const)(
    '8.1.1-04: %s is refused, and the sender receives the reason',
    async (_title, reference, kind, reason) => {
      server.answer = (request, response) => {
        if (request.url === '/endless') endless()(request, response);
        else response.writeHead(Number(request.url?.slice(1)) || 200).end('content');
      };
      const url =
        'url' in reference && reference.url.startsWith('/') ? { url: server.url(reference.url) } : {};
      const { outcome, retrieved } = await push({ ...reference, ...url });
      expect(outcome).toMatchObject({ accepted: false, kind, reason: expect.stringContaining(reason) });
      expect(retrieved).toBeUndefined();
      expect(received).toEqual([]);
    },
  );

  it('is answered with the refusal of the application', async () => {
    receive = () => {
      throw new PushRefused('busy', 'not now', { retryAfter: 7 });
    };
    expect(await push()).toMatchObject({
      outcome: { accepted: false, kind: 'busy', retryAfter: 7 },
      retrieved: { size: 7 },
    });
    expect(received).toHaveLength(1);
  });

  it('retries a server that fails temporarily', async () => {
    fakeTimers();
    let requestCount = 0;
    server.answer = (_request, response) =>
      ++requestCount < 3 ? response.writeHead(503).end() : response.end('content');
    const answer = push();
    await until(async () => {
      await vi.advanceTimersByTimeAsync(500);
      expect(requestCount).toBe(3);
    });
    expect((await answer).outcome.accepted).toBe(true);
  });
});

describe('a retrieval that takes longer', () => {
  /** Advances the clock past the time that an answer waits for. */
  async function answered(answer: Promise<ReferenceAnswer>): Promise<ReferenceAnswer> {
    await vi.advanceTimersByTimeAsync(14_000);
    return await answer;
  }

  it('8.1.1-04: stores the reference, answers 200, and continues the retrieval', async () => {
    fakeTimers();
    let answerNow = () => {};
    server.answer = (_request, response) => {
      answerNow = () => response.end('content');
      response.write('');
    };
    const waiting = push();
    await until(() => expect(server.requests).toHaveLength(1));
    // The server sends bytes in time, so its timeout does not expire.
    server.answer = (_request, response) => {
      answerNow = () => response.end('content');
    };
    const answer = await answered(waiting);
    expect(answer).toEqual({ outcome: { accepted: true, pushId: expect.any(String) }, later: true });
    expect(received).toEqual([]);
    await until(async () => {
      await vi.advanceTimersByTimeAsync(1000);
      answerNow();
      expect(ends).toHaveLength(1);
    });
    expect(ends).toMatchObject([
      { outcome: { accepted: true }, retrieved: { size: 7 }, record: { app: 'test.ua' } },
    ]);
    expect(received).toHaveLength(1);
  });

  it('8.1.1-04: continues after a restart, and delivers once', async () => {
    fakeTimers();
    server.answer = (_request, response) => response.writeHead(503).end();
    const push = incoming();
    const answer = runtime.retrieve(push);
    await until(() => expect(server.requests.length).toBeGreaterThan(0));
    expect(await answered(answer)).toMatchObject({ outcome: { accepted: true }, later: true });
    await runtime.stop();
    server.answer = (_request, response) => response.end('content');
    await open();
    expect(await runtime.retrieve({ ...push, app: incoming().app })).toMatchObject({ later: true });
    await until(() => expect(ends).toHaveLength(1));
    expect(received).toMatchObject([
      { text: 'content', push: { mode: 'indirect', from: 'sip:psa@domain.test' } },
    ]);
    await runtime.stop();
    await open();
    expect(received).toHaveLength(1);
    expect(await runtime.retrieve({ ...push, app: incoming().app })).toMatchObject({
      outcome: { accepted: true },
    });
    expect(received).toHaveLength(1);
  });

  it('continues with the reference of the repeated push, even after a restart', async () => {
    fakeTimers();
    server.answer = (_request, response) => response.writeHead(503).end();
    const answer = runtime.retrieve(incoming({ url: server.url('/old') }, 'same'));
    await until(() => expect(server.requests.length).toBeGreaterThan(0));
    await answered(answer);
    const newer = incoming({ url: server.url('/new') }, 'same');
    expect(await runtime.retrieve(newer)).toMatchObject({ outcome: { accepted: true }, later: true });
    await until(() => expect(server.requests).toContain('GET /new'));
    await runtime.stop();
    server.answer = (request, response) =>
      request.url === '/new' ? response.end('content') : response.writeHead(404).end();
    await open();
    await until(() => expect(ends).toHaveLength(1));
    expect(ends[0]?.outcome.accepted).toBe(true);
    expect(received).toHaveLength(1);
  });

  it('retries until the reference expires', async () => {
    fakeTimers();
    server.answer = (_request, response) => response.writeHead(503).end();
    const answer = push({ expiration: Date.now() + 60_000 });
    await until(() => expect(server.requests.length).toBeGreaterThan(0));
    await answered(answer);
    await until(async () => {
      await vi.advanceTimersByTimeAsync(5000);
      expect(ends).toHaveLength(1);
    });
    expect(ends[0]?.outcome).toMatchObject({ accepted: false, kind: 'forbidden' });
    const requestCount = server.requests.length;
    expect(requestCount).toBeLessThan(12);
    await runtime.stop();
    await open();
    await vi.advanceTimersByTimeAsync(DAY);
    expect(server.requests).toHaveLength(requestCount);
  });

  it('retries although the date of the device is changed past the expiration', async () => {
    fakeTimers();
    server.answer = (_request, response) => response.writeHead(503).end();
    const answer = push({ expiration: Date.now() + DAY });
    await until(() => expect(server.requests.length).toBeGreaterThan(0));
    await answered(answer);
    vi.setSystemTime(Date.now() + 7 * DAY);
    server.answer = (_request, response) => response.end('content');
    await until(async () => {
      await vi.advanceTimersByTimeAsync(1000);
      expect(ends).toMatchObject([{ outcome: { accepted: true } }]);
    });
  });

  it('redelivers retrieved content to a busy application', async () => {
    fakeTimers();
    server.answer = (_request, response) => response.writeHead(503).end();
    const answer = push();
    await until(() => expect(server.requests.length).toBeGreaterThan(0));
    await answered(answer);
    receive = () => {
      if (received.length < 3) throw new PushRefused('busy', 'not now');
    };
    server.answer = (_request, response) => response.end('content');
    await until(async () => {
      await vi.advanceTimersByTimeAsync(5000);
      expect(ends).toHaveLength(1);
    });
    expect(ends[0]?.outcome.accepted).toBe(true);
    expect(received).toHaveLength(3);
    const good = server.requests.length;
    expect(new Set(server.requests)).toEqual(new Set(['GET /content']));
    await vi.advanceTimersByTimeAsync(DAY);
    expect(server.requests).toHaveLength(good);
  });

  it('refuses the push if the reference cannot be stored', async () => {
    await runtime.stop();
    await open({ limits: { references: 0 } });
    fakeTimers();
    server.answer = (_request, response) => response.writeHead(503).end();
    const answer = push();
    await until(() => expect(server.requests.length).toBeGreaterThan(0));
    expect((await answered(answer)).outcome).toMatchObject({ accepted: false, kind: 'resources' });
  });
});

it('one application uses at most half of the slots', async () => {
  await runtime.stop();
  const other = definePushApp({ id: 'other.ua', accepts: ['text/plain'], start: () => ({ receive() {} }) });
  await open({ limits: { retrievals: 4 } }, [direct, other]);
  const held: (() => void)[] = [];
  server.answer = (request, response) => {
    if (request.url === '/other') response.end('content');
    else held.push(() => response.end('content'));
  };
  const answers = Array.from({ length: 6 }, () => push());
  await until(() => expect(held).toHaveLength(2));
  const app = runtime.resolve(['other.ua'], 'text/plain');
  if (typeof app === 'string') throw new Error(app);
  const served = runtime.retrieve({ ...incoming({ url: server.url('/other') }), app });
  expect((await served).outcome).toMatchObject({ accepted: true });
  expect(held).toHaveLength(2);
  server.answer = (_request, response) => response.end('content');
  for (const release of held) release();
  expect((await Promise.all(answers)).every(({ outcome }) => outcome.accepted)).toBe(true);
});

describe('the fetch service', () => {
  it('is passed to the application that declares it, with the same limits, and decodes content', async () => {
    let fetched: unknown;
    await runtime.load(
      definePushApp({
        id: 'fetching.ua',
        accepts: ['text/plain'],
        needs: ['fetch'],
        async start({ fetch }) {
          const good = await fetch(server.url());
          const bad = await fetch('http://localhost/').catch(({ code, transient }) => ({ code, transient }));
          fetched = [good.status, Buffer.from(await good.bytes(100)).toString(), bad];
          await expect(
            fetch(server.url(), { maxSize: 3 }).then((response) => response.bytes(100)),
          ).rejects.toMatchObject({ code: 'too-large' });
          return { receive() {} };
        },
      }),
    );
    expect(fetched).toEqual([200, 'content', { code: 'not-allowed', transient: false }]);
  });
});
