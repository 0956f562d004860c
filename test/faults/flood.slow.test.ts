/** A flood of connections, unfinished messages and keep-alives: pushes continue, and the memory stays within its bounds. */

import dgram from 'node:dgram';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { memoryContent } from '../../core/content/content.js';
import { LISTEN_LIMITS } from '../../core/platform/bounds.js';
import { parseEndpoint } from '../../core/sip/transport/transport-uri.js';
import { BOB, Device, startSender } from '../support/agents/agents.js';
import { countingApp } from '../support/agents/counting-app.js';
import { startProcess } from '../support/programs/process.js';
import { FULL } from '../support/scale.js';
import { eventually } from '../support/wait.js';
import { bundle } from './bundle.js';

const MIB = 1024 * 1024;
const TEXT = { type: 'text/plain', parameters: {} };
const PUSHES = 400;
const AT_ONCE = 10;

/** A connection without TLS, its socket, flow and timers, in bytes. */
const CONNECTION = 20_000;
/**
 * The operator's guide states it: the program before the attack, the connections, what the listener holds for its peers,
 * and the server transactions, with as much garbage as the old generation may have.
 */
const BOUND =
  150 * MIB + LISTEN_LIMITS.connections * CONNECTION + LISTEN_LIMITS.heldBytes + 64 * MIB + 128 * MIB;

/** A request whose response has about 29 kB, because it repeats From. */
function longOptions(number: number): Buffer {
  const head = [
    'OPTIONS sip:domain.test SIP/2.0',
    `Via: SIP/2.0/UDP client.test;branch=z9hG4bK${number};rport`,
    `From: "${'x'.repeat(29_000)}" <sip:a@domain.test>;tag=a${number}`,
    'To: <sip:domain.test>',
    `Call-ID: c${number}`,
    'CSeq: 1 OPTIONS',
    'Max-Forwards: 70',
    'Content-Length: 0',
  ];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n`);
}

it('the responses that are kept for retransmissions stay within their bound, and other peers are served', async () => {
  await using host = await bundle('flood-host');
  await using core = await startProcess(process.execPath, ['--max-old-space-size=256', host.path]);
  const listening = await eventually('the ports', () =>
    core.stdout.find((line) => line.startsWith('listening ')),
  );
  const { port } = parseEndpoint(listening.split(' ')[2] ?? '');
  /** Sends requests, each after the response to an earlier one, until this number was answered. */
  const exchange = async (address: string, count: number) => {
    const socket = dgram.createSocket('udp4').bind(0, address);
    await once(socket, 'listening');
    let sent = 0;
    let answers = 0;
    const next = () => socket.send(longOptions(++sent), port, '127.0.0.1');
    // A lost datagram is replaced by another one.
    const replacing = setInterval(next, 100);
    await new Promise<void>((resolve) => {
      socket.on('message', () => {
        if (++answers < count) next();
        else resolve();
      });
      for (let first = 0; first < Math.min(count, 4); first++) next();
    });
    clearInterval(replacing);
    socket.close();
  };
  await exchange('127.0.0.9', 15_000);
  await exchange('127.0.0.1', 1);
  core.stdin.write('memory\n');
  const line = await eventually('the memory', () => core.stdout.find((each) => each.startsWith('memory ')));
  const memory = Number(line.split(' ')[1]);
  console.log(`memory ${Math.round(memory / MIB)} MiB`);
  // The responses of 15,000 requests have 435 MB.
  expect(memory).toBeLessThan(150 * MIB + 64 * MIB + 128 * MIB);
});

it('pushes continue during a flood, and the memory of the core stays within its bounds', async ({
  onTestFinished,
}) => {
  await using host = await bundle('flood-host');
  await using attack = await bundle('flood-attack');
  await using core = await startProcess(process.execPath, ['--max-old-space-size=256', host.path]);
  const listening = await eventually('the port', () =>
    core.stdout.find((line) => line.startsWith('listening ')),
  );
  const [, server = ''] = listening.split(' ');
  const { app, counts } = countingApp('test.ua', ['text/plain']);
  const device = await Device.start([app], { servers: [server] });
  const sender = await startSender({ servers: [server] });
  onTestFinished(async () => {
    await sender.stop();
    await device.stop();
  });
  let pushed = 0;
  /** @returns pushes in a second. */
  const rate = async () => {
    const start = performance.now();
    const end = pushed + PUSHES;
    const push = async () => {
      while (pushed < end) {
        const content = memoryContent(TEXT, new TextEncoder().encode(`push ${pushed++}`));
        const receipts = await sender.send({ to: BOB, app: 'test.ua', mode: 'pager', content });
        expect(receipts.map(({ outcome }) => outcome)).toEqual(['delivered']);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, push));
    return (1000 * PUSHES) / (performance.now() - start);
  };

  await rate();
  const before = await rate();
  await using attacker = await startProcess(process.execPath, [
    attack.path,
    String(parseEndpoint(server).port),
    FULL ? 'low' : '',
  ]);
  const progress = () => (attacker.stdout.at(-1)?.split(' ') ?? []).slice(1).map(Number);
  await eventually('the connections', () => (progress()[0] ?? 0) >= 9_000 || undefined);
  await eventually('the unfinished messages', () => (progress()[1] ?? 0) >= 900 || undefined);
  const rates: number[] = [];
  for (let attempt = 0; attempt < (FULL ? 3 : 1) && Math.max(0, ...rates) < before / 2; attempt++) {
    rates.push(await rate());
  }
  core.stdin.write('memory\n');
  const line = await eventually('the memory', () => core.stdout.find((each) => each.startsWith('memory ')));
  const memory = Number(line.split(' ')[1]);
  console.log(
    `pushes a second: ${Math.round(before)}, attacked ${rates.map(Math.round).join(', ')}; memory ${Math.round(memory / MIB)} MiB`,
  );
  expect(memory).toBeLessThan(BOUND);
  // The rate depends on other programs: it is compared only if the test has the machine to itself.
  if (FULL) expect(Math.max(...rates)).toBeGreaterThanOrEqual(before / 2);
  expect([...counts.values()].every((count) => count === 1)).toBe(true);
  expect(counts.size).toBe(pushed);
});
