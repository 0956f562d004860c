/** Who is here, where the registrar names its contacts by their addresses alone (RFC 3680; TS 5.2-03, 9-04). */

import { beforeEach, describe, expect, it } from 'vitest';
import { type ReginfoContact, writeReginfo } from '../../../core/content/reginfo/reginfo.js';
import { TimeoutError } from '../../../core/errors.js';
import { TerminalDirectory } from '../../../core/sender/terminals/directory.js';
import { OptionsProbe } from '../../../core/sender/terminals/options-probe.js';
import { RegistrationMonitor } from '../../../core/sender/terminals/registration-monitor.js';
import { SipHeaders, type SipResponse } from '../../../core/sip/message/message.js';
import type { SubscriptionHandlers } from '../../../core/sip/subscription/subscription.js';
import { until } from '../../support/wait.js';

const BOB = 'sip:bob@domain.test';
const gruuOf = (serial: number) => `${BOB};gr=urn:uuid:00000000-0000-4000-8000-00000000000${serial}`;
const [PHONE, TABLET] = [gruuOf(1), gruuOf(2)];

/** Of those that have a GRUU, which are here: what the core answers. */
let registered: Set<string>;
let asked: string[];
let answer: (gruu: string) => Promise<SipResponse>;
let directory: TerminalDirectory;
let notify: SubscriptionHandlers['onNotify'];
let lost: () => void;

const response = (status: number, headers = new SipHeaders()): SipResponse => ({
  status,
  reason: '',
  headers,
  body: new Uint8Array(),
});

beforeEach(() => {
  registered = new Set();
  asked = [];
  answer = async (gruu) => response(registered.has(gruu) ? 200 : 480);
  directory = new TerminalDirectory();
  const sendOptions = (gruu: string) => {
    asked.push(gruu);
    return answer(gruu);
  };
  const presence = new RegistrationMonitor({
    directory,
    probe: new OptionsProbe({ directory, sendOptions }),
    identity: 'sip:psa@domain.test',
    contact: () => 'sip:psa@127.0.0.1',
    subscribe: (_, handlers) => {
      notify = handlers.onNotify;
      lost = () => handlers.onState?.({ state: 'lost', reason: 'it ended', retryInSeconds: 1 });
      return { refresh: () => {}, close: async () => {}, ended: false };
    },
  });
  presence.monitor(BOB);
});

/** A document with the contacts of these ports; the registrar says of those in `left` that they have gone. */
function document(ports: readonly number[], left: readonly number[] = []): Uint8Array {
  const contact = (port: number): ReginfoContact => ({
    id: String(port),
    uri: `sip:bob@127.0.0.1:${port}`,
    state: left.includes(port) ? 'terminated' : 'active',
    event: left.includes(port) ? 'unregistered' : 'registered',
    parameters: new Map(),
  });
  const state = ports.length > 0 ? 'active' : 'terminated';
  const contacts = [...ports, ...left].map(contact);
  return writeReginfo({ version: 0, state: 'full', registrations: [{ aor: BOB, id: 'a', state, contacts }] });
}

const notified = (body: Uint8Array) => notify(body, new SipHeaders(), { state: 'active' });
/** What is told by OPTIONS. */
const tells = (...gruus: string[]) => {
  for (const gruu of gruus) {
    registered.add(gruu);
    directory.setRegistered(BOB, { gruu, apps: ['mms.ua'] });
  }
};
const named = (here: boolean) =>
  directory.of(BOB).flatMap(({ gruu, registered: is }) => (gruu !== undefined && is === here ? [gruu] : []));
const know = (here: string[], away: string[]) =>
  until(() => expect({ here: named(true), away: named(false) }).toEqual({ here, away }));

describe('9-04: a contact is removed', () => {
  beforeEach(() => {
    notified(document([1]));
    tells(PHONE);
    notified(document([1, 2]));
    tells(TABLET);
    expect(asked).toEqual([]);
  });

  it('probes the terminals with a GRUU, and unregisters those that the core rejects', async () => {
    registered.delete(PHONE);
    notified(document([2], [1]));
    await know([TABLET], [PHONE]);
    expect(asked.sort()).toEqual([PHONE, TABLET]);
  });

  it('unregisters all terminals without a probe if no contact is left', async () => {
    notified(document([], [1, 2]));
    expect(named(false)).toEqual([PHONE, TABLET]);
    expect(asked).toEqual([]);
  });

  it('keeps the terminals that answer', async () => {
    notified(document([1, 2, 3]));
    notified(document([1, 2], [3]));
    await until(() => expect(asked).toHaveLength(2));
    await heard();
    expect([named(true).sort(), named(false)]).toEqual([[PHONE, TABLET], []]);
  });

  it('repeats a probe in progress', async () => {
    const { promise, resolve } = later();
    answer = async (gruu) => {
      await promise;
      return response(registered.has(gruu) ? 200 : 480);
    };
    notified(document([1, 2, 3]));
    notified(document([1, 2], [3]));
    notified(document([1], [2]));
    registered.delete(TABLET);
    resolve();
    await know([PHONE], [TABLET]);
    await until(() => expect(asked).toEqual([PHONE, TABLET, PHONE]));
  });

  it('ignores answers that are older than the removal of the last contact', async () => {
    const { promise, resolve } = later();
    answer = async () => {
      await promise;
      return response(200);
    };
    notified(document([1], [2]));
    notified(document([], [1]));
    resolve();
    await heard();
    expect([named(true), named(false)]).toEqual([[], [PHONE, TABLET]]);
  });

  it('keeps a terminal that has registered again', async () => {
    const { promise, resolve } = later();
    answer = async (gruu) => {
      const { status } = response(registered.has(gruu) ? 200 : 480);
      await promise;
      return response(status);
    };
    registered.delete(PHONE);
    notified(document([2], [1]));
    tells(PHONE);
    resolve();
    await heard();
    expect([named(true).sort(), named(false)]).toEqual([[PHONE, TABLET], []]);
  });

  it.each([
    ['no answer comes', async () => Promise.reject(new TimeoutError('Timer F'))],
    ['it is busy', async () => response(480, new SipHeaders().set('Retry-After', '10'))],
    ['it is not understood', async () => response(501)],
  ] as const)('one stays what it was when %s', async (_, said) => {
    answer = said;
    notified(document([2], [1]));
    await until(() => expect(asked).toHaveLength(2));
    await heard();
    expect([named(true).sort(), named(false)]).toEqual([[PHONE, TABLET], []]);
  });
});

describe('9-04: a subscription starts', () => {
  it('probes the stored terminals', async () => {
    tells(PHONE, TABLET);
    directory.setUnregistered(BOB, { gruu: TABLET });
    directory.setRegistered(BOB, { contact: 'sip:bob@127.0.0.1:9' });
    registered = new Set([TABLET]);
    notified(document([2]));
    await know([TABLET], [PHONE]);
    expect(directory.of(BOB)).toHaveLength(3);
  });

  it('probes again after a lost subscription', async () => {
    notified(document([1]));
    tells(PHONE);
    lost();
    registered.clear();
    notified(document([2]));
    await know([], [PHONE]);
  });

  it('probes the terminals with a GRUU if the state is empty, and unregisters the others', async () => {
    tells(PHONE, TABLET);
    directory.setRegistered(BOB, { contact: 'sip:bob@127.0.0.1:9' });
    registered.delete(TABLET);
    notified(new Uint8Array());
    await know([PHONE], [TABLET]);
    expect(directory.of(BOB)).toHaveLength(2);
  });

  it('sends no probe if the registrar identifies its contacts', async () => {
    tells(PHONE);
    const body = writeReginfo({
      version: 0,
      state: 'full',
      registrations: [
        {
          aor: BOB,
          id: 'a',
          state: 'active',
          contacts: [
            {
              ...{ id: '1', uri: 'sip:bob@127.0.0.1:1', state: 'active', event: 'registered' },
              ...{ parameters: new Map(), publicGruu: TABLET },
            },
          ],
        },
      ],
    });
    notified(body);
    expect([named(true), named(false)]).toEqual([[TABLET], [PHONE]]);
    expect(asked).toEqual([]);
  });
});

/** What was answered has been taken note of. */
const heard = () => new Promise((resolve) => setImmediate(resolve));

function later(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

it.each([0, 1, 2, 3, 4, 5, 6, 7, 8])(
  '9-04: who is called %i turns after the answers is asked',
  async (turns) => {
    let calls = 0;
    const only = new TerminalDirectory();
    only.setRegistered(BOB, { gruu: PHONE });
    const rollCall = new OptionsProbe({
      directory: only,
      sendOptions: async () => {
        calls++;
        return response(200);
      },
    });
    rollCall.start(BOB);
    // The last call to come is not lost.
    for (let turn = 0; turn < turns; turn++) await undefined;
    const before = calls;
    rollCall.start(BOB);
    await until(() => expect(calls).toBeGreaterThan(before));
  },
);
