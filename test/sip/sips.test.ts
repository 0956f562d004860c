/** `sips` identities and targets (RFC 3261 §8.1.1.8, §10.2.1, §19.1, RFC 5630): TLS, and `sips` Contacts. */

import { afterEach, describe, expect, it } from 'vitest';
import { SipUserAgent, type SipUserAgentOptions } from '../../core/sip/user-agent.js';
import { startNetwork } from '../../sdk/network/index.js';
import { type Certificates, makeCertificates } from '../support/certificates.js';
import { until } from '../support/wait.js';

const BOB = 'sips:bob@domain.test';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A network over TLS and TCP, and the messages on its wire. */
async function tlsNetwork() {
  const made = await makeCertificates();
  closing.push(() => made.remove());
  const messages: string[] = [];
  const network = await startNetwork({
    listen: ['sip:127.0.0.1:0;transport=tls', 'sip:127.0.0.1:0;transport=tcp'],
    tls: { cert: made.cert, key: made.key },
    onWire: (_direction, bytes) => messages.push(Buffer.from(bytes).toString()),
  });
  closing.push(() => network.close());
  const [tls = '', tcp = ''] = network.uris;
  const sent = (start: string) => messages.filter((message) => message.startsWith(start));
  return { tls, tcp, sent, made };
}

async function agent(
  identity: string,
  server: string,
  { ca }: Pick<Certificates, 'ca'>,
  more: Partial<SipUserAgentOptions> = {},
) {
  const made = new SipUserAgent({
    ...{ identity, servers: [server], tls: { ca }, product: 'test/1', methods: ['MESSAGE', 'INVITE'] },
    accept: () => [],
    onRequest: (transaction) => made.accept(transaction),
    registration: {
      ...{ instanceId: `urn:uuid:${crypto.randomUUID()}`, expires: 600, headers: [], features: () => [] },
    },
    ...more,
  });
  closing.push(() => made.stop());
  await made.start();
  await until(() => expect(made.registration?.state).toBeDefined());
  return made;
}

const header = (name: string, message = '') => new RegExp(`\r\n${name}: ([^\r]*)`).exec(message)?.[1];

describe('a sips identity', () => {
  it('registers its sips Contact at the sips registrar, over TLS', async () => {
    const { tls, sent, made } = await tlsNetwork();
    const bob = await agent(BOB, tls, made);
    const [register] = sent('REGISTER sips:domain.test SIP/2.0\r\nVia: SIP/2.0/TLS ');
    expect(header('To', register)).toBe(`<${BOB}>`);
    expect(header('Contact', register)).toMatch(/^<sips:\w+@127\.0\.0\.1:\d+;transport=tcp>/);
    expect(bob.contact).toMatch(/^sips:/);
  });

  it.each(['sip:127.0.0.1:5060;transport=tcp', 'sip:127.0.0.1:5060', 'sip:127.0.0.1:80;transport=ws'])(
    'refuses the server %s',
    (server) => {
      const options = {
        servers: [server],
        product: 'test/1',
        methods: [],
        accept: () => [],
        onRequest: () => {},
      };
      expect(() => new SipUserAgent({ identity: BOB, ...options })).toThrow(
        `invalid URI ${JSON.stringify(server)} for the identity ${BOB}: expected transport=tls or wss`,
      );
    },
  );

  it.each(['sips:127.0.0.1:5061', 'sips:127.0.0.1:5061;transport=tcp', 'sips:127.0.0.1:443;transport=ws'])(
    'accepts the server %s',
    (server) => {
      const options = {
        servers: [server],
        product: 'test/1',
        methods: [],
        accept: () => [],
        onRequest: () => {},
      };
      expect(() => new SipUserAgent({ identity: BOB, ...options })).not.toThrow();
    },
  );
});

describe('a request to a sips URI', () => {
  it('and its answer have sips Contacts, of users with sip identities too', async () => {
    const { tls, sent, made } = await tlsNetwork();
    await agent(BOB, tls, made);
    const psa = await agent('sip:psa@domain.test', tls, made);
    expect((await psa.invite({ uri: BOB })).status).toBe(200);
    const [invite] = sent(`INVITE ${BOB} SIP/2.0\r\nVia: SIP/2.0/TLS `);
    expect(header('To', invite)).toBe(`<${BOB}>`);
    expect(header('Contact', invite)).toMatch(/^<sips:/);
    const answer = sent('SIP/2.0 200 OK').find((message) => message.includes(' INVITE\r\n'));
    expect(header('Contact', answer)).toMatch(/^<sips:/);
  });

  it('is not sent without TLS', async () => {
    const { tcp, sent, made } = await tlsNetwork();
    const psa = await agent('sip:psa@domain.test', tcp, made);
    await expect(psa.request({ method: 'MESSAGE', uri: BOB })).rejects.toThrow(
      `cannot send MESSAGE to ${BOB} over TCP: a sips URI requires TLS`,
    );
    expect(sent('MESSAGE')).toEqual([]);
  });
});
