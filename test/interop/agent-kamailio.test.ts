/** The SIP user agent registered with Kamailio, over every transport: a binary MESSAGE arrives unchanged at every address. */

import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { SipRequest } from '../../core/sip/message/message.js';
import { buildResponse } from '../../core/sip/message/writer.js';
import type { RegistrationFailure, RegistrationState } from '../../core/sip/registration/registration.js';
import { SipUserAgent, type SipUserAgentOptions } from '../../core/sip/user-agent.js';
import { type Certificates, makeCertificates } from '../support/certificates.js';
import { type Kamailio, startKamailio } from '../support/programs/kamailio.js';
import { describePeer } from '../support/programs/peers.js';

const BINARY = Uint8Array.from({ length: 512 }, (_, index) => index & 0xff);
const TRANSPORTS = ['udp', 'tcp', 'tls', 'ws', 'wss'] as const;

describePeer('kamailio', 'a user agent and Kamailio', () => {
  let core: Kamailio;
  let certificates: Certificates;
  const closing: (() => Promise<void>)[] = [];

  beforeAll(async () => {
    certificates = await makeCertificates();
    core = await startKamailio({ tls: certificates, algorithm: 'SHA-256' });
  });
  afterEach(async () => {
    await Promise.all(closing.splice(0).map((close) => close()));
  });
  afterAll(async () => {
    await core?.stop();
    await certificates?.remove();
  });

  async function registered(user: keyof Kamailio['users'], options: Partial<SipUserAgentOptions> = {}) {
    const received: SipRequest[] = [];
    const failures: RegistrationFailure[] = [];
    let agent: SipUserAgent | undefined;
    const state = await new Promise<RegistrationState>((resolve, reject) => {
      agent = new SipUserAgent({
        identity: `sip:${user}@${core.domain}`,
        servers: [core.server('udp')],
        credentials: { username: user, password: core.users[user] },
        tls: { ca: certificates.ca },
        product: 'test/1',
        methods: ['MESSAGE'],
        accept: () => [],
        onRequest: (transaction) => {
          received.push(transaction.request);
          transaction.respond(buildResponse(transaction.request, 200));
        },
        registration: {
          instanceId: `urn:uuid:${crypto.randomUUID()}`,
          expires: 600,
          headers: [['Require', 'pref']],
          features: () => ['+g.oma.pusheventapp="mms.ua"'],
          onRegistered: resolve,
          onFailed: (failure) => {
            failures.push(failure);
            reject(new Error(JSON.stringify(failure)));
          },
        },
        ...options,
      });
      closing.push(() => agent?.stop() ?? Promise.resolve());
      agent.start().catch(reject);
    });
    if (!agent) throw new Error('no agent');
    return { agent, received, state };
  }

  it.each(TRANSPORTS)('over %s: 6.1-09, 8.1.2-02', async (transport) => {
    const { received, state } = await registered('bob', { servers: [core.server(transport)] });
    expect(state.publicGruu).toMatch(/^sip:bob@domain\.test;gr=urn:uuid:/);
    expect(state.temporaryGruu).toMatch(/^sip:.+;gr/);
    const { agent: sender } = await registered('psa', { servers: [core.server(transport)] });
    const addresses = ['sip:bob@domain.test', state.publicGruu ?? '', state.temporaryGruu ?? ''];
    for (const uri of addresses) {
      const response = await sender.request({
        method: 'MESSAGE',
        uri,
        headers: [['Content-Type', 'application/octet-stream']],
        body: BINARY,
      });
      expect(response.status, uri).toBe(200);
    }
    expect(received).toHaveLength(3);
    for (const { body } of received) expect(Buffer.from(body)).toEqual(Buffer.from(BINARY));
  });
});
