/** `sip-push/testing`: the real runtime and agents in memory, with a test clock. */

import { afterEach, describe, expect, it, vi } from 'vitest';
import { sha256 } from '../../sdk/formats/index.js';
import { definePushApp, type PushAppInstance, refuse } from '../../sdk/index.js';
import {
  bitFlipped,
  bomb,
  brokenOff,
  corrupted,
  empty,
  oversized,
  slow,
  startTestHost,
  type TestApp,
  type TestHost,
  type TestHostOptions,
  truncated,
  wrongCharset,
  wrongLength,
} from '../../sdk/testing/index.js';
import { until } from '../support/wait.js';

const NOTES = 'notes.test';
const TEXT = 'text/plain';
const octets = new TextEncoder().encode('What a day this has been, what a rare mood I am in.');

/** Attempt numbers of the calls to `receive`. The application stores each text under the id of its push. */
const calls: number[] = [];
const notes = definePushApp({
  id: NOTES,
  accepts: [TEXT],
  order: 'parallel',
  needs: ['storage'],
  events: { note: true },
  maxSize: 100_000,
  start: ({ emit }) => ({
    async receive(push) {
      calls.push(push.attempt);
      const text = new TextDecoder().decode(await push.content.bytes(100_000));
      emit('note', { text });
      await push.commit((tx) => tx.put(push.id, text));
    },
  }),
});

let host: TestHost;

async function start(options: TestHostOptions = { apps: [notes] }): Promise<TestHost> {
  host = await startTestHost(options);
  return host;
}

afterEach(async () => {
  calls.length = 0;
  await host.stop();
});

describe('a push', () => {
  it.each(['pager', 'session', 'indirect'] as const)('in %s mode reaches its application', async (mode) => {
    const { push, storage } = bound(await start());
    const result = await push({ app: NOTES, type: TEXT, body: 'hello', mode });
    expect(result).toMatchObject({ outcome: 'delivered', status: 200 });
    expect(await storage(NOTES)).toEqual({ [result.pushId ?? '']: 'hello' });
    expect(host.of('push')).toMatchObject([{ mode, from: 'sip:sender@domain.test', outcome: 'accepted' }]);
    expect(host.emitted(NOTES, 'note')).toMatchObject([{ text: 'hello' }]);
  });

  it('of a type that no application accepts gets 415', async () => {
    const { push } = bound(await start());
    expect(await push({ app: NOTES, type: 'image/png', body: 'x' })).toMatchObject({
      outcome: 'refused',
      status: 415,
    });
  });

  it('for an application without a registered device gets 480', async () => {
    const { push } = bound(await start());
    expect(await push({ app: 'other.test', type: TEXT, body: 'x' })).toMatchObject({
      outcome: 'failed',
      status: 480,
    });
  });

  it('from an untrusted sender gets 403', async () => {
    const { push } = bound(await start());
    const from = 'sip:stranger@elsewhere.test';
    expect(await push({ app: NOTES, type: TEXT, body: 'x', from })).toMatchObject({ status: 403 });
  });

  it('that the application refuses gets the status of the refusal', async () => {
    const receive = () => {
      throw refuse('declined', 'not today');
    };
    const { push } = bound(
      await start({
        apps: [
          {
            id: NOTES,
            accepts: [TEXT],
            delivery: 'direct',
            order: 'parallel',
            start: () => ({ receive }),
          },
        ],
      }),
    );
    expect(await push({ app: NOTES, type: TEXT, body: 'x' })).toMatchObject({
      outcome: 'refused',
      status: 603,
    });
  });

  it('in session mode has its file name and headers', async () => {
    const seen: unknown[] = [];
    const receive: Parameters<typeof seen.push>[0] = ({ fileName, headers }: Record<string, unknown>) =>
      void seen.push({ fileName, headers });
    await start({
      apps: [
        {
          id: NOTES,
          accepts: [TEXT],
          delivery: 'direct',
          order: 'parallel',
          start: () => ({ receive: Object(receive) }),
        },
      ],
    });
    const headers = { 'content-description': 'a song' };
    await host.push({ app: NOTES, type: TEXT, body: octets, mode: 'session', fileName: 'song.txt', headers });
    expect(seen).toMatchObject([{ fileName: 'song.txt', headers }]);
  });
});

describe('an error of the application', () => {
  const failing = (receive: PushAppInstance['receive']) =>
    definePushApp({ id: NOTES, accepts: [TEXT], needs: ['storage'], start: () => ({ receive }) });
  const pushed = async (receive: PushAppInstance['receive']) => {
    await start({ apps: [failing(receive)] });
    return await host.push({ app: NOTES, type: TEXT, body: 'text' });
  };

  it('is in the result, although a durable push is delivered', async () => {
    const mistake = new TypeError('a mistake');
    const result = await pushed(() => Promise.reject(mistake));
    expect(result).toMatchObject({ outcome: 'delivered', status: 200 });
    expect(result.error).toBe(mistake);
  });

  it('after a commit is in the result, and in the log with its stack', async () => {
    const result = await pushed(async (push) => {
      await push.commit();
      throw new TypeError('a mistake');
    });
    expect(result).toMatchObject({ outcome: 'delivered', error: new TypeError('a mistake') });
    expect(host.logs).toContainEqual(
      expect.objectContaining({
        level: 'error',
        app: NOTES,
        message: expect.stringMatching(
          `^push ${result.pushId} was accepted, and receive threw afterwards: TypeError: a mistake\n +at `,
        ),
      }),
    );
  });

  it('that refuses after a commit has no effect, and is reported', async () => {
    const result = await pushed(async (push) => {
      await push.commit();
      throw refuse('declined', 'too late');
    });
    expect(result).toMatchObject({ outcome: 'delivered', error: refuse('declined', 'too late') });
  });

  it('is a missed deadline', async () => {
    await start({ apps: [failing(() => new Promise(() => {}))] });
    const pushing = host.push({ app: NOTES, type: TEXT, body: 'text' });
    await host.clock.advance(10_000);
    const { outcome, error } = await pushing;
    expect(outcome).toBe('delivered');
    expect(String(error)).toMatch(/did not answer within 10 s/);
  });

  it('is absent for a refusal, and for a push that is accepted', async () => {
    const refusing = await pushed(() => {
      throw refuse('declined', 'no');
    });
    expect(refusing).toMatchObject({ outcome: 'refused', error: undefined });
    await host.stop();
    expect((await pushed(() => {})).error).toBeUndefined();
  });
});

it('names the known applications and events, if a test asks for others', async () => {
  await start();
  expect(() => host.emitted('notes.tset')).toThrow('no application "notes.tset"; did you mean "notes.test"?');
  expect(() => host.emitted(NOTES, 'notes')).toThrow('notes.test has no event "notes"; did you mean "note"?');
  await expect(host.storage('other.ua')).rejects.toThrow(
    'no application "other.ua": expected one of notes.test',
  );
  expect(host.emitted(NOTES, 'note')).toEqual([]);
  expect(await host.storage(NOTES)).toEqual({});
});

describe('time', () => {
  it('advances on demand, and a failed push is redelivered', async () => {
    let failures = 2;
    const attempts: number[] = [];
    await start({
      apps: [
        {
          id: NOTES,
          accepts: [TEXT],
          order: 'parallel',
          delivery: 'durable',
          start: () => ({
            async receive({ attempt }) {
              attempts.push(attempt);
              if (attempt === 1) await new Promise(() => {});
              if (failures-- > 0) throw new Error('not yet');
            },
          }),
        },
      ],
    });
    const pushing = host.push({ app: NOTES, type: TEXT, body: 'x' });
    await host.clock.advance(15_000);
    expect(await pushing).toMatchObject({ outcome: 'delivered', status: 200 });
    expect(await host.inbox()).toMatchObject([{ app: NOTES }]);
    await host.clock.advance(60_000);
    expect(attempts).toEqual([1, 2, 3, 4]);
    expect(await host.inbox()).toEqual([]);
  });

  it.each([
    ['pager', 500],
    ['session', 400],
    ['indirect', 500],
  ] as const)(
    'does not tell the sender what a direct application threw, in %s mode',
    async (mode, status) => {
      const receive = () => Promise.reject(new Error('the password is 1234'));
      await start({
        apps: [{ id: NOTES, accepts: [TEXT], delivery: 'direct', start: () => ({ receive }) }],
      });
      const { error, ...receipt } = await host.push({ app: NOTES, type: TEXT, body: 'x', mode });
      expect(receipt.status).toBe(status);
      expect(JSON.stringify(receipt)).not.toContain('1234');
      expect(String(error)).toContain('1234');
    },
  );

  it('expires the deadline of a direct application: 500', async () => {
    const receive = () => new Promise<void>(() => {});
    await start({
      apps: [
        { id: NOTES, accepts: [TEXT], delivery: 'direct', order: 'parallel', start: () => ({ receive }) },
      ],
    });
    const pushing = host.push({ app: NOTES, type: TEXT, body: 'x' });
    await host.clock.advance(10_000);
    expect(await pushing).toMatchObject({ outcome: 'failed', status: 500 });
  });

  it('is the time of the service `clock`', async () => {
    const now = new Date('2030-05-01T00:00:00Z');
    const times: Date[] = [];
    const app = definePushApp({
      id: NOTES,
      accepts: [TEXT],
      delivery: 'direct',
      order: 'parallel',
      needs: ['clock'],
      start: ({ clock }) => ({ receive: () => void times.push(clock.now()) }),
    });
    await start({ apps: [app], now });
    await host.push({ app: NOTES, type: TEXT });
    await host.clock.advance(1000);
    await host.push({ app: NOTES, type: TEXT });
    expect(times).toEqual([now, new Date('2030-05-01T00:00:01Z')]);
  });
});

it('alarms are delivered at their time, even after a restart', async () => {
  const alarms: string[] = [];
  const app = definePushApp({
    id: NOTES,
    accepts: [TEXT],
    delivery: 'direct',
    order: 'parallel',
    needs: ['schedule', 'clock'],
    start: ({ schedule, clock }) => ({
      receive: (push) => schedule.at(push.id, clock.now().getTime() + 60_000, 'remember'),
      alarm: ({ data }) => void alarms.push(String(data)),
    }),
  });
  await start({ apps: [app] });
  await host.push({ app: NOTES, type: TEXT });
  await host.clock.advance(59_000);
  expect(alarms).toEqual([]);
  await host.restart();
  await host.clock.advance(1000);
  expect(alarms).toEqual(['remember']);
});

describe('a device', () => {
  it('keeps its data across a restart', async () => {
    await start();
    await host.push({ app: NOTES, type: TEXT, body: 'one' });
    await host.restart();
    await host.push({ app: NOTES, type: TEXT, body: 'two', mode: 'session' });
    expect(Object.values(await host.storage(NOTES)).sort()).toEqual(['one', 'two']);
  });

  it.each(['pager', 'session'] as const)(
    'redelivers a push after a crash between receive and commit, in %s mode',
    async (mode) => {
      await start();
      const killed = host.kill('ending');
      const result = host.push({ app: NOTES, type: TEXT, body: 'once', mode });
      await killed;
      expect(await result).toMatchObject({ outcome: 'failed' });
      expect(await host.storage(NOTES)).toEqual({});
      await host.restart();
      await host.until(async () => (await host.inbox()).length === 0);
      expect(calls).toEqual([1, 2]);
      expect(Object.values(await host.storage(NOTES))).toEqual(['once']);
    },
  );

  it('does not redeliver a push if it crashes after the commit', async () => {
    await start();
    const killed = host.kill('ended');
    const result = host.push({ app: NOTES, type: TEXT, body: 'once' });
    await killed;
    expect(await result).toMatchObject({ outcome: 'failed' });
    await host.restart();
    await host.clock.advance(60_000);
    expect(calls).toEqual([1]);
    expect(Object.values(await host.storage(NOTES))).toEqual(['once']);
  });

  it('fails to start without the application that provides a service, and says how to pass it', async () => {
    const news: TestApp = {
      id: 'news.ua',
      accepts: [TEXT],
      needs: ['weather.now'],
      start: () => ({ receive() {} }),
    };
    await expect(startTestHost({ apps: [news] })).rejects.toThrow(
      /^news\.ua: needs "weather\.now", which no application of this host provides; .*; pass the application that provides it as well: startTestHost\(\{ apps: \[provider, app\] \}\)$/,
    );
    await start();
  });

  it('fails to start with an error that names the application', async () => {
    const broken: TestApp = {
      id: NOTES,
      accepts: [TEXT],
      delivery: 'direct',
      order: 'parallel',
      start: () => Promise.reject(new Error('no disk')),
    };
    await expect(startTestHost({ apps: [broken] })).rejects.toThrow(/notes\.test.*no disk/);
    await start();
  });
});

describe('content', () => {
  it.each([
    ['breaks off', brokenOff(octets)],
    ['differs from the offer', corrupted(octets)],
    ['is shorter than offered', wrongLength('short', octets)],
  ])('that %s is never committed', async (_what, body) => {
    await start();
    const result = await host.push({ app: NOTES, type: TEXT, body, mode: 'session' }).catch(String);
    expect(result).not.toMatchObject({ outcome: 'delivered' });
    expect(await host.storage(NOTES)).toEqual({});
  });

  it('arrives in pieces when the test sends them', async () => {
    await start();
    const body = slow(octets, 3);
    const pushing = host.push({ app: NOTES, type: TEXT, body, mode: 'session' });
    body.next();
    await host.clock.advance(60_000);
    expect(await host.storage(NOTES)).toEqual({});
    body.finish();
    expect(await pushing).toMatchObject({ outcome: 'delivered' });
  });

  it('above the size limit of its application gets 413', async () => {
    await start({ apps: [{ ...notes, maxSize: 100 }] });
    const push = { app: NOTES, type: TEXT, body: oversized(101) };
    expect(await host.push(push)).toMatchObject({ outcome: 'refused', status: 413 });
    expect(await host.push({ ...push, body: bomb(), encoding: 'gzip' })).toMatchObject({ status: 413 });
    expect(calls).toEqual([]);
  });

  it('can be truncated, changed, empty or in another charset', async () => {
    await start();
    const bodies = [truncated(octets), bitFlipped(octets), wrongCharset('hello'), empty()];
    for (const body of bodies)
      expect(await host.push({ app: NOTES, type: TEXT, body })).toMatchObject({ status: 200 });
  });
});

it('two megabytes arrive unchanged', async () => {
  let sum = '';
  const app = definePushApp({
    id: NOTES,
    accepts: [TEXT],
    delivery: 'direct',
    order: 'parallel',
    start: () => ({
      async receive(push) {
        sum = await sha256(await push.content.bytes(3_000_000));
      },
    }),
  });
  await start({ apps: [app] });
  const body = new Uint8Array(2_000_000).map((_, index) => index * 31);
  expect(await host.push({ app: NOTES, type: TEXT, body, mode: 'session' })).toMatchObject({ status: 200 });
  expect(sum).toBe(await sha256(body));
});

it("works under a test runner's fake timers", async () => {
  vi.useFakeTimers();
  try {
    await start();
    expect(await host.push({ app: NOTES, type: TEXT, body: 'x' })).toMatchObject({ status: 200 });
    expect(await host.push({ app: NOTES, type: TEXT, body: 'x', mode: 'session' })).toMatchObject({
      status: 200,
    });
    await host.stop();
  } finally {
    vi.useRealTimers();
  }
  await start();
});

it('applications fetch from the test server', async () => {
  const app = definePushApp({
    id: NOTES,
    accepts: [TEXT],
    delivery: 'direct',
    order: 'parallel',
    needs: ['fetch'],
    events: { weather: true },
    start: ({ fetch, emit }) => ({
      async receive() {
        const answer = await fetch('http://weather.test/today');
        emit('weather', { status: answer.status, text: new TextDecoder().decode(await answer.bytes(100)) });
      },
    }),
  });
  await start({ apps: [app], server: ({ url }) => new Response(`you asked for ${new URL(url).pathname}`) });
  expect(await host.push({ app: NOTES, type: TEXT })).toMatchObject({ status: 200 });
  expect(host.emitted(NOTES)).toMatchObject([{ status: 200, text: 'you asked for /today' }]);
});

it('leaves no TCP resources after it has stopped', async () => {
  // Other test files use the same process: their closed connections disappear meanwhile.
  const resources = () => process.getActiveResourcesInfo().filter((kind) => kind.startsWith('TCP')).length;
  const before = resources();
  await start();
  await host.push({ app: NOTES, type: TEXT, body: 'x', mode: 'session' });
  await host.stop();
  await until(() => expect(resources()).toBeLessThanOrEqual(before));
  await start();
});

function bound(of: TestHost) {
  return { push: of.push.bind(of), storage: of.storage.bind(of) };
}
