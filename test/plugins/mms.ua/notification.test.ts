import mms from 'sip-push/apps/mms.ua';
import { encodeNotification, type MmsNotification } from 'sip-push/formats';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { platform } from '#platform';
import type { ApplicationEvent } from '../../../core/app/contract/push-app.js';
import { type Clock, type LogRecord, type Outcome, PushRuntime } from '../../../core/app/runtime.js';
import { memoryContent } from '../../../core/content/content.js';
import type { LevelStore } from '../../../core/platform/level.js';
import { fixture, fixtureNames, pushBody } from '../../content/fixture.js';

const TYPE = 'application/vnd.wap.mms-message';
const START = Date.parse('2026-01-01T00:00:00Z');
const DAY = 86_400_000;

const notification: MmsNotification = {
  transactionId: 'T1',
  version: '1.2',
  from: '+15550100/TYPE=PLMN',
  subject: 'Greetings from the beach',
  messageClass: 'personal',
  messageSize: 29_696,
  expiry: { seconds: 86_400 },
  contentLocation: 'http://mmsc.example/T1',
};

const { from: _from, subject: _subject, ...minimal } = notification;

/** A runtime with only mms.ua, a store in memory, and a clock that the test sets. */
class Host {
  readonly events: ApplicationEvent[] = [];
  readonly log: LogRecord[] = [];
  now = START;
  private runtime: PushRuntime | undefined;
  private pushes = 0;

  constructor(private readonly store: LevelStore) {}

  async start(): Promise<void> {
    const now = () => this.now;
    const clock: Clock = { now, elapsed: now, after: () => () => {}, random: () => 0 };
    this.runtime = await PushRuntime.open({
      store: this.store,
      clock,
      emit: (event) => this.events.push(event),
      log: (record) => this.log.push(record),
    });
    await this.runtime.load(mms);
    await this.runtime.start();
  }

  async stop(): Promise<void> {
    await this.runtime?.stop();
  }

  get running(): PushRuntime {
    if (!this.runtime) throw new Error('not started');
    return this.runtime;
  }

  push(pdu: Uint8Array, type = TYPE): Promise<Outcome> {
    const app = this.running.resolve(['mms.ua'], type);
    if (typeof app === 'string') throw new Error(`resolves to ${app}`);
    this.pushes += 1;
    return this.running.dispatch({
      app,
      key: `push ${this.pushes}`,
      from: 'sip:psa@domain.test',
      to: 'sip:bob@domain.test',
      mode: 'pager',
      content: memoryContent({ type, parameters: {} }, pdu),
      headers: {},
    });
  }

  receive(pdu: MmsNotification): Promise<Outcome> {
    return this.push(encodeNotification(pdu));
  }
}

describe('mms.ua', () => {
  let host: Host;
  let store: LevelStore;

  beforeEach(async () => {
    store = await platform.openStore();
    host = new Host(store);
    await host.start();
  });

  afterEach(async () => {
    await host.stop();
    await store.close();
  });

  it('is loaded by its short and its long name, and accepts only MMS messages', () => {
    expect(host.running.eventAppIds).toEqual(['mms.ua']);
    expect(host.running.acceptedTypes(['x-wap-application:mms.ua'])).toEqual([TYPE]);
    expect(host.running.resolve(['mms.ua'], 'text/plain')).toBe('type');
  });

  it('emits an event for a notification', async () => {
    expect(await host.receive(notification)).toMatchObject({ accepted: true });
    expect(host.events).toEqual([
      {
        id: expect.any(String),
        app: 'mms.ua',
        kind: 'notification',
        transactionId: 'T1',
        from: '+15550100/TYPE=PLMN',
        subject: 'Greetings from the beach',
        messageSize: 29_696,
        expiry: '2026-01-02T00:00:00.000Z',
        contentLocation: 'http://mmsc.example/T1',
      },
    ]);
  });

  it('omits absent fields from the event', async () => {
    await host.push(pushBody(fixture('valid', '4.2-push-notification-operator')));
    await host.receive({ ...minimal, expiry: { at: new Date('2026-03-01T12:30:00Z') } });
    expect(host.events).toMatchObject([
      { from: '+447785342749/TYPE=PLMN', messageSize: 29_696, expiry: '2026-01-01T20:00:00.000Z' },
      { transactionId: 'T1', expiry: '2026-03-01T12:30:00.000Z' },
    ]);
    expect(host.events[1]).not.toHaveProperty('from', expect.anything());
    expect(host.events[1]).not.toHaveProperty('subject', expect.anything());
  });

  describe('a repeated notification', () => {
    it('is accepted without an event, even after a restart', async () => {
      await host.receive(notification);
      expect(await host.receive(notification)).toMatchObject({ accepted: true });
      await host.stop();
      await host.start();
      expect(await host.receive({ ...notification, subject: 'changed' })).toMatchObject({ accepted: true });
      expect(host.events).toHaveLength(1);
      expect(host.log).toContainEqual({
        level: 'info',
        app: 'mms.ua',
        message: 'notification T1 is a duplicate: ignored',
      });
    });

    it('emits one event when two copies arrive at once', async () => {
      const outcomes = await Promise.all([host.receive(notification), host.receive(notification)]);
      expect(outcomes).toMatchObject([{ accepted: true }, { accepted: true }]);
      expect(host.events).toHaveLength(1);
    });

    it('is a new one if the transaction or the location differs', async () => {
      await host.receive(notification);
      await host.receive({ ...notification, transactionId: 'T2' });
      await host.receive({ ...notification, contentLocation: 'http://mmsc.example/T2' });
      expect(host.events).toHaveLength(3);
    });

    it('emits another event after 30 days', async () => {
      await host.receive(notification);
      host.now += 29 * DAY;
      await host.receive({ ...notification, transactionId: 'T2' });
      await host.receive(notification);
      expect(host.events).toHaveLength(2);
      host.now += 2 * DAY;
      await host.receive({ ...notification, transactionId: 'T3' });
      await host.receive(notification);
      expect(host.events.map(({ transactionId }) => transactionId)).toEqual(['T1', 'T2', 'T3', 'T1']);
    });

    it('is recognized among the last 1,000', async () => {
      for (let number = 0; number < 1050; number += 1) {
        await host.receive({ ...notification, transactionId: `N${number}` });
      }
      const emitted = host.events.length;
      await host.receive({ ...notification, transactionId: 'N1049' });
      await host.receive({ ...notification, transactionId: 'N50' });
      expect(host.events).toHaveLength(emitted);
      await host.stop();
      expect(await storedKeys(store)).toBe(1000);
      await host.start();
      await host.receive({ ...notification, transactionId: 'N1049' });
      await host.receive({ ...notification, transactionId: 'N50' });
      expect(host.events).toHaveLength(emitted);
      await host.receive({ ...notification, transactionId: 'N49' });
      expect(host.events).toHaveLength(emitted + 1);
    });
  });

  it.each([
    ['absolute', { at: new Date(START - 1000) }],
    ['relative', { seconds: 0 }],
  ])('accepts an expired notification, and emits no event (%s)', async (_form, expiry) => {
    expect(await host.receive({ ...notification, expiry })).toMatchObject({ accepted: true });
    expect(host.events).toEqual([]);
    expect(host.log.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^notification T1 expired at 20\d\d-.*Z: ignored$/),
    ]);
  });

  it.each([
    ['M-NotifyResp.ind', fixture('valid', '4.2-notifyresp')],
    ['M-Acknowledge.ind', fixture('valid', '4.2-acknowledge')],
    ['unknown type 99', Uint8Array.of(0x8c, 0x99)],
  ])('refuses %s by its name', async (type, pdu) => {
    expect(await host.push(pdu)).toMatchObject({
      accepted: false,
      kind: 'type',
      reason: `unsupported MMS PDU ${type}: expected M-Notification.ind, M-Delivery.ind or M-Read-Orig.ind`,
    });
  });

  it.each(fixtureNames('broken', '4.1'))('refuses %s', async (name) => {
    expect(await host.push(fixture('broken', name))).toMatchObject({
      accepted: false,
      kind: 'type',
      // The fixtures contain malformed PDUs of other types, which are refused by their type.
      reason: expect.stringMatching(/ at offset \d+: expected |: expected M-Notification\.ind, /),
    });
    expect(host.events).toEqual([]);
  });

  it('refuses another major version', async () => {
    expect(await host.receive({ ...notification, version: '2.0' })).toMatchObject({
      kind: 'type',
      reason: 'invalid MMS version 2.0: expected 1.x',
    });
  });

  it('refuses a notification that is too large', async () => {
    expect(await host.push(new Uint8Array(65_537))).toMatchObject({ accepted: false, kind: 'size' });
  });

  describe('the description', () => {
    async function described(pdu: MmsNotification) {
      const outcome = await host.receive(pdu);
      if (!outcome.accepted) throw new Error(outcome.reason);
      return host.running.describe(outcome.pushId);
    }

    it('contains the sender, subject, size and expiry', async () => {
      expect(await described({ ...notification, priority: 'high' })).toEqual({
        title: 'Multimedia message from +15550100',
        text: 'Greetings from the beach',
        fields: {
          from: '+15550100',
          subject: 'Greetings from the beach',
          size: '29 KiB',
          class: 'personal',
          priority: 'high',
          expires: '2026-01-02 00:00 UTC',
          location: 'http://mmsc.example/T1',
        },
      });
    });

    it.each([
      [0, '0 bytes'],
      [1023, '1023 bytes'],
      [1536, '1.5 KiB'],
      [307_200, '300 KiB'],
      [5_242_880, '5 MiB'],
      [Number.MAX_SAFE_INTEGER, '8192 TiB'],
    ])('%i octets are %s', async (messageSize, size) => {
      const description = await described({ ...minimal, messageSize });
      expect(description).toMatchObject({
        title: 'Multimedia message from an unknown sender',
        text: `No subject, ${size}`,
        fields: { size },
      });
    });

    it('contains no control characters', async () => {
      const description = await described({ ...notification, subject: 'Hello \u001b[2J\u202edlrow' });
      expect(description?.text).toBe('Hello  [2J dlrow');
    });
  });
});

/** Number of storage entries of mms.ua. */
async function storedKeys(store: LevelStore): Promise<number> {
  let count = 0;
  for await (const key of store.keys()) if (key.includes('seen/')) count += 1;
  return count;
}
