/**
 * A large file in session mode compared with plain TCP: from one process to another over loopback, from a file to a file.
 * Variants take turns, so that other load on the machine affects all of them. `npm run bench -- test/bench/session.bench.ts`
 * prints a table at its end.
 */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, bench, describe } from 'vitest';
import { bundle } from '../faults/bundle.js';
import { startProcess } from '../support/programs/process.js';

const MEBIBYTE = 1024 * 1024;
const SIZE = 512 * MEBIBYTE;

const folder = await mkdtemp(join(tmpdir(), 'sip-push-bench-'));
const path = join(folder, 'file');
await writeFile(
  path,
  new Uint8Array(SIZE).map((_, index) => index * 31 + (index >> 8)),
);
const programs = [
  await bundle('session-receiver', 'bench'),
  await bundle('session-sender', 'bench'),
] as const;
const receiver = await startProcess(process.execPath, [programs[0].path, folder]);
const addresses: { core: string; discard: number; keep: number } = JSON.parse(await receiver.line(/^\{/));
const sender = await startProcess(process.execPath, [programs[1].path, addresses.core, path]);

const ROUNDS = 6;

/** Milliseconds of each run. */
const times = new Map<string, number[]>();

async function run(name: string, order: string): Promise<void> {
  const arrived = new Promise<void>((resolve, reject) => {
    sender.onLine(() => resolve());
    void sender.exited.then(() => reject(new Error(sender.describe())));
  });
  const started = performance.now();
  sender.stdin.write(`${order}\n`);
  await arrived;
  times.set(name, [...(times.get(name) ?? []), performance.now() - started]);
}

const variants = [
  ['plain TCP, read and discarded', `tcp ${addresses.discard}`],
  ['plain TCP, SHA-1 at both ends, SHA-256, written and synced', `hashed ${addresses.keep}`],
  ['session mode, direct delivery', 'push direct.ua'],
  ['session mode, durable delivery', 'push durable.ua'],
] as const;

afterAll(async () => {
  const medians = variants.map(([name]) => ({ name, milliseconds: median(times.get(name)) }));
  const [bare, fair] = medians;
  for (const { name, milliseconds } of medians) {
    const speed = (SIZE / MEBIBYTE / milliseconds) * 1000;
    const [ofBare, ofFair] = [bare, fair].map((other) => (other?.milliseconds ?? 0) / milliseconds);
    console.log(
      `${name}: ${speed.toFixed(0)} MiB/s, ratio ${ofBare?.toFixed(2)} to the first, ${ofFair?.toFixed(2)} to the second`,
    );
  }
  sender.stdin.end();
  receiver.stdin.end();
  await Promise.all([sender.stop(), receiver.stop()]);
  for (const program of programs) await program[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** All runs except the first, which includes compilation. */
function median([, ...runs]: readonly number[] = []): number {
  return runs.sort((one, other) => one - other)[runs.length >> 1] ?? Number.NaN;
}

for (let round = 1; round <= ROUNDS; round++) {
  describe(`a file of ${SIZE / MEBIBYTE} MiB, round ${round} of ${ROUNDS}`, () => {
    for (const [name, order] of variants) {
      bench(name, () => run(name, order), { iterations: 1, time: 0, warmupIterations: 0, warmupTime: 0 });
    }
  });
}
