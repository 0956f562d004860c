/** The package as users install it: packed, installed in another folder, imported and run. */

import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runProcess } from '../support/programs/process.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

interface Manifest {
  name: string;
  version: string;
  exports: Record<string, string | { types: string; default: string }>;
}

describe('the built package', () => {
  let user: string;
  let installed: string;
  let manifest: Manifest;

  beforeAll(async () => {
    manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
    user = await mkdtemp(join(tmpdir(), 'sip-push-package-'));
    installed = join(user, 'node_modules', manifest.name);
    await mkdir(installed, { recursive: true });
    // The files that npm packs: package.json and the files that it names.
    await cp(join(ROOT, 'package.json'), join(installed, 'package.json'));
    await cp(join(ROOT, 'dist'), join(installed, 'dist'), { recursive: true });
    // Its dependencies, where npm installs them.
    for (const name of await readdir(join(ROOT, 'node_modules'))) {
      if (!name.startsWith('.'))
        await symlink(join(ROOT, 'node_modules', name), join(user, 'node_modules', name));
    }
  });
  afterAll(() => rm(user, { recursive: true, force: true }));

  /** Runs a program as a user writes it. */
  const run = async (source: string) => {
    await writeFile(join(user, 'program.mjs'), source);
    const { code, stdout, stderr } = await runProcess(process.execPath, ['program.mjs'], { cwd: user });
    expect(stderr).toBe('');
    expect(code).toBe(0);
    return stdout;
  };
  const command = (...args: string[]) =>
    runProcess(process.execPath, [join(installed, 'dist/sdk/cli/main.js'), ...args], { cwd: user });

  it('can be imported by each entry', async () => {
    const names = Object.keys(manifest.exports).filter((name) => !name.endsWith('.json'));
    const specifiers = names.map((name) => name.replace('.', manifest.name));
    const stdout = await run(
      `for (const name of ${JSON.stringify(specifiers)}) {
        const found = await import(name);
        if (Object.keys(found).length === 0) throw new Error(name + ' exports nothing');
      }
      console.log('imported');`,
    );
    expect(stdout).toBe('imported');
  });

  it('has one copy of each class for all entries', async () => {
    const stdout = await run(
      `const [core, sdk] = await Promise.all([import('sip-push'), import('sip-push/sdk')]);
      const shared = Object.keys(sdk).filter((name) => name in core && typeof sdk[name] === 'function');
      console.log(JSON.stringify(shared.map((name) => [name, core[name] === sdk[name]])));`,
    );
    const shared: [string, boolean][] = JSON.parse(stdout);
    expect(shared.filter(([, same]) => !same)).toEqual([]);
  });

  it('installs the command sip-push', async () => {
    expect(await command('--version')).toMatchObject({ code: 0, stdout: manifest.version });
    expect(await command('--help')).toMatchObject({ code: 0, stderr: '' });
    expect(await command('nonesuch')).toMatchObject({ code: 2, stdout: '' });
  });
});
