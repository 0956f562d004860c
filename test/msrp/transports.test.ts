import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { platform } from '#platform';
import { TransportError } from '../../core/errors.js';
import { localMsrpUri, MsrpConnector, MsrpListener } from '../../core/msrp/index.js';
import { type Certificates, makeCertificates } from '../support/certificates.js';
import { Mailbox } from '../support/mailbox.js';
import { type Closing, Inbox, LOOPBACK, message } from '../support/msrp/sessions.js';

let certificates: Certificates;
beforeAll(async () => {
  certificates = await makeCertificates();
});
afterAll(() => certificates.remove());

const closing: Closing = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const text = Buffer.from('Grüße, '.repeat(30_000));
const binary = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * at) % 256));

it.each(['tcp', 'tls', 'ws', 'wss'] as const)(
  '8.2.3-01: sends messages in both directions over %s',
  async (protocol) => {
    const secure = protocol === 'tls' || protocol === 'wss';
    const { ca, cert, key } = certificates;
    const listener = await MsrpListener.open({
      protocol,
      at: LOOPBACK,
      tls: secure ? { cert, key } : undefined,
    });
    const connector = new MsrpConnector(secure ? { tls: { ca } } : {});
    closing.push(
      () => listener.close(),
      () => connector.close(),
    );
    const inboxes = { active: new Inbox(), passive: new Inbox() };
    const here = localMsrpUri(protocol, listener.address);
    const there = localMsrpUri(protocol, { host: '127.0.0.1', port: 9 });
    const passive = listener.expect({
      localUri: here,
      remotePath: [there],
      onMessage: inboxes.passive.onMessage,
    });
    const active = await connector.connect(protocol, listener.address, {
      ...{ localUri: there, remotePath: [here], onMessage: inboxes.active.onMessage },
    });
    const directions = [
      { session: passive, inbox: inboxes.active },
      { session: active, inbox: inboxes.passive },
    ];
    for (const { session, inbox } of directions) {
      for (const content of [text, binary]) {
        const sent = session.send({ ...message(content), successReport: true });
        const received = await inbox.nextEnded();
        expect(received.content.equals(content)).toBe(true);
        received.reporter?.success();
        expect(await sent).toMatchObject({ status: 200, reported: true, bytes: content.length });
      }
    }
  },
);

it('sends a chunk as one WebSocket message of the subprotocol msrp (RFC 7977 §4.2, §5.1)', async () => {
  const listener = await MsrpListener.open({ protocol: 'ws', at: LOOPBACK });
  closing.push(() => listener.close());
  const here = localMsrpUri('ws', listener.address);
  const there = localMsrpUri('ws', { host: 'browser.invalid', port: 9 });
  expect(here).toMatch(/^msrp:\/\/127\.0\.0\.1:\d+\/[0-9a-f]{32};ws$/);
  const session = listener.expect({ localUri: here, remotePath: [there] });
  const frames = new Mailbox<string>('a frame');
  const socket = new WebSocket(`ws://127.0.0.1:${listener.address.port}`, 'msrp');
  closing.push(() => socket.terminate());
  socket.binaryType = 'nodebuffer';
  socket.on('message', (data) => {
    if (Buffer.isBuffer(data)) frames.put(data.toString('latin1'));
  });
  await new Promise((resolve) => socket.once('open', resolve));
  expect(socket.protocol).toBe('msrp');
  socket.send(
    `MSRP bind1 SEND\r\nTo-Path: ${here}\r\nFrom-Path: ${there}\r\nMessage-ID: m\r\n-------bind1$\r\n`,
  );
  expect(await frames.take()).toMatch(/^MSRP bind1 200 OK\r\n/);
  void session.send({ ...message(text), failureReport: 'no' });
  let size = 0;
  while (size < text.length) {
    const frame = await frames.take();
    const { id = '', flag = '' } =
      /^MSRP (?<id>\S+) SEND\r\n[\s\S]*-------\k<id>(?<flag>[$+])\r\n$/.exec(frame)?.groups ?? {};
    expect(id).not.toBe('');
    size += frame.lastIndexOf(`\r\n-------${id}`) - frame.indexOf('\r\n\r\n') - 4;
    expect(flag).toBe(size === text.length ? '$' : '+');
  }
});

it('accepts the certificate that the SDP announces, without a trusted issuer (RFC 8122)', async () => {
  const { cert, key } = certificates;
  const listener = await MsrpListener.open({ protocol: 'tls', at: LOOPBACK, tls: { cert, key } });
  const connector = new MsrpConnector();
  closing.push(
    () => listener.close(),
    () => connector.close(),
  );
  const remotePath = [localMsrpUri('tls', listener.address)];
  const connect = (fingerprints: readonly string[]) => {
    const localUri = localMsrpUri('tls', LOOPBACK);
    return connector.connect('tls', listener.address, { localUri, remotePath, fingerprints });
  };
  const right = platform.certificateFingerprint(cert);
  const wrong = right.replace(/[0-9A-F]{2}$/, (last) => (last === '00' ? '01' : '00'));
  expect((await connect([right])).closed).toBe(false);
  // Not over the existing connection.
  await expect(connect([wrong])).rejects.toBeInstanceOf(TransportError);
  expect((await connect([wrong, right])).closed).toBe(false);
  await expect(connect([])).rejects.toBeInstanceOf(TransportError);
});

it('builds URIs of IPv6 addresses and of secure connections', () => {
  expect(localMsrpUri('tcp', { host: '::1', port: 7654 })).toMatch(
    /^msrp:\/\/\[::1\]:7654\/[0-9a-f]{32};tcp$/,
  );
  expect(localMsrpUri('tls', { host: 'a.test', port: 7654 })).toMatch(/^msrps:\/\/a\.test:7654\/\w+;tcp$/);
  expect(localMsrpUri('wss', { host: 'a.test', port: 7654 })).toMatch(/^msrps:\/\/a\.test:7654\/\w+;ws$/);
});
