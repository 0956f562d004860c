/** A store on disk that has lost records reports it, and how to continue. */

import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { platform } from '#platform';
import { PushRuntime } from '../../core/app/index.js';
import type { LogRecord } from '../../core/log.js';

let folder: string;
const path = (name: string) => join(folder, name);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'damaged-store-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Runs a host that writes some records. @returns the damage that it noticed. */
async function run({ killed = false } = {}): Promise<string | undefined> {
  let reported: string | undefined;
  const logs: LogRecord[] = [];
  const store = await platform.openStore(folder, (problem) => {
    reported = problem;
  });
  const runtime = await PushRuntime.open({
    store,
    run: path('run'),
    damage: reported,
    log: (record) => logs.push(record),
  });
  for (let index = 0; index < 100; index++) {
    await store.put(`test/${index}`, 'x'.repeat(1_000));
  }
  if (!killed) await runtime.stop();
  await store.close();
  expect(logs).toEqual([]);
  return runtime.damage;
}

async function logFile(): Promise<string> {
  const name = (await readdir(folder)).find((file) => file.endsWith('.log'));
  if (name === undefined) throw new Error('the store has no log');
  return path(name);
}

describe('damage', () => {
  it('is not reported after a stop, or after a kill', async () => {
    expect(await run()).toBeUndefined();
    expect(await run({ killed: true })).toBeUndefined();
    expect(await run({ killed: true })).toBeUndefined();
    expect(await run()).toBeUndefined();
  });

  it('is not reported when the host was killed before it named its run', async () => {
    await run();
    const before = await readFile(path('run/run'));
    await run({ killed: true });
    await writeFile(path('run/run'), before);
    expect(await run({ killed: true })).toBeUndefined();
    await writeFile(path('run/run'), before);
    expect(await run()).toBeUndefined();
  });

  it.each([
    ['a log that was cut', async (log: string) => truncate(log, (await stat(log)).size - 10)],
    ['a log that was cut in the middle', async (log: string) => truncate(log, (await stat(log)).size >> 1)],
    ['a log that was removed', (log: string) => rm(log)],
  ])('is noticed: %s', async (_, damage) => {
    await run();
    await damage(await logFile());
    expect(await run()).toMatch(/the store has lost/);
  });

  it('is noticed: a block of the log that was overwritten, even after a kill', async () => {
    await run({ killed: true });
    const log = await logFile();
    const bytes = await readFile(log);
    await writeFile(log, bytes.fill(7, 40_000, 40_100));
    expect(await run()).toMatch(/the store dropped \d+ bytes of its log/);
  });

  it('is noticed: a folder whose store was removed', async () => {
    await run();
    for (const name of await readdir(folder)) if (name !== 'run') await rm(path(name));
    expect(await run()).toMatch(/lost all records/);
  });

  it('is reported at each start until its file is deleted', async () => {
    await run();
    await rm(await logFile());
    const damage = await run();
    expect(await run()).toBe(damage);
    await rm(path('run/damage'));
    expect(await run()).toBeUndefined();
  });

  it('that prevents the store from opening is an error that names the folder and what to do', async () => {
    await run();
    const manifest = (await readdir(folder)).find((name) => name.startsWith('MANIFEST')) ?? '';
    await rm(path(manifest));
    await expect(platform.openStore(folder)).rejects.toThrow(
      new RegExp(`the store in ${folder} is damaged: .*MANIFEST.* Restore the folder from a backup`),
    );
  });
});
