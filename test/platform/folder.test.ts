/** Files that outlive the process. */

import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { platform } from '#platform';

let path: string;
beforeEach(async () => {
  path = join(await mkdtemp(join(tmpdir(), 'sip-push-folder-')), 'data', 'files');
});
afterEach(() => rm(dirname(dirname(path)), { recursive: true, force: true }));

async function kept(name: string, text: string): Promise<void> {
  const folder = await platform.openFolder(path);
  const file = await folder.create(name);
  await file.append(Buffer.from(text));
  await file.keep();
}

describe('a folder', () => {
  it('has files of an earlier process, which can be read whole and in part', async () => {
    await kept('first', '0123456789');
    await kept('empty', '');
    const folder = await platform.openFolder(path);
    expect((await folder.list()).sort((one, other) => one.size - other.size)).toEqual([
      { name: 'empty', size: 0 },
      { name: 'first', size: 10 },
    ]);
    const file = await folder.open('first');
    expect(await new Response(file.open()).text()).toBe('0123456789');
    expect(await new Response(file.open({ start: 2, end: 4 })).text()).toBe('234');
    expect(folder.path('first')).toBe(join(path, 'first'));
    await folder.remove('first');
    await folder.remove('first');
    expect(await readdir(path)).toEqual(['empty']);
    await expect(folder.open('first')).rejects.toThrow(/does not exist/);
  });

  it('shows only complete files, and removes unfinished ones at the start', async () => {
    const folder = await platform.openFolder(path);
    const file = await folder.create('half');
    await file.append(Buffer.from('half'));
    expect(await folder.list()).toEqual([]);
    expect(await readdir(path)).toEqual(['half.part']);
    await platform.openFolder(path);
    expect(await readdir(path)).toEqual([]);
    await file.discard();
  });

  it('removes discarded files, whether kept or not', async () => {
    const folder = await platform.openFolder(path);
    const files = await Promise.all([folder.create('one'), folder.create('two')]);
    await files[0]?.keep();
    for (const file of files) await file.discard();
    expect(await readdir(path)).toEqual([]);
  });

  it('rejects names that it does not assign', async () => {
    const folder = await platform.openFolder(path);
    for (const name of ['../outside', 'a/b', '', 'x.part']) {
      await expect(folder.create(name)).rejects.toThrow(/invalid file name/);
      await expect(folder.remove(name)).rejects.toThrow(/invalid file name/);
    }
  });

  it('has files that are written in any order, and read at the same time', async () => {
    const folder = await platform.openFolder(path);
    const file = await folder.edit('grows');
    expect(file.size).toBe(0);
    await file.write([Buffer.from('56'), new Uint8Array(), Buffer.from('789')], 5);
    await file.write([Buffer.from('01234')], 0);
    expect(Buffer.from(await file.read(3, 4)).toString()).toBe('3456');
    expect(Buffer.from(await file.read(8, 100)).toString()).toBe('89');
    expect(await file.read(10, 5)).toHaveLength(0);
    expect(await folder.list()).toEqual([{ name: 'grows', size: 10 }]);
    await file.truncate(4);
    await file.sync();
    await file.close();
    const reopened = await (await platform.openFolder(path)).edit('grows');
    expect(reopened.size).toBe(4);
    expect(Buffer.from(await reopened.read(0, 10)).toString()).toBe('0123');
    await reopened.close();
    await expect(reopened.read(0, 1)).rejects.toThrow(/^files cannot be stored: /);
    await expect(folder.edit('../outside')).rejects.toThrow(/invalid file name/);
  });

  it('is temporary without a path', async () => {
    const folder = await platform.openFolder();
    const path = folder.path('name');
    await (await folder.create('name')).keep();
    await folder.close();
    await expect(platform.openFile(path)).rejects.toThrow(/does not exist/);
  });

  it('reports a disk that is not writable', async () => {
    await writeFile(dirname(dirname(path)).concat('/data'), 'a file stands in the way');
    await expect(platform.openFolder(path)).rejects.toThrow(/^files cannot be stored: /);
  });
});
