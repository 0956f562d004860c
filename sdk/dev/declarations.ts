/** Checks the types of an application, and writes the declarations that importing packages read. */

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { CompileError } from './build-application.js';

/**
 * Checks the types of `src` with the application's `tsconfig.json`, if it has one.
 * @param emit whether to write a `.d.ts` file to `dist` for each module.
 * @param from files from which TypeScript is resolved: first in the application's package, then in this one, of which
 * it is an optional peer dependency.
 * @returns false if there is no TypeScript.
 * @throws CompileError with the errors of the compiler. Nothing is written then.
 */
export async function checkTypes(
  folder: string,
  emit: boolean,
  from: readonly string[] = [join(folder, 'package.json'), fileURLToPath(import.meta.url)],
): Promise<boolean> {
  const compiler = compilerOf(from);
  if (compiler === undefined) return false;
  const cache = join(folder, 'node_modules/.cache');
  await mkdir(cache, { recursive: true });
  const temporary = await mkdtemp(join(cache, 'sip-push-types-'));
  try {
    const config = join(temporary, 'tsconfig.json');
    await writeFile(config, JSON.stringify(configOf(folder, emit)));
    await run(compiler, ['--project', config, '--pretty', 'false'], folder);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return true;
}

/** The application's own configuration often has `noEmit`, and can include tests outside `src`. */
function configOf(folder: string, emit: boolean): object {
  const own = join(folder, 'tsconfig.json');
  return {
    extends: existsSync(own) ? own : undefined,
    compilerOptions: {
      noEmit: !emit,
      noEmitOnError: true,
      declaration: true,
      emitDeclarationOnly: emit,
      composite: false,
      incremental: false,
      rootDir: join(folder, 'src'),
      outDir: join(folder, 'dist'),
    },
    include: [join(folder, 'src')],
  };
}

/** @throws CompileError */
async function run(compiler: string, words: readonly string[], folder: string): Promise<void> {
  const running = spawn(process.execPath, [compiler, ...words], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    running.on('error', reject).on('close', resolve);
  });
  const [problems, code] = await Promise.all([text(running.stdout), ended]);
  if (code !== 0) throw new CompileError(problems.trim().split('\n'));
}

function compilerOf(from: readonly string[]): string | undefined {
  for (const file of from) {
    try {
      const manifest = createRequire(file).resolve('typescript/package.json');
      return join(dirname(manifest), 'bin/tsc');
    } catch {
      // TypeScript is not installed for this package.
    }
  }
  return undefined;
}
