/** Sessions with SIPp, an independent implementation, checked by tshark. */

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { InviteSession } from '../../core/sip/session/invite-session.js';
import { SipUserAgent, type SipUserAgentOptions } from '../../core/sip/user-agent.js';
import { Capture } from '../support/captures/tshark.js';
import { describePeer } from '../support/programs/peers.js';
import { freePort } from '../support/programs/ports.js';
import { runSipp, SippTerminal } from '../support/programs/sipp.js';
import { scale } from '../support/scale.js';
import { startUdpRelay, type UdpRelay } from '../support/udp-relay.js';

const CALLS = scale(200, 1000);
const SDP: [string, string][] = [['Content-Type', 'application/sdp']];
const DESCRIPTION = new TextEncoder().encode('v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n');
const NO_FAILURES = { failed: 0, unexpected: 0 };

describePeer(['sipp', 'tshark'], 'sessions with SIPp', () => {
  let port: number;
  let capture: Capture;
  let agent: SipUserAgent | undefined;
  const relays: UdpRelay[] = [];
  /** Messages of all tests, without those that are sent again. */
  let messages = 0;
  beforeAll(async () => {
    port = await freePort();
    capture = await Capture.start({ sip: [port] });
  });
  afterEach(async () => {
    await agent?.stop();
    agent = undefined;
    for (const relay of relays.splice(0)) relay.close();
  });
  afterAll(() => capture?.remove());

  async function start(options: Partial<SipUserAgentOptions>): Promise<SipUserAgent> {
    const started = new SipUserAgent({
      identity: 'sip:bob@domain.test',
      servers: [`sip:127.0.0.1:${port};transport=udp`],
      product: 'test/1',
      methods: ['INVITE'],
      accept: () => [],
      onRequest: () => {},
      ...options,
    });
    agent = started;
    await started.start();
    return started;
  }

  const terminal = (scenario: string) =>
    SippTerminal.listen({ scenario, transport: 'udp', user: 'bob' }, port);

  it.each(['udp', 'tcp'] as const)(
    `accepts ${CALLS} calls of SIPp over %s, which end with its BYE`,
    async (transport) => {
      const open = new Set<InviteSession>();
      let ended = 0;
      let failed = 0;
      const callee = await start({
        listen: `sip:127.0.0.1:${port};transport=${transport}`,
        servers: ['sip:127.0.0.1:9;transport=udp'],
        onRequest: (transaction) => {
          const session = callee.accept(transaction, { headers: SDP, body: DESCRIPTION });
          open.add(session);
          session.handlers = {
            onBye: () => {
              open.delete(session);
              ended++;
            },
            onReinvite: (reinvite) => session.accept(reinvite),
            onEnd: () => failed++,
          };
        },
      });
      const result = await runSipp({
        scenario: 'uac-invite.xml',
        port,
        transport,
        user: 'bob',
        keys: { domain: 'domain.test' },
        calls: CALLS,
        rate: 200,
      });
      expect(result).toMatchObject({ ...NO_FAILURES, created: CALLS, succeeded: CALLS });
      expect([open.size, ended, failed]).toEqual([0, CALLS, 0]);
      messages += 5 * CALLS;
    },
  );

  /** Invites the terminal, with a new session description in a re-INVITE, and ends the session. */
  async function call(caller: SipUserAgent): Promise<(number | undefined)[]> {
    const sessions: InviteSession[] = [];
    const { status } = await caller.invite(
      { uri: 'sip:bob@domain.test', headers: SDP, body: DESCRIPTION },
      { onSession: (made) => sessions.push(made) },
    );
    const changed = await sessions[0]?.reinvite(DESCRIPTION, SDP);
    const bye = await sessions[0]?.bye();
    return [status, changed?.status, bye?.status];
  }

  /** Invites a terminal that rings, and cancels as soon as it does. */
  async function cancelledCall(options: Partial<SipUserAgentOptions>): Promise<void> {
    const controller = new AbortController();
    const caller = await start({
      ...options,
      onWire: (_direction, bytes) => {
        if (Buffer.from(bytes).includes('SIP/2.0 180'))
          controller.abort(new Error('cancelled by the caller'));
      },
    });
    const sessions: InviteSession[] = [];
    const answer = caller.invite(
      { uri: 'sip:bob@domain.test', headers: SDP, body: DESCRIPTION },
      { onSession: (session) => sessions.push(session) },
      { signal: controller.signal },
    );
    await expect(answer).rejects.toThrow('cancelled by the caller');
    expect(sessions).toEqual([]);
  }

  it('makes calls: 180, 200, re-INVITE, BYE', async () => {
    const calls = 20;
    await using called = await terminal('uas-invite.xml');
    const caller = await start({});
    const calling = await Promise.all(Array.from({ length: calls }, () => call(caller)));
    for (const statuses of calling) expect(statuses).toEqual([200, 200, 200]);
    expect(await called.finish()).toMatchObject({ ...NO_FAILURES, succeeded: calls });
    messages += 9 * calls;
  });

  it('8.2.2-09: cancels a call to a terminal that keeps ringing', async () => {
    await using called = await terminal('uas-rings.xml');
    await cancelledCall({});
    expect(await called.finish()).toMatchObject({ ...NO_FAILURES, succeeded: 1 });
    messages += 6;
  });

  it('reports a 486 with its Retry-After', async () => {
    await using called = await terminal('uas-busy.xml');
    const caller = await start({});
    const answer = await caller.invite({ uri: 'sip:bob@domain.test', headers: SDP, body: DESCRIPTION });
    expect([answer.status, answer.headers.get('Retry-After')]).toEqual([486, '30']);
    expect(await called.finish()).toMatchObject({ ...NO_FAILURES, succeeded: 1 });
    messages += 3;
  });

  /** Peers that are too busy to read a message send theirs again: each datagram arrives again before the next one. */
  describe('if every datagram is repeated', () => {
    async function repeating(): Promise<Partial<SipUserAgentOptions>> {
      const sent = new Map<string, Uint8Array>();
      const relay = await startUdpRelay(port, (bytes, direction) => {
        const message = Buffer.from(bytes).toString('latin1');
        // Requests within the dialog pass through the relay as well.
        const passed = Buffer.from(
          message.replace(/^(Contact: <sip:bob@127\.0\.0\.1:)\d+/m, `$1${relay.port}`),
          'latin1',
        );
        const dialog = `${direction} ${/^Call-ID: (.*)$/m.exec(message)?.[1]}`;
        const previous = sent.get(dialog);
        sent.set(dialog, passed);
        return previous ? [previous, passed] : [passed];
      });
      relays.push(relay);
      return { servers: [`sip:127.0.0.1:${relay.port};transport=udp`] };
    }

    it('calls still end with a BYE', async () => {
      await using called = await terminal('uas-invite.xml');
      const caller = await start(await repeating());
      expect(await call(caller)).toEqual([200, 200, 200]);
      expect(await called.finish()).toMatchObject({ ...NO_FAILURES, succeeded: 1 });
    });

    it('calls can still be cancelled', async () => {
      await using called = await terminal('uas-rings.xml');
      await cancelledCall(await repeating());
      expect(await called.finish()).toMatchObject({ ...NO_FAILURES, succeeded: 1 });
    });

    it('calls can still be rejected', async () => {
      await using called = await terminal('uas-busy.xml');
      const caller = await start(await repeating());
      const { status } = await caller.invite({ uri: 'sip:bob@domain.test', headers: SDP, body: DESCRIPTION });
      expect(status).toBe(486);
      expect(await called.finish()).toMatchObject({ ...NO_FAILURES, succeeded: 1 });
    });
  });

  // This is the last test: it checks the traffic of all tests.
  it('tshark finds no malformed SIP', async () => {
    await capture.stop();
    // Over TCP a busy machine can put several messages into one segment.
    const found = (await capture.fields('sip', ['sip.Call-ID'])).flatMap(([, callIds = '']) =>
      callIds.split(','),
    );
    expect(found.length).toBeGreaterThanOrEqual(messages);
    expect(await capture.malformed()).toEqual([]);
  });
});
