/** Checks the types of an application with TypeScript, if its package has it. */

import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { CompileError } from './build-application.js';

/**
 * Runs the compiler that the package of the application finds, with its `tsconfig.json`.
 * @returns false if there is no TypeScript.
 * @throws CompileError with the errors of the compiler.
 */
export async function checkTypes(folder: string): Promise<boolean> {
  const compiler = compilerOf(folder);
  if (compiler === undefined) return false;
  const words = [compiler, '--project', folder, '--noEmit', '--pretty', 'false'];
  const running = spawn(process.execPath, words, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<number | null>((resolve, reject) => {
    running.on('error', reject).on('close', resolve);
  });
  const [problems, code] = await Promise.all([text(running.stdout), ended]);
  if (code !== 0) throw new CompileError(problems.trim().split('\n'));
  return true;
}

function compilerOf(folder: string): string | undefined {
  try {
    const manifest = createRequire(join(folder, 'package.json')).resolve('typescript/package.json');
    return join(dirname(manifest), 'bin/tsc');
  } catch {
    return undefined;
  }
}
