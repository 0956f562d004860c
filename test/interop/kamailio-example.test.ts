/** The behavior of examples/kamailio/kamailio.cfg that its comments describe, tested with raw sockets. */

import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { Capture } from '../support/captures/tshark.js';
import { type Certificates, makeCertificates } from '../support/certificates.js';
import { type Kamailio, startKamailio } from '../support/programs/kamailio.js';
import { describePeer } from '../support/programs/peers.js';
import { RawSipPeer } from '../support/sip/raw-sip.js';
import { type OnMessage, openStream, openUdp, openWebSocket } from '../support/sip/raw-wire.js';

const EVERY_OCTET = Buffer.from(Array.from({ length: 256 }, (_, octet) => octet));
const INSTANCE = 'urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6';

describePeer(['kamailio', 'openssl'], 'the example configuration of Kamailio', () => {
  let certificates: Certificates;
  let kamailio: Kamailio;
  let device: RawSipPeer;
  let sender: RawSipPeer;

  beforeAll(async () => {
    certificates = await makeCertificates();
    kamailio = await startKamailio({ shortestRegistration: 60, tls: certificates });
  });
  afterAll(async () => {
    await kamailio.stop();
    await certificates.remove();
  });
  beforeEach(async () => {
    device = await RawSipPeer.open();
    sender = await RawSipPeer.open();
  });
  afterEach(async () => {
    await register({ expires: 0 });
    device.close();
    sender.close();
  });

  const register = ({ expires = 600, password }: { expires?: number; password?: string } = {}) =>
    device.send(kamailio.port, {
      method: 'REGISTER',
      uri: 'sip:domain.test',
      from: 'sip:bob@domain.test',
      to: 'sip:bob@domain.test',
      headers: [
        `Contact: ${device.contact('bob')};expires=${expires};+sip.instance="<${INSTANCE}>";+g.oma.pusheventapp="mms.ua"`,
        'Supported: gruu',
        'Require: pref',
      ],
      credentials: { username: 'bob', password: password ?? kamailio.users.bob },
    });

  const message = (uri: string, more: { port?: number; from?: string; headers?: string[] } = {}) =>
    sender.send(more.port ?? kamailio.port, {
      method: 'MESSAGE',
      uri,
      from: more.from ?? 'sip:psa@domain.test',
      to: uri,
      headers: ['Content-Type: application/vnd.wap.mms-message', ...(more.headers ?? [])],
      body: EVERY_OCTET,
      credentials: { username: 'psa', password: kamailio.users.psa },
    });

  const gruus = async () => {
    const contact = (await register()).get('Contact') ?? '';
    return {
      publicGruu: /pub-gruu="([^"]+)"/.exec(contact)?.[1] ?? '',
      temporaryGruu: /temp-gruu="([^"]+)"/.exec(contact)?.[1] ?? '',
    };
  };

  it('assigns a public and a temporary GRUU to a registered instance', async () => {
    const { publicGruu, temporaryGruu } = await gruus();
    expect(publicGruu).toBe(`sip:bob@domain.test;gr=${INSTANCE}`);
    expect(temporaryGruu).toMatch(/^sip:[^@]+@domain\.test;gr$/);
  });

  it('delivers a binary body unchanged to the public identity and to both GRUUs', async () => {
    const { publicGruu, temporaryGruu } = await gruus();
    for (const uri of ['sip:bob@domain.test', publicGruu, temporaryGruu]) {
      device.clear();
      expect((await message(uri)).status).toBe(200);
      expect((await device.request()).body).toEqual(EVERY_OCTET);
    }
  });

  it.each(['tcp', 'tls', 'ws', 'wss'] as const)(
    'reaches a device over the %s connection on which it registered',
    async (transport) => {
      device.close();
      device = await RawSipPeer.open((onMessage) => {
        if (transport === 'tcp') return openStream(kamailio.port, onMessage);
        if (transport === 'tls') return openStream(kamailio.tlsPort, onMessage, { ca: certificates.ca });
        const port = transport === 'ws' ? kamailio.port : kamailio.tlsPort;
        return openWebSocket(`${transport}://127.0.0.1:${port}`, onMessage, { ca: certificates.ca });
      });
      expect((await register()).status).toBe(200);
      expect((await message('sip:bob@domain.test')).status).toBe(200);
      expect((await device.request()).body).toEqual(EVERY_OCTET);
    },
  );

  it('forks to every device of an identity, but not for a GRUU', async () => {
    const other = await RawSipPeer.open();
    await register();
    await other.send(kamailio.port, {
      method: 'REGISTER',
      uri: 'sip:domain.test',
      from: 'sip:bob@domain.test',
      to: 'sip:bob@domain.test',
      headers: [`Contact: ${other.contact('bob')};expires=600`],
      credentials: { username: 'bob', password: kamailio.users.bob },
    });
    await message('sip:bob@domain.test');
    await Promise.all([device.request(), other.request()]);
    other.clear();
    device.clear();
    await message(`sip:bob@domain.test;gr=${INSTANCE}`);
    await device.request();
    expect(other.requests).toEqual([]);
    other.close();
  });

  it('asserts the identity of an authenticated user, and removes other assertions', async () => {
    await register();
    await message('sip:bob@domain.test', { headers: ['P-Asserted-Identity: <sip:alice@domain.test>'] });
    const received = await device.request();
    expect(received.all('P-Asserted-Identity')).toEqual(['<sip:psa@domain.test>']);
    expect(received.get('Proxy-Authorization')).toBeUndefined();

    device.clear();
    await message('sip:bob@domain.test', {
      from: 'sip:stranger@elsewhere.test',
      headers: ['P-Asserted-Identity: <sip:psa@domain.test>'],
    });
    expect((await device.request()).all('P-Asserted-Identity')).toEqual([]);
  });

  it('accepts the asserted identity of an application server on the trusted port', async () => {
    await register();
    const asserted = ['P-Asserted-Identity: <sip:psa@trusted.test>'];
    await message('sip:bob@domain.test', { port: kamailio.trustedPort, headers: asserted });
    expect((await device.request()).all('P-Asserted-Identity')).toEqual(['<sip:psa@trusted.test>']);
  });

  it('rejects a wrong password, another user, and an unknown user', async () => {
    expect((await register({ password: 'wrong' })).status).toBe(401);
    expect((await message('sip:bob@domain.test', { from: 'sip:alice@domain.test' })).status).toBe(403);
    expect((await message('sip:nobody@domain.test')).status).toBe(404);
    expect((await message('sip:alice@domain.test')).status).toBe(480);
  });

  it('answers a registration with a short expiry with 423', async () => {
    const answer = await register({ expires: 30 });
    expect(answer.status).toBe(423);
    expect(answer.get('Min-Expires')).toBe('60');
  });

  it('challenges with SHA-256 if it is configured', async () => {
    await using strict = await startKamailio({ algorithm: 'SHA-256' });
    const asBob = {
      method: 'REGISTER',
      uri: 'sip:domain.test',
      from: 'sip:bob@domain.test',
      to: 'sip:bob@domain.test',
      headers: [`Contact: ${device.contact('bob')}`],
    };
    const challenge = await device.send(strict.port, asBob);
    expect(challenge.get('WWW-Authenticate')).toContain('algorithm=SHA-256');
    const credentials = { username: 'bob', password: strict.users.bob };
    expect((await device.send(strict.port, { ...asBob, credentials })).status).toBe(200);
  });
});

describePeer(['kamailio', 'tshark'], 'the wire of the example configuration', () => {
  it('sends valid SIP according to tshark, over every transport that tshark decodes', async () => {
    await using kamailio = await startKamailio();
    await using capture = await Capture.start({ sip: [kamailio.port], websocket: [kamailio.port] });
    for (const open of [
      openUdp,
      (onMessage: OnMessage) => openStream(kamailio.port, onMessage),
      (onMessage: OnMessage) => openWebSocket(`ws://127.0.0.1:${kamailio.port}`, onMessage),
    ]) {
      const peer = await RawSipPeer.open(open);
      const own = { from: 'sip:alice@domain.test', to: 'sip:alice@domain.test' };
      const credentials = { username: 'alice', password: kamailio.users.alice };
      const headers = [`Contact: ${peer.contact('alice')}`];
      await peer.send(kamailio.port, {
        method: 'REGISTER',
        uri: 'sip:domain.test',
        ...own,
        headers,
        credentials,
      });
      const type = ['Content-Type: application/octet-stream'];
      const message = { method: 'MESSAGE', uri: 'sip:alice@domain.test', ...own, headers: type, credentials };
      expect((await peer.send(kamailio.port, { ...message, body: EVERY_OCTET })).status).toBe(200);
      peer.close();
    }
    await capture.stop();
    expect(await capture.malformed()).toEqual([]);
    // For each transport: two REGISTERs, two MESSAGEs and the copies that Kamailio forwards.
    expect((await capture.fields('sip.Request-Line', [])).length).toBeGreaterThanOrEqual(2 * 5);
  });
});
