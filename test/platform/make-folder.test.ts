/** A folder is created with its parents, or the error has the reason. */

import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { platform } from '#platform';
import { makeFolder } from '../../core/platform/node/file.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sip-push-folders-'));
});
afterEach(() => rm(folder, { recursive: true }));

it('a folder is created with its parents, and may exist', async () => {
  const path = join(folder, 'a/b/c');
  await Promise.all([makeFolder(path, 0o700), makeFolder(path, 0o700)]);
  await makeFolder(path, 0o700);
  expect(await readdir(join(folder, 'a/b'))).toEqual(['c']);
});

it('a folder is not created in place of a file, or below one', async () => {
  const path = join(folder, 'file');
  await writeFile(path, '');
  await expect(makeFolder(path, 0o700)).rejects.toThrow('EEXIST');
  await expect(makeFolder(join(path, 'a'), 0o700)).rejects.toThrow('ENOTDIR');
});

it('a folder is not created if the system refuses: the error has the reason, and there are no endless retries', async () => {
  await expect(makeFolder('/proc/sip-push', 0o700)).rejects.toThrow('ENOENT');
  await expect(platform.openStore('/proc/sip-push')).rejects.toThrow(
    /the store in \/proc\/sip-push does not open/,
  );
  await expect(platform.openFolder('/proc/sip-push/a')).rejects.toThrow('ENOENT');
  await expect(platform.openSpool('/proc/sip-push/a')).rejects.toThrow('ENOENT');
});
