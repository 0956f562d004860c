/** The `files` service: large content of an application, on disk. */

import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { platform } from '#platform';
import { PushRuntime, type RuntimeLimits } from '../../../core/app/runtime.js';
import { streamOf } from '../../../core/content/content.js';
import { AppError, LimitError } from '../../../core/errors.js';
import type { LevelStore } from '../../../core/platform/level.js';
import { type AppFiles, definePushApp } from '../../../sdk/index.js';

let folder: string;
let store: LevelStore;
let runtimes: PushRuntime[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sip-push-files-'));
  store = await platform.openStore();
  runtimes = [];
});
afterEach(async () => {
  for (const runtime of runtimes) await runtime.stop();
  await rm(folder, { recursive: true, force: true });
});

async function open(limits: Partial<RuntimeLimits> = {}, files: string | undefined = folder) {
  const runtime = await PushRuntime.open({ store, limits, files });
  runtimes.push(runtime);
  return runtime;
}

async function filesOf(runtime: PushRuntime, id = 'test.ua'): Promise<AppFiles> {
  const folders: AppFiles[] = [];
  await runtime.load(
    definePushApp({
      id,
      accepts: ['text/plain'],
      needs: ['files'],
      start({ files }) {
        folders.push(files);
        return { receive() {} };
      },
    }),
  );
  const [files] = folders;
  if (!files) throw new Error('not started');
  return files;
}

function stream(...chunks: string[]): ReadableStream<Uint8Array> {
  return streamOf(
    (async function* () {
      for (const chunk of chunks) yield Buffer.from(chunk);
    })(),
  );
}

const text = (content: ReadableStream<Uint8Array>) => new Response(content).text();

describe('files', () => {
  it('stores a stream, which survives a restart', async () => {
    const first = await open();
    const written = await (await filesOf(first)).write(stream('01234', '56789'));
    expect(written).toMatchObject({ size: 10, sha256: platform.hash('sha-256', '0123456789') });
    await first.stop();
    const files = await filesOf(await open());
    const { sha256: _, ...file } = written;
    expect(await files.list()).toEqual([file]);
    expect(await text(await files.open(file.name))).toBe('0123456789');
    expect(await text(await files.open(file.name, { start: 8 }))).toBe('89');
    expect(file.path.startsWith(folder)).toBe(true);
    expect(await text((await platform.openFile(file.path)).open())).toBe('0123456789');
    await files.remove(file.name);
    expect(await files.list()).toEqual([]);
    await expect(files.open(file.name)).rejects.toThrow(/does not exist/);
  });

  it('are separate for each application', async () => {
    const runtime = await open();
    const { name } = await (await filesOf(runtime, 'one.ua')).write(stream('mine'));
    const other = await filesOf(runtime, 'other.ua');
    expect(await other.list()).toEqual([]);
    await expect(other.open(name)).rejects.toThrow(/does not exist/);
    await expect(other.open(`../1/${name}`)).rejects.toThrow(/invalid file name/);
  });

  it('removes what a failed stream has written', async () => {
    const files = await filesOf(await open());
    const failing = streamOf(
      (async function* () {
        yield Buffer.from('half');
        throw new Error('cut');
      })(),
    );
    await expect(files.write(failing)).rejects.toThrow('cut');
    expect(await files.list()).toEqual([]);
    const [namespace = ''] = await readdir(folder);
    expect(await readdir(join(folder, namespace))).toEqual([]);
  });

  it('has a limit of bytes for all files, including concurrent writes; a removal frees them', async () => {
    const files = await filesOf(await open({ filesBytes: 10 }));
    const results = await Promise.allSettled([files.write(stream('012345')), files.write(stream('012345'))]);
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    await expect(files.write(stream('01234'))).rejects.toThrow(LimitError);
    for (const { name } of await files.list()) await files.remove(name);
    expect(await files.write(stream('0123456789'))).toMatchObject({ size: 10 });
  });

  it('counts the existing files after a restart', async () => {
    const first = await open({ filesBytes: 10 });
    await (await filesOf(first)).write(stream('0123456'));
    await first.stop();
    const files = await filesOf(await open({ filesBytes: 10 }));
    await expect(files.write(stream('0123'))).rejects.toThrow(/exceed the limit of 10 bytes/);
  });

  it('has a limit of files, and cancels a stream that it rejects', async () => {
    const files = await filesOf(await open({ filesCount: 1 }));
    await files.write(stream('one'));
    let cancelled: unknown;
    const second = new ReadableStream<Uint8Array>({
      cancel(reason) {
        cancelled = reason;
      },
    });
    await expect(files.write(second)).rejects.toThrow(/has 1 files, its limit/);
    expect(cancelled).toBeInstanceOf(LimitError);
  });

  it('are closed for a stopped application', async () => {
    const runtime = await open();
    const files = await filesOf(runtime);
    await runtime.unload('test.ua');
    await expect(files.write(stream('late'))).rejects.toThrow(AppError);
    await expect(files.list()).rejects.toThrow(/cannot use files/);
  });

  it('are removed with a runtime that has no folder', async () => {
    const runtime = await PushRuntime.open({ store });
    const { path } = await (await filesOf(runtime)).write(stream('gone'));
    expect(await text((await platform.openFile(path)).open())).toBe('gone');
    await runtime.stop();
    await expect(platform.openFile(path)).rejects.toThrow(/does not exist/);
  });
});
