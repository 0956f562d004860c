/** Processes with few file descriptors: they do not start with too few, and refuse connections when none is left. */

import { once } from 'node:events';
import net from 'node:net';
import { expect, it } from 'vitest';
import { parseEndpoint } from '../../core/sip/transport/transport-uri.js';
import { CLI } from '../cli/sip-push.js';
import { runProcess, startProcess } from '../support/programs/process.js';
import { eventually } from '../support/wait.js';
import { bundle } from './bundle.js';

const limited = (most: number, program: string) => [
  '-c',
  `ulimit -n ${most}; exec "$0" "$1"`,
  process.execPath,
  program,
];

const OPTIONS =
  'OPTIONS sip:domain.test SIP/2.0\r\nVia: SIP/2.0/TCP client.test;branch=z9hG4bK1\r\nFrom: <sip:a@domain.test>;tag=a1\r\n' +
  'To: <sip:domain.test>\r\nCall-ID: c1\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n';

/** Whether a new connection is served. */
async function served(port: number): Promise<boolean> {
  const socket = net.connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(OPTIONS);
  const answered = await Promise.race([
    once(socket, 'data').then(
      () => true,
      () => false,
    ),
    once(socket, 'close').then(() => false),
  ]);
  socket.destroy();
  return answered;
}

it('with too few, a process does not start, and says why', async () => {
  await using host = await bundle('descriptors-host');
  const { code, stderr } = await runProcess('/bin/sh', limited(100, host.path));
  expect(code).not.toBe(0);
  expect(stderr).toContain('too few file descriptors: this process may open 100, expected at least 256');
});

it.each([20, 60, 250])(
  'with %i, a command says so instead of failing at one of its modules',
  async (most) => {
    const { code, stderr } = await runProcess('/bin/sh', limited(most, CLI));
    expect(code).toBe(1);
    expect(stderr).toBe(
      `sip-push: too few file descriptors: this process may open ${most}, expected at least 256; raise the limit (ulimit -n, LimitNOFILE= of systemd)`,
    );
  },
);

it('connections do not use the last ones, and are refused instead', async () => {
  await using host = await bundle('descriptors-host');
  await using running = await startProcess('/bin/sh', limited(300, host.path));
  const listening = await eventually('the port', () =>
    running.stdout.find((line) => line.startsWith('listening ')),
  );
  const { port } = parseEndpoint(listening.slice('listening '.length));
  const open = new Set<net.Socket>();
  let refused = 0;
  const connect = () => {
    const socket = net.connect(port, '127.0.0.1');
    socket.on('error', () => {});
    open.add(socket);
    socket.once('close', () => {
      open.delete(socket);
      refused++;
    });
  };
  for (let count = 0; count < 200; count++) connect();
  // Half of the descriptors.
  await eventually('refusals', () => refused >= 50 || undefined);
  expect([open.size, refused]).toEqual([150, 50]);
  running.stdin.write('alive\n');
  await eventually('an answer', () => running.stdout.includes('alive') || undefined);
  for (const socket of open) socket.destroy();
  await eventually('service', async () => (await served(port)) || undefined);
});

it('a process without any continues, and accepts connections again', async () => {
  await using host = await bundle('descriptors-host');
  await using running = await startProcess('/bin/sh', limited(300, host.path));
  const listening = await eventually('the port', () =>
    running.stdout.find((line) => line.startsWith('listening ')),
  );
  const { port } = parseEndpoint(listening.slice('listening '.length));
  running.stdin.write('exhaust\n');
  await eventually('no file', () => running.stdout.includes('exhausted EMFILE') || undefined);
  for (let count = 0; count < 20; count++) expect(await served(port)).toBe(false);
  running.stdin.write('alive\n');
  await eventually('an answer', () => running.stdout.includes('alive') || undefined);
  running.stdin.write('release\n');
  await eventually('released', () => running.stdout.includes('released') || undefined);
  await eventually('service', async () => (await served(port)) || undefined);
});
