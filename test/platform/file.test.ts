/** Files as streams, and the spool. */

import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { platform } from '#platform';
import { ConfigurationError } from '../../core/errors.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sip-push-file-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const text = (stream: ReadableStream<Uint8Array>) => new Response(stream).text();

describe('a file', () => {
  it('can be read several times, whole and in part', async () => {
    const path = join(folder, 'content');
    await writeFile(path, '0123456789');
    const file = await platform.openFile(path);
    expect(file.size).toBe(10);
    expect(await text(file.open())).toBe('0123456789');
    expect(await text(file.open({ start: 3 }))).toBe('3456789');
    expect(await text(file.open({ start: 3, end: 4 }))).toBe('34');
    const reader = file.open().getReader();
    await reader.read();
    await reader.cancel();
  });

  it('that does not exist, or is a folder, is rejected', async () => {
    await expect(platform.openFile(join(folder, 'none'))).rejects.toThrow(ConfigurationError);
    await expect(platform.openFile(join(folder, 'none'))).rejects.toThrow(/does not exist/);
    await expect(platform.openFile(folder)).rejects.toThrow(/expected a regular file/);
  });
});

describe('the spool', () => {
  it('stores content, and reads it during and after writing', async () => {
    const spool = await platform.openSpool(join(folder, 'spool'));
    const file = spool.create();
    expect(await text(file.open())).toBe('');
    await file.append(Buffer.from('01234'));
    await file.append(Buffer.from('56789'));
    expect(file.size).toBe(10);
    expect(await text(file.open())).toBe('0123456789');
    expect(await text(file.open({ start: 8, end: 99 }))).toBe('89');
    expect(await text(file.open({ start: 10 }))).toBe('');
    await file.clear();
    await file.append(Buffer.from('new content'));
    expect(await text(file.open())).toBe('new content');
    await file.remove();
    expect(await readdir(join(folder, 'spool'))).toEqual([]);
    await spool.close();
  });

  it('removes the files of an earlier process at the start, and all files at the end', async () => {
    const path = join(folder, 'data', 'spool');
    const first = await platform.openSpool(path);
    await (await first.create()).append(Buffer.from('left'));
    const second = await platform.openSpool(path);
    expect(await readdir(path)).toEqual([]);
    await second.create();
    await second.close();
    expect(await readdir(join(folder, 'data'))).toEqual([]);
    await first.close();
  });

  it('uses a temporary folder by default, and reports a disk that is not writable', async () => {
    const spool = await platform.openSpool();
    const file = spool.create();
    await file.append(Buffer.from('content'));
    await file.remove();
    await spool.close();
    await expect(spool.create().append(new Uint8Array(1))).rejects.toThrow(/the spool cannot be written/);
  });
});

it('hashes pieces to the digest of the whole', () => {
  const hasher = platform.hasher('sha-1');
  hasher.update(Buffer.from('a'));
  hasher.update(Buffer.from('bc'));
  expect(hasher.digest()).toBe(platform.hash('sha-1', 'abc'));
});
