/** The registrations that a sender monitors, and the terminals that de-register (RFC 3680; TS B.1.1, B.1.3, 9-04). */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { platform } from '#platform';
import { type ReginfoContact, writeReginfo } from '../../../core/content/reginfo.js';
import { MalformedError } from '../../../core/errors.js';
import { TerminalDirectory } from '../../../core/sender/terminals/directory.js';
import {
  RegistrationMonitor,
  type RegistrationMonitorOptions,
} from '../../../core/sender/terminals/registration-monitor.js';
import { SipHeaders, type SipResponse } from '../../../core/sip/message/message.js';
import type { SubscriptionHandlers } from '../../../core/sip/subscription/subscription.js';
import type { ServerTransaction } from '../../../core/sip/transactions/server-machine.js';
import { Records } from '../../../core/store/records.js';
import { systemClock } from '../../../core/time/clock.js';
import { request } from '../../support/sip/requests.js';

const BOB = 'sip:bob@domain.test';
const ROBERT = 'sip:robert@domain.test';
const PSA = 'sip:psa@domain.test';

interface Subscribed {
  uri: string;
  handlers: SubscriptionHandlers;
  refreshed: number;
  resumed: number;
  closed: boolean;
  ended: boolean;
  established: boolean;
}

let subscribed: Subscribed[];
let directory: TerminalDirectory;
let monitor: RegistrationMonitor;

beforeEach(() => {
  vi.useFakeTimers();
  subscribed = [];
  directory = new TerminalDirectory();
  monitor = open();
});
afterEach(() => {
  monitor.stop();
  vi.useRealTimers();
});

function open(options: Partial<RegistrationMonitorOptions> = {}): RegistrationMonitor {
  return new RegistrationMonitor({
    directory,
    probe: { start: () => {} },
    identity: PSA,
    contact: () => PSA,
    subscribe: ({ uri }, handlers) => {
      const entry = {
        uri,
        handlers,
        refreshed: 0,
        resumed: 0,
        closed: false,
        ended: false,
        established: false,
      };
      subscribed.push(entry);
      return {
        refresh: () => void entry.refreshed++,
        resume: () => void entry.resumed++,
        close: async () => {
          entry.closed = true;
        },
        get established() {
          return entry.established;
        },
        get ended() {
          return entry.ended || entry.closed;
        },
      };
    },
    ...options,
  });
}

/** A third-party REGISTER for Bob. @returns the status of the response */
function register(expires: number, registrar = 'sip:domain.test', callId = 'of-bob'): number {
  const responses: SipResponse[] = [];
  const register = request('REGISTER', BOB, [`Expires: ${expires}`, 'Contact: <sip:core@127.0.0.1>']);
  register.headers.set('From', `<${registrar}>;tag=1`).set('Call-ID', callId);
  const transaction: Partial<ServerTransaction> = {
    request: register,
    respond: (response) => void responses.push(response),
  };
  monitor.receive(transaction as ServerTransaction);
  return responses[0]?.status ?? 0;
}

const contactOf = (port: number): ReginfoContact => ({
  id: String(port),
  uri: `sip:bob@127.0.0.1:${port}`,
  state: 'active',
  event: 'registered',
  parameters: new Map([['+sip.instance', `"<urn:uuid:${port}>"`]]),
});

/** The full state of both identities. */
function notify(ports: readonly number[], aors: readonly string[] = [BOB, ROBERT]): void {
  const registrations = aors.map((aor, index) => ({
    aor,
    id: String(index),
    state: ports.length > 0 ? ('active' as const) : ('terminated' as const),
    contacts: ports.map((port) => ({ ...contactOf(port), id: `${port}.${index}` })),
  }));
  const body = writeReginfo({ version: 0, state: 'full', registrations });
  subscribed.at(-1)?.handlers.onNotify(body, new SipHeaders(), { state: 'active' });
}

const countRegistered = (user: string) => directory.of(user).filter((terminal) => terminal.registered).length;

describe('B.1.1: a user of a third-party REGISTER', () => {
  it('is monitored until the registration ends or expires', async () => {
    expect(register(600)).toBe(200);
    expect(register(600)).toBe(200);
    expect(subscribed).toMatchObject([{ uri: BOB, closed: false }]);
    register(0);
    expect(subscribed).toMatchObject([{ closed: true }]);
    register(600);
    await vi.advanceTimersByTimeAsync(700_000);
    const all = [{ closed: true }, { closed: true }];
    expect(subscribed).toMatchObject(all);
    await vi.advanceTimersByTimeAsync(86_400_000);
    expect(subscribed).toMatchObject(all);
  });

  it('9-04: de-registers with all identities of the registration set', () => {
    register(600);
    notify([5080, 5081]);
    expect([countRegistered(BOB), countRegistered(ROBERT)]).toEqual([2, 2]);
    register(0);
    expect([countRegistered(BOB), countRegistered(ROBERT)]).toEqual([0, 0]);
  });

  it('is subscribed to again after a rejected subscription', () => {
    register(600);
    const [first] = subscribed;
    if (first) first.ended = true;
    register(600);
    expect(subscribed).toHaveLength(2);
  });

  it.each(['sip:domain.test', 'sip:DOMAIN.test:5060', 'sip:scscf1.domain.test', 'sips:scscf1@domain.test'])(
    'accepts a third-party REGISTER from %s, a registrar of its own domain',
    (registrar) => {
      expect(register(600, registrar)).toBe(200);
      expect(subscribed).toMatchObject([{ uri: BOB }]);
    },
  );

  it.each([
    'sip:other.test',
    'sip:notdomain.test',
    'sip:domain.test.other.test',
    'sip:domain.test@other.test',
    'tel:+15550100',
  ])('B.1.1: rejects a third-party REGISTER from %s, which is another domain, with 403', (registrar) => {
    expect(register(600, registrar)).toBe(403);
    expect(subscribed).toEqual([]);
    register(600);
    notify([5080]);
    expect(register(0, registrar)).toBe(403);
    expect(subscribed).toMatchObject([{ uri: BOB, closed: false }]);
    expect(countRegistered(BOB)).toBe(1);
  });

  it('is removed if its record is invalid, until the next REGISTER', async () => {
    const store = await platform.openStore();
    const records = new Records(store, systemClock, () => {});
    await records.write(
      [{ type: 'put', key: `push/registered/${BOB}`, value: new TextEncoder().encode('{') }],
      'written',
    );
    monitor = open({ records });
    await monitor.load();
    expect(subscribed).toEqual([]);
    await records.close();
  });
});

describe('B.1.3: a configured user', () => {
  beforeEach(() => monitor.monitor(BOB));

  it('is monitored permanently, independently of the core', async () => {
    register(600);
    await vi.advanceTimersByTimeAsync(700_000);
    notify([5080]);
    register(0);
    expect(countRegistered(BOB)).toBe(0);
    expect(subscribed).toMatchObject([{ closed: false }]);
  });
});

it('9-04: unregisters terminals that de-registered while the sender was down, for each identity', () => {
  register(600);
  notify([5080, 5081]);
  monitor = open();
  monitor.monitor(BOB);
  notify([5081]);
  expect([countRegistered(BOB), countRegistered(ROBERT)]).toEqual([1, 1]);
});

it('B.1.2: requests the full state once if documents are missing', () => {
  register(600);
  const notify = (version: number, state: 'full' | 'partial') =>
    subscribed[0]?.handlers.onNotify(writeReginfo({ version, state, registrations: [] }), new SipHeaders(), {
      state: 'active',
    });
  const refreshed = () => subscribed[0]?.refreshed;
  notify(0, 'full');
  notify(1, 'partial');
  expect(refreshed()).toBe(0);
  notify(3, 'partial');
  notify(5, 'partial');
  notify(6, 'partial');
  notify(9, 'partial');
  expect(refreshed()).toBe(1);
  notify(10, 'full');
  notify(12, 'partial');
  expect(refreshed()).toBe(2);
});

it('B.1.2: learns the instance, both GRUUs and the applications of each contact, and the latest temporary GRUU', () => {
  register(600);
  const learn = (temporary: string) => {
    const contact: ReginfoContact = {
      ...contactOf(5080),
      publicGruu: `${BOB};gr=urn:uuid:5080`,
      temporaryGruu: { uri: temporary, firstCSeq: 1 },
      parameters: new Map([
        ['+sip.instance', '"<urn:uuid:5080>"'],
        ['+g.oma.pusheventapp', '"mms.ua,wml.ua"'],
      ]),
    };
    const registrations = [{ aor: BOB, id: 'a', state: 'active' as const, contacts: [contact] }];
    const body = writeReginfo({ version: 0, state: 'full', registrations });
    subscribed.at(-1)?.handlers.onNotify(body, new SipHeaders(), { state: 'active' });
    return directory.of(BOB);
  };
  for (const temporaryGruu of ['sip:tgruu.one@domain.test;gr', 'sip:tgruu.two@domain.test;gr']) {
    expect(learn(temporaryGruu)).toMatchObject([
      {
        registered: true,
        instanceId: 'urn:uuid:5080',
        gruu: `${BOB};gr=urn:uuid:5080`,
        temporaryGruu,
        apps: ['mms.ua', 'wml.ua'],
      },
    ]);
  }
});

it('5.2-03: learns the methods from the registration; if it has none, they are unknown', () => {
  register(600);
  const facts = (methods: string) => {
    const contact = { ...contactOf(5080), parameters: new Map([['methods', methods]]) };
    const registrations = [{ aor: BOB, id: 'a', state: 'active' as const, contacts: [contact] }];
    const body = writeReginfo({ version: 0, state: 'full', registrations });
    subscribed.at(-1)?.handlers.onNotify(body, new SipHeaders(), { state: 'active' });
    return directory.of(BOB)[0]?.methods;
  };
  expect(facts('')).toBeUndefined();
  expect(facts('"invite, MESSAGE"')).toEqual(['INVITE', 'MESSAGE']);
});

it('rejects a document with too many registrations', () => {
  register(600);
  const aors = Array.from({ length: 101 }, (_, index) => `sip:user${index}@domain.test`);
  expect(() => notify([5080], aors)).toThrow(MalformedError);
});

it('reports a third-party REGISTER of a foreign registrar, and accepts it if only peers can send it', () => {
  const onError = vi.fn();
  monitor = open({ onError });
  expect(register(600, 'sip:192.0.2.1:5060')).toBe(403);
  expect(onError.mock.calls).toMatchObject([[{ message: expect.stringContaining('192.0.2.1') }]]);
  monitor = open({ onError, peersOnly: true });
  expect(register(600, 'sip:192.0.2.1:5060')).toBe(200);
});

it('9-04: asks for the state when a registrar that has restarted registers a terminal that is known', () => {
  register(600);
  const [subscription] = subscribed;
  if (subscription) subscription.established = true;
  notify([5080]);
  register(600);
  expect(subscription?.refreshed).toBe(0);
  register(600, 'sip:domain.test', 'after-the-restart');
  register(600, 'sip:domain.test', 'after-the-restart');
  expect([subscription?.refreshed, subscribed.length]).toEqual([1, 1]);
});

it.each([[[5080]], [[]]])(
  '9-04: a lost subscription is requested at once when the user registers (%j known)',
  (known) => {
    register(600);
    const [subscription] = subscribed;
    notify(known);
    Object.assign(subscription ?? {}, { established: false, resumed: 0 });
    register(600);
    expect([subscription?.resumed, subscription?.refreshed, subscribed.length]).toEqual([1, 0, 1]);
  },
);

it('subscribes again when a user without a registered terminal registers', () => {
  register(600);
  const [first] = subscribed;
  if (first) first.established = true;
  register(600);
  expect(subscribed).toHaveLength(2);
  expect(first?.closed).toBe(true);
  // Its first NOTIFY is awaited.
  register(600);
  expect(subscribed).toHaveLength(2);
});
