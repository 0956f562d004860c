/** A file in session mode through the runtime, compared with the same bytes written to a plain file. */

import { mkdtempSync, rmSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, bench, describe } from 'vitest';
import { platform } from '#platform';
import { PushRuntime } from '../../core/app/index.js';
import { definePushApp } from '../../sdk/index.js';

const folder = mkdtempSync(join(tmpdir(), 'transfers-bench-'));
const store = await platform.openStore(join(folder, 'store'));
const runtime = await PushRuntime.open({ store, transfers: join(folder, 'transfers') });
afterAll(async () => {
  await runtime.stop();
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

for (const delivery of ['direct', 'durable'] as const) {
  for (const reads of [false, true]) {
    await runtime.load(
      definePushApp({
        id: `${delivery}${reads ? '.reads' : ''}.ua`,
        accepts: ['application/octet-stream'],
        delivery,
        start: () => ({
          async receive(push) {
            if (!reads) return;
            for await (const _ of push.content.open());
          },
        }),
      }),
    );
  }
}

const data = new Uint8Array(64 * 1024 * 1024).map((_, index) => index);
const sha1 = platform.hash('sha-1', data);

let serial = 0;

/** Keeps up to eight writes pending, like the unanswered chunks of a session. */
async function inChunks(
  chunk: number,
  size: number,
  write: (at: number, bytes: Uint8Array) => Promise<unknown>,
) {
  const underWay: Promise<unknown>[] = [];
  for (let at = 0; at < size; at += chunk) {
    underWay.push(write(at, data.subarray(at, Math.min(size, at + chunk))));
    if (underWay.length >= 8) await underWay.shift();
  }
  await Promise.all(underWay);
}

async function transfer(id: string, size: number, chunk: number, withSha1 = true): Promise<void> {
  const type = { type: 'application/octet-stream', parameters: {} };
  const app = runtime.resolve([id], type.type);
  if (typeof app === 'string') throw new Error(app);
  const answer = await runtime.transfer({
    app,
    key: `${++serial}`,
    from: 'sip:psa@domain.test',
    to: 'sip:bob@domain.test',
    type,
    headers: {},
    size,
    sha1: withSha1
      ? size === data.length
        ? sha1
        : platform.hash('sha-1', data.subarray(0, size))
      : undefined,
    resumable: withSha1,
  });
  if (!('transfer' in answer)) throw new Error(JSON.stringify(answer));
  await inChunks(chunk, size, (at, bytes) => answer.transfer.write(at, bytes));
  const outcome = await answer.transfer.complete(size);
  if (!outcome.accepted) throw new Error(outcome.reason);
}

async function plainFile(size: number, chunk: number, synced: boolean): Promise<void> {
  const path = join(folder, `plain-${++serial}`);
  const file = await open(path, 'w');
  for (let at = 0; at < size; at += chunk) {
    const bytes = data.subarray(at, Math.min(size, at + chunk));
    await file.write(bytes, 0, bytes.length, at);
  }
  if (synced) await file.sync();
  await file.close();
  await rm(path);
}

describe.each([8 * 1024, 64 * 1024])('64 MiB in chunks of %i bytes', (chunk) => {
  const size = data.length;
  const options = { iterations: 5, time: 0, warmupIterations: 1, warmupTime: 0 };
  bench('a plain file', () => plainFile(size, chunk, false), options);
  bench('a plain file, synced', () => plainFile(size, chunk, true), options);
  bench('direct', () => transfer('direct.ua', size, chunk), options);
  bench('direct, without SHA-1', () => transfer('direct.ua', size, chunk, false), options);
  bench('direct, read at the same time', () => transfer('direct.reads.ua', size, chunk), options);
  bench('durable', () => transfer('durable.ua', size, chunk), options);
});

describe('200 concurrent files of 64 KiB', () => {
  const size = 64 * 1024;
  const options = { iterations: 3, time: 0, warmupIterations: 1, warmupTime: 0 };
  const many = (task: () => Promise<unknown>) => Promise.all(Array.from({ length: 200 }, task));
  bench('plain files', async () => void (await many(() => plainFile(size, 8_192, false))), options);
  bench('plain files, synced', async () => void (await many(() => plainFile(size, 8_192, true))), options);
  bench('direct', async () => void (await many(() => transfer('direct.ua', size, 8_192))), options);
  bench('durable', async () => void (await many(() => transfer('durable.ua', size, 8_192))), options);
});

describe('only the hash functions, 64 MiB', () => {
  const options = { iterations: 5, time: 0, warmupIterations: 1, warmupTime: 0 };
  for (const algorithm of ['sha-1', 'sha-256'] as const) {
    bench(
      algorithm,
      () => {
        const hasher = platform.hasher(algorithm);
        for (let at = 0; at < data.length; at += 65_536) hasher.update(data.subarray(at, at + 65_536));
        hasher.digest();
      },
      options,
    );
  }
});
