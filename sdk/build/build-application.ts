/** Compiles a push application of TypeScript: each module of `src` by itself, into `dist`. */

import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type BuildFailure, build, type Message } from 'esbuild';
import { ConfigurationError } from '../../core/errors.js';

const SOURCE = /(?<!\.d)\.(ts|mts|js|mjs)$/;

/** What does not compile, each problem with the place where it is. */
export class CompileError extends ConfigurationError {
  override name = 'CompileError';
  /** `src/index.ts:12:8: Expected ";" but found "}"` */
  readonly problems: readonly string[];

  constructor(problems: readonly string[], options?: ErrorOptions) {
    super(problems.join('\n'), options);
    this.problems = problems;
  }
}

/**
 * Types are taken away, not checked: that is an editor's work, or `tsc --noEmit`. Source maps lie beside.
 * @param folder of the application, with `src` in it.
 * @returns how many modules were written.
 * @throws CompileError, or ConfigurationError where there is nothing to compile.
 */
export async function buildApplication(folder: string): Promise<number> {
  const source = join(folder, 'src');
  const entryPoints = await modulesOf(source);
  try {
    await build({
      absWorkingDir: folder,
      entryPoints,
      outbase: source,
      outdir: join(folder, 'dist'),
      format: 'esm',
      platform: 'node',
      target: 'node20',
      sourcemap: true,
      logLevel: 'silent',
    });
  } catch (error) {
    const { errors = [] } = error as Partial<BuildFailure>;
    if (errors.length === 0) throw error;
    throw new CompileError(errors.map(problemOf), { cause: error });
  }
  return entryPoints.length;
}

/** Whether there is something to compile: an application in JavaScript runs as it is. */
export async function isCompiled(folder: string): Promise<boolean> {
  const source = await stat(join(folder, 'src')).catch(() => undefined);
  if (!source?.isDirectory()) return false;
  return (await modulesOf(join(folder, 'src'))).some((name) => /ts$/.test(name));
}

async function modulesOf(source: string): Promise<string[]> {
  const entries = await readdir(source, { recursive: true, withFileTypes: true }).catch((error) => {
    throw new ConfigurationError(`no ${source}: expected the folder of the application's modules`, {
      cause: error,
    });
  });
  const modules = entries
    .filter((entry) => entry.isFile() && SOURCE.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  if (modules.length === 0) throw new ConfigurationError(`${source} has no modules (.ts, .js)`);
  return modules;
}

/** With the place where it is. */
export function problemOf({ text, location }: Message): string {
  if (!location) return text;
  return `${location.file}:${location.line}:${location.column + 1}: ${text}`;
}
