/** The examples in the module comments of the package's entries, which the API reference shows. */

import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { codeBlocks } from '../support/pages/code-blocks.js';
import { runProcess } from '../support/programs/process.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

interface Entry {
  readonly 'sip-push-source'?: string;
}

it('every entry has examples that compile with strict settings', { timeout: 120_000 }, async () => {
  const { exports } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  const folder = await mkdtemp(join(tmpdir(), 'sip-push-examples-'));
  try {
    await mkdir(join(folder, 'node_modules'));
    await symlink(ROOT, join(folder, 'node_modules/sip-push'));
    for (const name of ['@types', 'zod']) {
      await symlink(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name));
    }
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
    const programs: string[] = [];
    for (const [name, entry] of Object.entries<Entry>(exports)) {
      const source = entry['sip-push-source'];
      // A bundled application has a README.
      if (source === undefined || name.startsWith('./apps/')) continue;
      const examples = await examplesOf(join(ROOT, source));
      expect(examples.length, name).toBeGreaterThan(0);
      for (const text of examples) {
        const program = `example-${programs.length}.ts`;
        await writeFile(join(folder, program), text);
        programs.push(program);
      }
    }
    const { code, stdout } = await runProcess(
      process.execPath,
      [
        join(ROOT, 'node_modules/typescript/bin/tsc'),
        ...['--strict', '--noEmit', '--skipLibCheck', '--module', 'nodenext', '--target', 'es2022'],
        ...['--types', 'node', '--lib', 'es2023,esnext.disposable,dom,dom.asynciterable', ...programs],
      ],
      { cwd: folder, withinMs: 100_000 },
    );
    expect(stdout).toBe('');
    expect(code).toBe(0);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

/** The programs in the module comment. */
async function examplesOf(source: string): Promise<string[]> {
  const [comment = ''] = /\/\*\*[\s\S]*?\*\//.exec(await readFile(source, 'utf8')) ?? [];
  return codeBlocks(comment.replaceAll(/^ \* ?/gm, ''))
    .filter(({ language }) => language === 'ts')
    .map(({ text }) => text);
}
