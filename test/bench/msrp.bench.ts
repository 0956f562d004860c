/**
 * The cost of MSRP compared with the bare connection, both ends in one process:
 * `npx vitest bench --config test/vitest.config.ts --run test/bench/msrp.bench.ts`.
 * Each iteration moves 256 MiB over loopback. The peak memory is printed at the end.
 */

import { once } from 'node:events';
import net from 'node:net';
import { afterAll, bench, describe } from 'vitest';
import {
  localMsrpUri,
  MsrpConnector,
  type MsrpLimits,
  MsrpListener,
  type MsrpSession,
} from '../../core/msrp/index.js';

const SIZE = 256 * 1024 * 1024;
/** The size of each read of a file. */
const PIECE = 64 * 1024;
const MEBIBYTE = 1024 * 1024;

const piece = new Uint8Array(PIECE);
for (let at = 0; at < PIECE; at++) piece[at] = (at * 31 + (at >> 8)) & 0xff;

function content(): ReadableStream<Uint8Array> {
  let left = SIZE;
  return new ReadableStream(
    {
      pull(controller) {
        controller.enqueue(piece);
        left -= PIECE;
        if (left === 0) controller.close();
      },
    },
    { highWaterMark: 0 },
  );
}

/** The peak memory of the process beyond its initial memory, in MiB. */
const peaks = new Map<string, number>();

function watched(name: string, run: () => Promise<void>): [string, () => Promise<void>] {
  return [
    name,
    async () => {
      const before = process.memoryUsage.rss();
      let peak = before;
      const watch = setInterval(() => {
        peak = Math.max(peak, process.memoryUsage.rss());
      }, 5);
      await run();
      clearInterval(watch);
      const grown = (peak - before) / MEBIBYTE;
      peaks.set(name, Math.max(grown, peaks.get(name) ?? 0));
    },
  ];
}

async function rawTcp(): Promise<void> {
  const server = net.createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const accepted = once(server, 'connection');
  const client = net.connect({ host: '127.0.0.1', port: address.port, noDelay: true });
  const [socket]: net.Socket[] = await accepted;
  if (!socket) throw new Error('no connection');
  let received = 0;
  const done = new Promise<void>((resolve) => {
    client.on('data', (bytes) => {
      received += bytes.length;
      if (received === SIZE) resolve();
    });
  });
  const reader = content().getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    if (!socket.write(next.value)) await once(socket, 'drain');
  }
  await done;
  client.destroy();
  socket.destroy();
  server.close();
}

interface Pair {
  sender: MsrpSession;
  close(): Promise<void>;
}

async function pair(protocol: 'tcp' | 'ws', limits: Partial<MsrpLimits> = {}): Promise<Pair> {
  const listener = await MsrpListener.open({ protocol, at: { host: '127.0.0.1', port: 0 }, limits });
  const connector = new MsrpConnector();
  const localUri = localMsrpUri(protocol, listener.address);
  const remoteUri = localMsrpUri(protocol, { host: '127.0.0.1', port: 9 });
  const sender = listener.expect({ localUri, remotePath: [remoteUri] });
  await connector.connect(protocol, listener.address, {
    localUri: remoteUri,
    remotePath: [localUri],
    onMessage: () => ({ write() {}, end: (_size, reporter) => reporter.success(), abort() {} }),
  });
  const close = async () => {
    await connector.close();
    await listener.close();
  };
  return { sender, close };
}

async function transfer({ sender }: Pair): Promise<void> {
  const message = { contentType: 'application/octet-stream', size: SIZE, open: content, successReport: true };
  const { status, bytes } = await sender.send(message);
  if (status !== 200 || bytes !== SIZE) throw new Error(`${status}, ${bytes} bytes`);
}

const direct = await pair('tcp');
const relayed = await pair('tcp', { chunkBytes: 8 * 1024 });
const webSocket = await pair('ws');

afterAll(async () => {
  await Promise.all([direct, relayed, webSocket].map(({ close }) => close()));
  for (const [name, mebibytes] of peaks)
    console.log(`${name}: peak memory ${mebibytes.toFixed(0)} MiB above the start`);
});

describe('256 MiB over loopback', () => {
  const options = { iterations: 5, time: 0, warmupIterations: 1, warmupTime: 0 };
  bench(...watched('raw TCP', rawTcp), options);
  bench(...watched('MSRP', () => transfer(direct)), options);
  bench(...watched('MSRP in chunks of 8 KiB', () => transfer(relayed)), options);
  bench(...watched('MSRP over WebSocket', () => transfer(webSocket)), options);
});
