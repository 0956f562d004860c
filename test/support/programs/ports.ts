/**
 * Ports on 127.0.0.1 for programs that cannot choose a free port themselves. Each port is used once among all processes
 * that use this file: a process locks blocks of ports with a listening socket on the first port of each, which the system
 * closes when the process ends.
 */

import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

// Below the ephemeral ports (from 32768 on Linux), above the well-known ports.
const FIRST = 20_000;
const BLOCK = 64;
const BLOCKS = 196;

let next = 0;
let end = 0;
let queue: Promise<unknown> = Promise.resolve();

/** Allocates `count` ports that are free for UDP and TCP on 127.0.0.1. */
export function freePorts(count: number): Promise<number[]> {
  const ports = queue.then(() => allocate(count));
  queue = ports.catch(() => undefined);
  return ports;
}

export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  if (port === undefined) throw new Error('no port');
  return port;
}

async function allocate(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    if (next === end) await allocateBlock();
    const port = next++;
    if ((await isFreeForTcp(port)) && (await isFreeForUdp(port))) ports.push(port);
  }
  return ports;
}

async function allocateBlock(): Promise<void> {
  // Processes start at different blocks to avoid collisions.
  const offset = process.pid % BLOCKS;
  for (let index = 0; index < BLOCKS; index++) {
    const first = FIRST + ((index + offset) % BLOCKS) * BLOCK;
    if (await isFreeForTcp(first, 'hold')) {
      next = first + 1;
      end = first + BLOCK;
      return;
    }
  }
  throw new Error(`no free port from ${FIRST} to ${FIRST + BLOCKS * BLOCK}`);
}

function isFreeForTcp(port: number, hold?: 'hold'): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      if (hold) {
        server.unref();
        resolve(true);
      } else server.close(() => resolve(true));
    });
  });
}

function isFreeForUdp(port: number): Promise<boolean> {
  const socket = createSocket('udp4');
  return new Promise((resolve) => {
    socket.once('error', () => {
      socket.close();
      resolve(false);
    });
    socket.bind({ port, address: '127.0.0.1', exclusive: true }, () => socket.close(() => resolve(true)));
  });
}
