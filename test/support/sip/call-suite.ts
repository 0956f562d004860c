/** A test suite of sessions between user agents over a SIP/IP core, for all cores. */

import { expect, it } from 'vitest';
import type { SipResponse } from '../../../core/sip/message/message.js';
import { buildResponse } from '../../../core/sip/message/writer.js';
import type { InviteSession } from '../../../core/sip/session/invite-session.js';
import type { ServerTransaction } from '../../../core/sip/transactions/server-machine.js';
import { SipUserAgent, type SipUserAgentOptions } from '../../../core/sip/user-agent.js';
import { eventually } from '../wait.js';
import type { Closing } from './invites.js';

export interface CallCore {
  server(transport: 'udp' | 'tcp'): string;
  password(user: 'bob' | 'psa'): string;
  /** Whether the core selects devices by Accept-Contact (RFC 3841) instead of forking to all. */
  selectsDevices: boolean;
}

const FEATURE = '+g.oma.pusheventapp="mms.ua"';
const WANTED: [string, string] = ['Accept-Contact', `*;${FEATURE};require;explicit`];
const SDP: [string, string][] = [['Content-Type', 'application/sdp']];
const describing = (name: string) =>
  new TextEncoder().encode(`v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=${name}\r\nt=0 0\r\n`);
const nameIn = (body: Uint8Array | undefined) => /s=(.+)\r/.exec(new TextDecoder().decode(body))?.[1];
const BOB = 'sip:bob@domain.test';

class Peer {
  readonly agent: SipUserAgent;
  readonly invites: ServerTransaction[] = [];
  readonly methods: string[] = [];
  readonly sessions: InviteSession[] = [];
  readonly #registered: Promise<unknown>;

  constructor(
    core: CallCore,
    user: 'bob' | 'psa',
    transport: 'udp' | 'tcp',
    features: readonly string[],
    more: Partial<SipUserAgentOptions> = {},
  ) {
    let registered = (_: unknown) => {};
    let failed = (_: unknown) => {};
    this.#registered = new Promise((resolve, reject) => {
      registered = resolve;
      failed = reject;
    });
    this.agent = new SipUserAgent({
      identity: `sip:${user}@domain.test`,
      servers: [core.server(transport)],
      credentials: { username: user, password: core.password(user) },
      product: 'test/1',
      methods: ['INVITE'],
      accept: () => [],
      onRequest: (transaction) => this.invites.push(transaction),
      onWire: (direction, bytes) => {
        const [word = ''] = new TextDecoder('latin1').decode(bytes.subarray(0, 20)).split(' ', 1);
        if (direction === 'in') this.methods.push(word);
      },
      registration: {
        instanceId: `urn:uuid:${crypto.randomUUID()}`,
        expires: 600,
        headers: [],
        features: () => features,
        onRegistered: registered,
        onFailed: (failure) => failed(new Error(JSON.stringify(failure))),
      },
      ...more,
    });
  }

  async start(): Promise<this> {
    await this.agent.start();
    await this.#registered;
    return this;
  }

  invited(count = 1): Promise<ServerTransaction> {
    return eventually('an INVITE', () => this.invites[count - 1]);
  }

  received(method: string): Promise<true> {
    return eventually(method, () => this.methods.includes(method) || undefined);
  }

  accept(transaction: ServerTransaction, name = 'answer') {
    const session = this.agent.accept(transaction, { headers: SDP, body: describing(name) });
    const ended = new Promise<void>((resolve) => {
      session.handlers = {
        onBye: () => resolve(),
        onReinvite: (again) => session.accept(again, { headers: SDP, body: again.request.body }),
      };
    });
    return { session, ended };
  }

  call() {
    const answers: SipResponse[] = [];
    const controller = new AbortController();
    const final = this.agent.invite(
      { uri: BOB, headers: [WANTED, ...SDP], body: describing('offer') },
      {
        onSession: (session, answer) => {
          this.sessions.push(session);
          answers.push(answer);
        },
      },
      { signal: controller.signal },
    );
    return { final, answers, abort: (why: Error) => controller.abort(why) };
  }
}

export function callSuite(core: () => CallCore, closing: Closing): void {
  async function peers(calleeTransport: 'udp' | 'tcp', callerTransport: 'udp' | 'tcp' = 'udp', callees = 1) {
    const caller = new Peer(core(), 'psa', callerTransport, []);
    const devices = Array.from(
      { length: callees },
      () => new Peer(core(), 'bob', calleeTransport, [FEATURE]),
    );
    // A device of the same user without the application (RFC 3841).
    const other = new Peer(core(), 'bob', 'udp', ['+g.oma.pusheventapp="wml.ua"']);
    const all = [caller, ...devices, ...(core().selectsDevices ? [other] : [])];
    closing.push(async () => {
      await Promise.all(all.map(({ agent }) => agent.stop()));
    });
    await Promise.all(all.map((peer) => peer.start()));
    return { caller, devices, other };
  }

  it.each([
    ['udp', 'udp'],
    ['tcp', 'udp'],
    ['udp', 'tcp'],
    ['tcp', 'tcp'],
  ] as const)('a call: the caller over %s, the callee over %s', async (from, to) => {
    const { caller, devices, other } = await peers(to, from);
    const [callee] = devices;
    if (!callee) throw new Error('no callee');
    const { final, answers } = caller.call();
    const transaction = await callee.invited();
    expect(nameIn(transaction.request.body)).toBe('offer');
    const { session: called, ended } = callee.accept(transaction);
    expect((await final).status).toBe(200);
    expect(nameIn(answers[0]?.body)).toBe('answer');
    await callee.received('ACK');
    const [session] = caller.sessions;
    if (!session) throw new Error('no session');
    session.handlers.onReinvite = (again) =>
      session.accept(again, { headers: SDP, body: again.request.body });

    const changed = await session.reinvite(describing('changed'), SDP);
    expect([changed.status, nameIn(changed.body)]).toEqual([200, 'changed']);
    const back = await called.reinvite(describing('back'), SDP);
    expect([back.status, nameIn(back.body)]).toEqual([200, 'back']);

    expect((await session.bye())?.status).toBe(200);
    await ended;
    expect(called.ended).toBe(true);
    expect(other.invites).toEqual([]);
  });

  it('the callee hangs up', async () => {
    const { caller, devices } = await peers('udp');
    const [callee] = devices;
    if (!callee) throw new Error('no callee');
    const { final } = caller.call();
    const { session } = callee.accept(await callee.invited());
    await final;
    const ended = new Promise<void>((resolve) => {
      for (const each of caller.sessions) each.handlers.onBye = () => resolve();
    });
    expect((await session.bye())?.status).toBe(200);
    await ended;
  });

  it('8.2.2-09: a CANCEL before the answer', async () => {
    const { caller, devices } = await peers('udp');
    const [callee] = devices;
    if (!callee) throw new Error('no callee');
    const { final, abort } = caller.call();
    const transaction = await callee.invited();
    const cancelled = new Promise<void>((resolve) => {
      transaction.onCancel = resolve;
    });
    transaction.respond(buildResponse(transaction.request, 180));
    abort(new Error('cancelled by the caller'));
    await expect(final).rejects.toThrow('cancelled by the caller');
    await cancelled;
    await callee.received('ACK');
    expect(caller.sessions).toEqual([]);
  });

  it('16.7: one of two devices accepts, the other is cancelled', async () => {
    const { caller, devices, other } = await peers('udp', 'tcp', 2);
    const [first, second] = devices;
    if (!first || !second) throw new Error('no callee');
    const { final } = caller.call();
    const [accepted, left] = await Promise.all([first.invited(), second.invited()]);
    const cancelled = new Promise<void>((resolve) => {
      left.onCancel = resolve;
    });
    left.respond(buildResponse(left.request, 180));
    first.accept(accepted);
    expect((await final).status).toBe(200);
    await cancelled;
    await second.received('ACK');
    expect(caller.sessions).toHaveLength(1);
    expect(other.invites).toEqual([]);
    expect((await caller.sessions[0]?.bye())?.status).toBe(200);
  });

  it('13.2.2.4: two devices accept at once: two sessions, each of which can be ended', async () => {
    const { caller, devices } = await peers('udp', 'udp', 2);
    const [first, second] = devices;
    if (!first || !second) throw new Error('no callee');
    const { final, answers } = caller.call();
    const invites = await Promise.all([first.invited(), second.invited()]);
    // Before the CANCEL that the 2xx of the other device causes.
    const callees = [first.accept(invites[0], 'first'), second.accept(invites[1], 'second')];
    expect((await final).status).toBe(200);
    await eventually('two sessions', () => caller.sessions.length === 2 || undefined);
    expect(answers.map(({ body }) => nameIn(body)).sort()).toEqual(['first', 'second']);
    await Promise.all([first.received('ACK'), second.received('ACK')]);
    for (const session of caller.sessions) expect((await session.bye())?.status).toBe(200);
    await Promise.all(callees.map(({ ended }) => ended));
  });

  it('a 486 with Retry-After reaches the caller unchanged', async () => {
    const { caller, devices } = await peers('udp');
    const { final } = caller.call();
    const transaction = await devices[0]?.invited();
    if (!transaction) throw new Error('no INVITE');
    transaction.respond(buildResponse(transaction.request, 486, { headers: [['Retry-After', '30']] }));
    const answer = await final;
    expect([answer.status, answer.headers.get('Retry-After')]).toEqual([486, '30']);
  });

  it('a stop of either end ends the session of the other', async () => {
    const { caller, devices } = await peers('tcp', 'tcp');
    const [callee] = devices;
    if (!callee) throw new Error('no callee');
    const { final } = caller.call();
    const { ended } = callee.accept(await callee.invited());
    await final;
    await caller.agent.stop();
    await ended;
  });
}
