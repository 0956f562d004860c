import syncmlDm, { type DmSessionRequest, type StartSession } from 'sip-push/apps/syncml.dm';
import { type DmTrigger, dmDigest, encodeDmNotification, encodeDmTrigger } from 'sip-push/formats';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseXml } from '../../core/content/xml/parser.js';
import { fromHex } from '../content/fixture.js';
import { TestHttpServer } from '../support/pages/http-server.js';
import { AppHost } from './app-host.js';
import { failNextWrite } from './failing-write.js';

const TYPE = 'application/vnd.syncml.notification';
const NONCE = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const SERVER = { id: 'srv1', password: 'secret', nonce: 'AQIDBAUGBwg=' };
const FALLBACKS: [name: string, nonce: Uint8Array][] = [
  ['0x00000000', new TextEncoder().encode('0x00000000')],
  ['four zero octets', new Uint8Array(4)],
];
const VECTOR = fromHex('a011dde5ee84aec2d4e61c65392ff0f102d800000012340473727631');

const alert: DmTrigger = {
  version: '1.2',
  uiMode: 'informative',
  initiator: 'server',
  sessionId: 7,
  serverId: 'srv1',
};

/** Encoded by its server. */
function notification(
  changes: Partial<DmTrigger> = {},
  nonce: Uint8Array = NONCE,
  password = 'secret',
): Uint8Array {
  const trigger = encodeDmTrigger({ ...alert, ...changes });
  const { serverId } = { ...alert, ...changes };
  return encodeDmNotification(dmDigest({ serverId, password, nonce }, trigger), trigger);
}

function withoutDigest(changes: Partial<DmTrigger> = {}): Uint8Array {
  return encodeDmNotification(new Uint8Array(16), encodeDmTrigger({ ...alert, ...changes }));
}

describe('syncml.dm', () => {
  let host: AppHost;

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    // Without jitter the delays are exact.
    vi.spyOn(Math, 'random').mockReturnValue(0.999_999);
  });

  afterEach(async () => {
    await host.stop();
    vi.restoreAllMocks();
    vi.useRealTimers();
  });

  async function start(options: object = {}): Promise<void> {
    host = await AppHost.start(syncmlDm, { servers: [SERVER], ...options });
  }

  const push = (body: Uint8Array, type = TYPE) => host.push({ type, body });
  const sessions = () => host.events.map(({ sessionId }) => sessionId);

  /** Waits until the background tasks have reached `condition`. */
  const until = async (condition: () => boolean | Promise<boolean>) => {
    while (!(await condition())) await new Promise((resolve) => setImmediate(resolve));
  };

  const wait = async (milliseconds: number) => {
    host.now += milliseconds;
    await vi.advanceTimersByTimeAsync(milliseconds);
  };

  it('accepts both media types of notifications', async () => {
    await start();
    expect(host.runtime.acceptedTypes(['x-wap-application:syncml.dm'])).toEqual([
      'application/vnd.syncml.notification',
      'application/vnd.syncml.dm.notification',
    ]);
    await push(notification({ sessionId: 1 }));
    await push(notification({ sessionId: 2 }), 'application/vnd.syncml.dm.notification');
    expect(sessions()).toEqual([1, 2]);
  });

  it('emits an event for an alert', async () => {
    await start();
    expect(await push(VECTOR)).toMatchObject({ accepted: true });
    expect(host.events).toEqual([
      {
        id: expect.any(String),
        app: 'syncml.dm',
        kind: 'alert',
        sessionId: 0x1234,
        serverId: 'srv1',
        uiMode: 'background',
        initiator: 'server',
        version: '1.1',
        verified: true,
      },
    ]);
  });

  describe('refuses an alert (forbidden)', () => {
    it.each([
      ['with another password', notification({}, NONCE, 'guess'), 'wrong digest'],
      ['with another nonce', notification({}, Uint8Array.of(9)), 'wrong digest'],
      ['without a digest', withoutDigest(), 'no digest: all of its octets are zero'],
      [
        'of a server that is not configured',
        notification({ serverId: 'srv2' }),
        'DM server "srv2" is not configured',
      ],
    ])('%s', async (_name, body, reason) => {
      await start();
      expect(await push(body)).toMatchObject({ accepted: false, kind: 'forbidden', reason });
      expect(host.events).toEqual([]);
    });

    it('in which any octet was changed', async () => {
      await start();
      for (let index = 0; index < VECTOR.length; index += 1) {
        const changed = VECTOR.slice();
        changed[index] = (changed[index] ?? 0) ^ 1;
        expect(await push(changed)).toMatchObject({ accepted: false });
      }
      expect(host.events).toEqual([]);
    });

    it('if no server is configured', async () => {
      host = await AppHost.start(syncmlDm);
      expect(await push(VECTOR)).toMatchObject({
        kind: 'forbidden',
        reason: 'DM server "srv1" is not configured',
      });
    });
  });

  it('accepts alerts without a digest if the option allows it, and marks them as unverified', async () => {
    await start({ unverified: true });
    expect(await push(withoutDigest())).toMatchObject({ accepted: true });
    expect(host.events).toMatchObject([{ sessionId: 7, verified: false }]);
    expect(await push(notification({}, Uint8Array.of(9)))).toMatchObject({ kind: 'forbidden' });
    expect(await push(withoutDigest({ serverId: 'srv2' }))).toMatchObject({ kind: 'forbidden' });
  });

  describe('a repeated alert', () => {
    it('is accepted without an event, even after a restart', async () => {
      await start();
      await push(notification());
      expect(await push(notification())).toMatchObject({ accepted: true });
      await host.restart();
      expect(await push(notification())).toMatchObject({ accepted: true });
      expect(host.events).toHaveLength(1);
      expect(host.logged).toEqual(Array(2).fill('alert of session 7 by srv1 is a duplicate: ignored'));
    });

    it('emits one event when two copies arrive at once', async () => {
      await start();
      await Promise.all([push(notification()), push(notification())]);
      expect(host.events).toHaveLength(1);
    });

    it('is a new alert if any field differs', async () => {
      await start();
      await push(notification());
      await push(notification({ uiMode: 'user-interaction' }));
      await push(notification({ sessionId: 8 }));
      expect(host.events).toHaveLength(3);
    });

    it('is refused after 1,000 alerts with one nonce', async () => {
      await start();
      for (let sessionId = 0; sessionId < 1000; sessionId += 1) await push(notification({ sessionId }));
      expect(await push(notification({ sessionId: 1000 }))).toMatchObject({
        kind: 'forbidden',
        reason: '1000 alerts used this nonce: a session must change it',
      });
      expect(await push(notification({ sessionId: 0 }))).toMatchObject({ accepted: true });
      expect(host.events).toHaveLength(1000);
    });
  });

  describe('a fallback nonce', () => {
    it.each(FALLBACKS)('%s is accepted once, even after a restart', async (name, nonce) => {
      await start();
      expect(await push(notification({ sessionId: 1 }, nonce))).toMatchObject({ accepted: true });
      await host.restart();
      for (const sessionId of [1, 2]) {
        expect(await push(notification({ sessionId }, nonce))).toMatchObject({
          accepted: false,
          kind: 'forbidden',
          reason: `the fallback nonce (${name}) was used before: a session must change the nonce`,
        });
      }
      expect(host.events).toMatchObject([{ sessionId: 1, verified: true }]);
    });

    it.each([['0d3b8f2e1a241a96138e99f2a486c7b6'], ['a01843a6ca9240827b3ea4cb3c649651']])(
      'made the digest %s',
      async (digest) => {
        await start();
        const body = VECTOR.slice();
        body.set(fromHex(digest));
        expect(await push(body)).toMatchObject({ accepted: true });
      },
    );

    it('is accepted once for each kind and each server', async () => {
      await start({ servers: [SERVER, { ...SERVER, id: 'srv2' }] });
      for (const serverId of ['srv1', 'srv2']) {
        for (const [, nonce] of FALLBACKS) await push(notification({ serverId }, nonce));
      }
      expect(host.events).toHaveLength(4);
    });

    it('does not change the nonce', async () => {
      await start();
      for (const [, nonce] of FALLBACKS) await push(notification({}, nonce));
      expect(await push(notification())).toMatchObject({ accepted: true });
      expect(host.events).toHaveLength(3);
    });

    it('is accepted again after the configured nonce has changed', async () => {
      await start();
      const [[, fallback] = ['', NONCE]] = FALLBACKS;
      await push(notification({}, fallback));
      host.options = { servers: [{ ...SERVER, nonce: 'CQ==' }] };
      await host.restart();
      expect(await push(notification({}, fallback))).toMatchObject({ accepted: true });
      expect(await push(notification({}, Uint8Array.of(9)))).toMatchObject({ accepted: true });
      expect(await push(notification())).toMatchObject({ kind: 'forbidden' });
    });
  });

  describe('startSession', () => {
    const requests: DmSessionRequest[] = [];
    let answers: (Uint8Array | Error)[];

    beforeEach(() => {
      requests.length = 0;
      answers = [];
    });

    const startSession: StartSession = async (request) => {
      requests.push(request);
      const answer = answers.shift();
      if (answer instanceof Error) throw answer;
      return answer && { nonce: answer };
    };
    const sessionIds = () => requests.map(({ sessionId }) => sessionId);

    it('receives the alert', async () => {
      await start({ startSession });
      await push(VECTOR);
      await until(() => requests.length === 1);
      expect(requests).toEqual([
        {
          sessionId: 0x1234,
          serverId: 'srv1',
          uiMode: 'background',
          initiator: 'server',
          version: '1.1',
          verified: true,
          resynchronise: false,
        },
      ]);
    });

    it('is notified that the server has lost the nonce, and its new nonce invalidates earlier digests', async () => {
      const next = Uint8Array.of(42, 43);
      answers = [next];
      await start({ startSession });
      const [[, fallback] = ['', NONCE]] = FALLBACKS;
      await push(notification({ sessionId: 1 }, fallback));
      await until(() => requests.length === 1);
      expect(requests).toMatchObject([{ sessionId: 1, resynchronise: true, verified: true }]);
      await host.restart();
      expect(await push(notification({ sessionId: 2 }))).toMatchObject({ kind: 'forbidden' });
      expect(await push(notification({ sessionId: 2 }, next))).toMatchObject({ accepted: true });
      expect(await push(notification({ sessionId: 3 }, fallback))).toMatchObject({ accepted: true });
      expect(await push(notification({ sessionId: 4 }, fallback))).toMatchObject({ kind: 'forbidden' });
    });

    it('is retried with increasing delays after failures', async () => {
      answers = [new Error('no route'), new Error('no route\u001b[2J')];
      await start({ startSession });
      await push(notification());
      await until(() => host.logged.length === 1);
      await wait(29_999);
      expect(sessionIds()).toEqual([7]);
      // A repetition does not shorten the delay.
      await push(notification());
      expect(sessionIds()).toEqual([7]);
      await wait(1);
      await until(() => host.logged.length === 3);
      await wait(60_000);
      await until(() => requests.length === 3);
      await wait(7_200_000);
      expect(sessionIds()).toEqual([7, 7, 7]);
      expect(host.logged).toEqual([
        'session 7 with srv1 could not be started, retry in 30 s: no route',
        'alert of session 7 by srv1 is a duplicate: ignored',
        'session 7 with srv1 could not be started, retry in 60 s: no route [2J',
      ]);
    });

    it('is retried after a restart', async () => {
      answers = [new Error('no route')];
      await start({ startSession });
      await push(notification());
      await until(() => host.logged.length === 1);
      await host.restart();
      await wait(30_000);
      await until(() => requests.length === 2);
      await host.restart();
      await wait(7_200_000);
      expect(sessionIds()).toEqual([7, 7]);
    });

    it('is not retried after 12 failures', async () => {
      answers = Array.from({ length: 20 }, () => new Error('no route'));
      await start({ startSession });
      await push(notification());
      for (let failures = 1; failures <= 12; failures += 1) {
        await until(() => host.logged.length >= failures);
        await wait(3_600_000);
      }
      expect(requests).toHaveLength(12);
      expect(host.logged.at(-1)).toBe('session 7 with srv1 could not be started, gave up: no route');
      await host.restart();
      await push(notification({ sessionId: 8 }));
      await until(() => requests.length === 13);
    });

    it('is called for the last alert that arrived during a session', async () => {
      let end = (_result: undefined) => {};
      const sessions: number[] = [];
      await start({
        startSession: ({ sessionId }: DmSessionRequest) => {
          sessions.push(sessionId);
          return new Promise<undefined>((resolve) => {
            end = resolve;
          });
        },
      });
      for (const sessionId of [1, 2, 3]) await push(notification({ sessionId }));
      expect(sessions).toEqual([1]);
      end(undefined);
      await until(() => sessions.length === 2);
      expect(sessions).toEqual([1, 3]);
    });

    it('has a deadline', async () => {
      let signal: AbortSignal | undefined;
      await start({
        startSession: (_request: DmSessionRequest, given: AbortSignal) => {
          signal = given;
          return new Promise(() => {});
        },
      });
      await push(notification());
      await until(() => signal !== undefined);
      await vi.advanceTimersByTimeAsync(900_000);
      const problem = 'session 7 with srv1 could not be started, retry in 30 s: ';
      await until(() => host.logged.some((line) => line.startsWith(problem)));
      expect(signal?.reason).toMatchObject({ message: 'alarm() did not end within 900 s (timeout)' });
      // It does not delay the stop of the application either.
      await host.restart();
    });

    it.each([[{ nonce: 'AQID' }], [{ nonce: new Uint8Array() }], [{ nonce: new Uint8Array(257) }]])(
      'fails if it returns %j as the nonce',
      async (result) => {
        await start({ startSession: async () => result });
        await push(notification());
        await until(() => host.logged.length === 1);
        expect(host.logged[0]).toContain('invalid nonce from startSession');
      },
    );
  });

  describe('the built-in startSession', () => {
    let dm: Awaited<ReturnType<typeof TestHttpServer.start>>;
    const posted: { type: string | undefined; text: string }[] = [];
    let status: number;

    beforeEach(async () => {
      posted.length = 0;
      status = 200;
      dm = await TestHttpServer.start(async (request, response) => {
        const type = request.headers['content-type'];
        posted.push({ type, text: (await request.setEncoding('utf8').toArray()).join('') });
        response.writeHead(status).end('<SyncML/>');
      });
    });

    afterEach(() => dm.close());

    async function startFor(url: string, allow = 'http://127.0.0.1:*'): Promise<void> {
      const options = { servers: [{ ...SERVER, url }], device: 'IMEI:490154203237518' };
      host = await AppHost.start(syncmlDm, options, { allow: [allow] });
    }

    it('posts package #1', async () => {
      await startFor(dm.url('/dm?a=1&b=2'));
      await push(VECTOR);
      await until(() => posted.length === 1);
      expect(dm.requests).toEqual(['POST /dm?a=1&b=2']);
      expect(posted[0]?.type).toBe('application/vnd.syncml.dm+xml; charset=utf-8');
      expect(parseXml(new TextEncoder().encode(posted[0]?.text), 'package #1')).toMatchObject({
        name: 'SyncML',
        attributes: [{ name: 'xmlns', value: ['SYNCML:SYNCML1.2'] }],
      });
      for (const element of [
        '<SessionID>1234</SessionID><MsgID>1</MsgID>',
        `<Target><LocURI>http://127.0.0.1:${dm.port}/dm?a=1&amp;b=2</LocURI></Target>`,
        '<Source><LocURI>IMEI:490154203237518</LocURI></Source>',
        '<Alert><CmdID>1</CmdID><Data>1200</Data></Alert>',
      ]) {
        expect(posted[0]?.text).toContain(element);
      }
      await host.restart();
      expect(posted).toHaveLength(1);
    });

    it('reports a session that the user initiated', async () => {
      await startFor(dm.url());
      await push(notification({ initiator: 'client', sessionId: 0xfffe }));
      await until(() => posted.length === 1);
      expect(posted[0]?.text).toContain('<Data>1201</Data>');
      expect(posted[0]?.text).toContain('<SessionID>FFFE</SessionID>');
    });

    it('is retried after a server error', async () => {
      status = 500;
      await startFor(dm.url());
      await push(notification());
      await until(() => host.logged.length === 1);
      expect(host.logged[0]).toBe(
        'session 7 with srv1 could not be started, retry in 30 s: status: the server answered 500',
      );
      status = 200;
      await wait(30_000);
      await until(() => posted.length === 2);
    });

    it('is not retried after a 404', async () => {
      status = 404;
      await startFor(dm.url());
      await push(notification());
      await until(() => host.logged.length === 1);
      expect(host.logged[0]).toMatch(/gave up: status: the server answered 404$/);
      await wait(7_200_000);
      expect(posted).toHaveLength(1);
    });

    it('does not fetch from origins that the host does not allow', async () => {
      await startFor(dm.url(), 'https://dm.example');
      await push(notification());
      await until(() => host.logged.length === 1);
      expect(host.logged[0]).toMatch(/^session 7 with srv1 could not be started, gave up: not-allowed: /);
      expect(posted).toEqual([]);
    });

    it('is replaced by the option startSession', async () => {
      const started: number[] = [];
      host = await AppHost.start(syncmlDm, {
        servers: [{ ...SERVER, url: dm.url() }],
        startSession: async ({ sessionId }: DmSessionRequest) => void started.push(sessionId),
      });
      await push(notification());
      expect([started, posted]).toEqual([[7], []]);
    });
  });

  describe('malformed notifications', () => {
    it('are refused when truncated at any octet', async () => {
      await start();
      for (let length = 0; length < VECTOR.length; length += 1) {
        expect(await push(VECTOR.subarray(0, length))).toMatchObject({
          accepted: false,
          kind: 'type',
          reason: expect.stringMatching(/^DM notification: .* at offset \d+: expected /),
        });
      }
    });

    it('are refused if the server id is empty', async () => {
      await start();
      const body = fromHex(`${'00'.repeat(16)}02d800000012340073727631`);
      expect(await push(body)).toMatchObject({ kind: 'type' });
    });

    it('are refused if they are of another major version', async () => {
      await start();
      expect(await push(notification({ version: '2.0' }))).toMatchObject({
        kind: 'type',
        reason: 'invalid DM version 2.0: expected 1.x',
      });
    });

    it('are refused if they are too large', async () => {
      await start();
      expect(await push(new Uint8Array(16_385))).toMatchObject({ kind: 'size' });
    });
  });

  it.each([
    [{ servers: {} }, 'options.servers: expected a list'],
    [{ servers: [7] }, 'options.servers[0]: expected an object with id, password, nonce, url'],
    [{ servers: [{ ...SERVER, url: 'dm.example' }] }, 'options.servers[0].url: expected the URL'],
    [{ servers: [{ ...SERVER, url: 'http://a.example/' }] }, 'options.device: servers with a url need it'],
    [{ device: 'a b' }, 'options.device: expected the identifier'],
    [{ servers: [{ ...SERVER, id: '' }] }, "options.servers[0].id: expected the server's identifier"],
    [{ servers: [{ ...SERVER, id: 'ü'.repeat(128) }] }, 'options.servers[0].id: expected'],
    [{ servers: [{ ...SERVER, password: 1 }] }, 'options.servers[0].password: expected the password'],
    [{ servers: [{ ...SERVER, nonce: 'no base64' }] }, 'options.servers[0].nonce: expected base64'],
    [{ servers: [{ ...SERVER, nonce: 'AQ' }] }, 'options.servers[0].nonce: expected base64'],
    [
      { servers: [{ ...SERVER, secret: 1 }] },
      'options.servers[0]: unknown option secret: expected id, password, nonce, url',
    ],
    [{ servers: [SERVER, SERVER] }, 'options.servers: list each server once'],
    [{ unverified: 'yes' }, 'options.unverified: expected true or false'],
    [{ startSession: 'http' }, 'options.startSession: expected a function'],
    [{ server: [] }, 'options: unknown option server: expected servers'],
    ['srv1', 'options: expected an object'],
  ])('does not start with options %j', async (options, message) => {
    await start();
    host.options = options;
    await expect(host.restart()).rejects.toThrow(`syncml.dm: ${message}`);
  });

  it('warns at start if no server is configured', async () => {
    await start();
    expect(host.logged).toEqual([]);
    host.options = undefined;
    await host.restart();
    expect(host.logged).toEqual([
      expect.stringMatching(/^options\.servers is empty, every alert is refused/),
    ]);
  });

  it('removes the state of servers that are no longer configured', async () => {
    await start();
    await push(VECTOR);
    expect(await host.stored('server/')).toBe(1);
    host.options = { servers: [] };
    await host.restart();
    expect(await host.stored('server/')).toBe(0);
  });

  it('describes a request in words', async () => {
    await start();
    expect(await host.described({ type: TYPE, body: VECTOR })).toEqual({
      title: 'A management server requests a session',
      text: 'srv1, in the background',
      fields: {
        server: 'srv1',
        session: '4660',
        initiator: 'the server',
        version: 'DM 1.1',
        digest: 'present',
      },
    });
  });

  it.each([['the nonce', NONCE], ...FALLBACKS])(
    'emits one event after a failed commit, with %s',
    async (_name, nonce) => {
      await start();
      failNextWrite(host.store, 'server/');
      expect(await push(notification({}, nonce))).toMatchObject({ accepted: true });
      expect(host.events).toEqual([]);
      await until(async () => {
        await wait(1_000);
        return host.events.length > 0;
      });
      expect(sessions()).toEqual([7]);
    },
  );
});
