/** Terminals are probed if the registrar identifies contacts only by their addresses (RFC 3680; TS 5.2-03, 9-04). */

import { beforeEach, describe, expect, it } from 'vitest';
import { type ReginfoContact, writeReginfo } from '../../../core/content/reginfo.js';
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

/** The registered GRUUs, according to the answers of the core. */
let registeredGruus: Set<string>;
let probed: string[];
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
  registeredGruus = new Set();
  probed = [];
  answer = async (gruu) => response(registeredGruus.has(gruu) ? 200 : 480);
  directory = new TerminalDirectory();
  const sendOptions = (gruu: string) => {
    probed.push(gruu);
    return answer(gruu);
  };
  const monitor = new RegistrationMonitor({
    directory,
    probe: new OptionsProbe({ directory, sendOptions }),
    identity: 'sip:psa@domain.test',
    contact: () => 'sip:psa@127.0.0.1',
    subscribe: (_, handlers) => {
      notify = handlers.onNotify;
      lost = () => handlers.onState?.({ state: 'lost', reason: 'it ended', retryInSeconds: 1 });
      return { refresh: () => {}, resume: () => {}, close: async () => {}, ended: false, established: true };
    },
  });
  monitor.monitor(BOB);
});

/** A document with the contacts of these ports, and with the removed contacts of `left`. */
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
/** The terminals report themselves by OPTIONS. */
const announce = (...gruus: string[]) => {
  for (const gruu of gruus) {
    registeredGruus.add(gruu);
    directory.setRegistered(BOB, { gruu, apps: ['mms.ua'] });
  }
};
const gruusBy = (state: boolean) =>
  directory
    .of(BOB)
    .flatMap(({ gruu, registered }) => (gruu !== undefined && registered === state ? [gruu] : []));
const expectState = (registeredGruus: string[], unregisteredGruus: string[]) =>
  until(() => expect([gruusBy(true), gruusBy(false)]).toEqual([registeredGruus, unregisteredGruus]));

describe('9-04: a contact is removed', () => {
  beforeEach(() => {
    notified(document([1]));
    announce(PHONE);
    notified(document([1, 2]));
    announce(TABLET);
    expect(probed).toEqual([]);
  });

  it('probes the terminals with a GRUU, and unregisters those that the core rejects', async () => {
    registeredGruus.delete(PHONE);
    notified(document([2], [1]));
    await expectState([TABLET], [PHONE]);
    expect(probed.sort()).toEqual([PHONE, TABLET]);
  });

  it('unregisters all terminals without a probe if no contact is left', async () => {
    notified(document([], [1, 2]));
    expect(gruusBy(false)).toEqual([PHONE, TABLET]);
    expect(probed).toEqual([]);
  });

  it('keeps the terminals that answer', async () => {
    notified(document([1, 2, 3]));
    notified(document([1, 2], [3]));
    await until(() => expect(probed).toHaveLength(2));
    await processed();
    expect([gruusBy(true).sort(), gruusBy(false)]).toEqual([[PHONE, TABLET], []]);
  });

  it('repeats a probe in progress', async () => {
    const { promise, resolve } = later();
    answer = async (gruu) => {
      await promise;
      return response(registeredGruus.has(gruu) ? 200 : 480);
    };
    notified(document([1, 2, 3]));
    notified(document([1, 2], [3]));
    notified(document([1], [2]));
    registeredGruus.delete(TABLET);
    resolve();
    await expectState([PHONE], [TABLET]);
    await until(() => expect(probed).toEqual([PHONE, TABLET, PHONE]));
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
    await processed();
    expect([gruusBy(true), gruusBy(false)]).toEqual([[], [PHONE, TABLET]]);
  });

  it('keeps a terminal that has registered again', async () => {
    const { promise, resolve } = later();
    answer = async (gruu) => {
      const { status } = response(registeredGruus.has(gruu) ? 200 : 480);
      await promise;
      return response(status);
    };
    registeredGruus.delete(PHONE);
    notified(document([2], [1]));
    announce(PHONE);
    resolve();
    await processed();
    expect([gruusBy(true).sort(), gruusBy(false)]).toEqual([[PHONE, TABLET], []]);
  });

  it.each([
    ['the probe times out', async () => Promise.reject(new TimeoutError('Timer F'))],
    [
      'the answer is a 480 with Retry-After',
      async () => response(480, new SipHeaders().set('Retry-After', '10')),
    ],
    ['the answer is a 501', async () => response(501)],
  ] as const)('keeps the state of a terminal if %s', async (_, reply) => {
    answer = reply;
    notified(document([2], [1]));
    await until(() => expect(probed).toHaveLength(2));
    await processed();
    expect([gruusBy(true).sort(), gruusBy(false)]).toEqual([[PHONE, TABLET], []]);
  });
});

describe('9-04: a subscription starts', () => {
  it('probes the stored terminals', async () => {
    announce(PHONE, TABLET);
    directory.setUnregistered(BOB, { gruu: TABLET });
    directory.setRegistered(BOB, { contact: 'sip:bob@127.0.0.1:9' });
    registeredGruus = new Set([TABLET]);
    notified(document([2]));
    await expectState([TABLET], [PHONE]);
    expect(directory.of(BOB)).toHaveLength(3);
  });

  it('probes again after a lost subscription', async () => {
    notified(document([1]));
    announce(PHONE);
    lost();
    registeredGruus.clear();
    notified(document([2]));
    await expectState([], [PHONE]);
  });

  it('probes the terminals with a GRUU if the state is empty, and unregisters the others', async () => {
    announce(PHONE, TABLET);
    directory.setRegistered(BOB, { contact: 'sip:bob@127.0.0.1:9' });
    registeredGruus.delete(TABLET);
    notified(new Uint8Array());
    await expectState([PHONE], [TABLET]);
    expect(directory.of(BOB)).toHaveLength(2);
  });

  it('sends no probe if the registrar identifies its contacts', async () => {
    announce(PHONE);
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
    expect([gruusBy(true), gruusBy(false)]).toEqual([[TABLET], [PHONE]]);
    expect(probed).toEqual([]);
  });
});

/** Resolves when the answers have been processed. */
const processed = () => new Promise((resolve) => setImmediate(resolve));

function later(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

it.each([0, 1, 2, 3, 4, 5, 6, 7, 8])(
  '9-04: probes a terminal if start is called %i turns after the answers',
  async (turns) => {
    let calls = 0;
    const only = new TerminalDirectory();
    only.setRegistered(BOB, { gruu: PHONE });
    const probe = new OptionsProbe({
      directory: only,
      sendOptions: async () => {
        calls++;
        return response(200);
      },
    });
    probe.start(BOB);
    // The last call is not lost.
    for (let turn = 0; turn < turns; turn++) await undefined;
    const before = calls;
    probe.start(BOB);
    await until(() => expect(calls).toBeGreaterThan(before));
  },
);
