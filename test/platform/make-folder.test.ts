/** A folder is created with its parents, or the error has the reason. */

import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
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

it('is refused when it exists and cannot be written: the error names it and what to do', async () => {
  const path = join(folder, 'read-only');
  await mkdir(path, { mode: 0o555 });
  await chmod(folder, 0o755);
  const program = join(folder, 'file.mjs');
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const source = "export { makeFolder } from './core/platform/node/file.ts';";
  const output = { bundle: true, outfile: program, platform: 'node', format: 'esm' } as const;
  await build({ stdin: { contents: source, resolveDir: root }, ...output, conditions: ['sip-push-source'] });
  const script = `import { makeFolder } from ${JSON.stringify(program)};
    await makeFolder(${JSON.stringify(path)}, 0o700).catch((error) => console.log(error.message));`;
  // Permissions do not bind root.
  const unprivileged = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  const options = { ...unprivileged, cwd: folder };
  const run = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], options);
  expect(run.stdout).toBe(
    `the folder ${path} cannot be written: permission denied. Let the user of this process write there, or use another folder ("data" in a configuration)\n`,
  );
});
