/** Content over TLS: accepted certificates (TS 9; RFC 4975 §14.2, RFC 8122). */

import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import tls from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type PushSession, SessionReceiver } from '../../support/agents/session-receiver.js';
import { type Certificates, makeCertificates } from '../../support/certificates.js';
import { Mailbox } from '../../support/mailbox.js';
import { bytes, descriptionOf, mediaOf, senderPath } from '../../support/msrp/push-offers.js';
import { RawMsrp } from '../../support/msrp/raw-msrp.js';
import { reported, SenderEnd } from '../../support/msrp/sender-end.js';
import { until } from '../../support/wait.js';

const CONTENT = bytes(1000);

let certificates: Certificates;
let otherCertificates: Certificates;
let server: tls.Server;
let accepted: Mailbox<RawMsrp>;
let receiver: SessionReceiver;
beforeAll(async () => {
  [certificates, otherCertificates] = await Promise.all([makeCertificates(), makeCertificates()]);
});
afterAll(() => Promise.all([certificates.remove(), otherCertificates.remove()]));
beforeEach(async () => {
  accepted = new Mailbox('a connection');
  server = tls.createServer({ cert: certificates.cert, key: certificates.key });
  server.on('secureConnection', (socket) => accepted.put(new RawMsrp(socket)));
  // A peer that does not trust the certificate closes during the handshake.
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  await receiver.stop();
  server.close();
});

/** In the form of a=fingerprint. */
function fingerprintOf({ cert }: Certificates): string {
  return `sha-256 ${new X509Certificate(cert).fingerprint256}`;
}

async function offering(lines: readonly string[]): Promise<PushSession> {
  const at = { port: (server.address() as AddressInfo).port };
  const path = senderPath(at, 'msrps');
  return await receiver.invite(
    descriptionOf([mediaOf(at, { content: CONTENT, protocol: 'TCP/TLS/MSRP', path, lines })]),
  );
}

async function expectReceived(): Promise<void> {
  const end = await SenderEnd.of(await accepted.take());
  expect(await end.send(CONTENT)).toBe(200);
  expect(await reported(end)).toMatch('000 200');
  expect(receiver.committed).toEqual([Buffer.from(CONTENT)]);
}

/** The peer received no request. */
async function expectRejected(session: PushSession): Promise<void> {
  expect(session.status).toBe(200);
  // RFC 3326: the sender learns why another attempt would fail.
  const reason = (await session.hungUp()).headers.get('Reason');
  expect(reason).toMatch(/^SIP;cause=500;text="tls connection to 127\.0\.0\.1:\d+ failed: .*certificate/);
  await until(() =>
    expect(receiver.of('broken-off')).toMatchObject([{ reason: expect.stringContaining('certificate') }]),
  );
  if (accepted.length > 0) expect((await accepted.take()).frames).toHaveLength(0);
  expect(receiver.committed).toEqual([]);
}

describe('the certificate of a sender', () => {
  it('9-03, 8.2.3-01: is accepted by its a=fingerprint, without a trusted issuer', async () => {
    receiver = await SessionReceiver.start();
    await offering([`a=fingerprint:${fingerprintOf(certificates)}`]);
    await expectReceived();
  });

  it('9-03, 8.2.3-01: is accepted by one of several fingerprints (RFC 8122 §5)', async () => {
    receiver = await SessionReceiver.start();
    const both = [otherCertificates, certificates].map(fingerprintOf);
    await offering(both.map((fingerprint) => `a=fingerprint:${fingerprint}`));
    await expectReceived();
  });

  it('9-03, 8.2.3-01: is rejected by BYE if it does not match its a=fingerprint', async () => {
    receiver = await SessionReceiver.start({ tls: { ca: certificates.ca } });
    await expectRejected(await offering([`a=fingerprint:${fingerprintOf(otherCertificates)}`]));
  });

  it('9-03, AD-4.2.1: is accepted without a fingerprint if a trusted authority signed it', async () => {
    receiver = await SessionReceiver.start({ tls: { ca: certificates.ca } });
    await offering([]);
    await expectReceived();
  });

  it('9-03, AD-4.2.1: is rejected by BYE if no trusted authority signed it', async () => {
    receiver = await SessionReceiver.start();
    await expectRejected(await offering([]));
  });
});
