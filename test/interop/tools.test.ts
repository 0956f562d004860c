/** The tools of the interoperability tests. */

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Capture } from '../support/captures/tshark.js';
import { startLossyRelay } from '../support/lossy-relay.js';
import { describePeer } from '../support/programs/peers.js';
import { runSipp } from '../support/programs/sipp.js';
import { RawSipPeer } from '../support/sip/raw-sip.js';

const BAD = [
  'MESSAGE sip:bob@domain.test SIP/2.0\r\nCSeq: one MESSAGE\r\nContent-Length: 99\r\n\r\nx',
  'hello world this is no SIP at all',
  'MESSAGE sip:bob@domain.test SIP/2.0\r\nVia: SIP/2.0/UDP\r\nFrom: <sip:a@b;tag=1\r\nTo: "x <sip:b>\r\nCall-ID: 1\r\nCSeq: 1 MESSAGE\r\nContact: <<\r\nContent-Length: 0\r\n\r\n',
  'MESSAGE sip:bob@domain.test SIP/2.0\r\nVia SIP/2.0/UDP 1.1.1.1;branch=z9hG4bKq\r\n\r\n',
];

let device: RawSipPeer;
beforeEach(async () => {
  device = await RawSipPeer.open();
});
afterEach(() => device.close());

const messages = (calls: number, port = device.port) =>
  runSipp({
    scenario: 'uac-message.xml',
    port,
    transport: 'udp',
    user: 'bob',
    keys: { domain: 'domain.test', asserted: 'sip:psa@domain.test' },
    calls,
    rate: 200,
    once: true,
  });

describePeer('sipp', 'SIPp as a Push Sender Agent', () => {
  it('sends binary content, and counts the responses', async () => {
    expect(await messages(20)).toMatchObject({ created: 20, succeeded: 20, failed: 0 });
    expect(device.requests).toHaveLength(20);
    const { body } = await device.request();
    expect(body.subarray(0, 4)).toEqual(Buffer.from([0x8c, 0x82, 0x98, 0x54]));
    expect(body.includes(0)).toBe(true);
    expect(body.subarray(-4)).toEqual(Buffer.from([0x8e, 0x02, 0x27, 0x10]));
  });

  it('reports an unexpected response', async () => {
    device.answer = () => '403 Forbidden';
    const result = await messages(5);
    expect(result).toMatchObject({ succeeded: 0, failed: 5, unexpected: 5 });
    expect(result.errors).toContain('403 Forbidden');
  });
});

describePeer(['sipp', 'tshark'], 'tshark as a validator of SIP', () => {
  it('accepts valid SIP, and reports malformed SIP', async () => {
    await using capture = await Capture.start({ sip: [device.port] });
    await messages(3);
    device.answer = () => undefined;
    const socket = createSocket('udp4');
    for (const bad of BAD) socket.send(bad, device.port, '127.0.0.1');
    socket.send('\r\n\r\n', device.port, '127.0.0.1');
    await once(socket, 'listening');
    await capture.stop();
    socket.close();
    const frames = await capture.fields('udp', ['sip.Method', 'sip.Status-Code']);
    const good = 2 * 3;
    expect(frames).toHaveLength(good + BAD.length + 1);
    const problems = new Map((await capture.malformed()).map(({ frame, reason }) => [frame, reason]));
    expect([...problems.keys()]).toEqual(frames.slice(good, -1).map(([frame]) => Number(frame)));
  });
});

describe('the lossy relay', () => {
  it('drops about the configured share of datagrams, the same ones in each run', async () => {
    const once = await lostDatagrams(7);
    expect(once).toEqual(await lostDatagrams(7));
    expect(once).not.toEqual(await lostDatagrams(8));
    expect(once.length).toBeGreaterThan(100);
    expect(once.length).toBeLessThan(200);
  });

  /** Numbers of the lost datagrams, of 500 with a loss of 30 %. */
  async function lostDatagrams(seed: number): Promise<number[]> {
    const server = createSocket('udp4');
    server.bind(0, '127.0.0.1');
    await once(server, 'listening');
    await using relay = await startLossyRelay(server.address().port, 0.3, seed);
    const arrived = new Set<number>();
    server.on('message', (bytes) => arrived.add(Number(bytes)));
    const client = createSocket('udp4');
    // In batches of a hundred: the system itself drops unread datagrams when its buffer is full.
    for (let sent = 0; sent < 500; sent += 100) {
      for (let number = sent; number < sent + 100; number++) {
        client.send(String(number), relay.port, '127.0.0.1');
      }
      await expect.poll(() => relay.received, { interval: 5 }).toBe(sent + 100);
    }
    await expect.poll(() => arrived.size).toBe(500 - relay.dropped);
    client.close();
    server.close();
    return Array.from({ length: 500 }, (_, number) => number).filter((number) => !arrived.has(number));
  }
});
