/** Compiles a push application of TypeScript: each module of `src` by itself, into `dist`. */

import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type BuildFailure, type BuildOptions, build, type Message } from 'esbuild';
import { ConfigurationError } from '../../core/errors.js';

const SOURCE = /(?<!\.d)\.m?[tj]s$/;
/** As Node.js reads them, and as other modules import what becomes of them. */
const EXTENSIONS: readonly [source: RegExp, compiled: string][] = [
  [/\.[tj]s$/, '.js'],
  [/\.m[tj]s$/, '.mjs'],
];
const COMPILED = /\.m?js(\.map)?$/;

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
 * Types are taken away, not checked: that is an editor's work, or `tsc --noEmit`. Source maps lie beside. Modules in
 * `dist` that come of no source any more go.
 * @param folder of the application, with `src` in it.
 * @returns how many modules were written.
 * @throws CompileError, or ConfigurationError where there is nothing to compile.
 */
export async function buildApplication(folder: string): Promise<number> {
  const source = join(folder, 'src');
  const modules = await modulesOf(source);
  const written = new Set<string>();
  for (const [extension, compiled] of EXTENSIONS) {
    const entryPoints = modules.filter((name) => extension.test(name));
    await compile({
      ...{ absWorkingDir: folder, entryPoints: entryPoints.map((name) => join(source, name)) },
      ...{
        outbase: source,
        outdir: join(folder, 'dist'),
        outExtension: { '.js': compiled },
        sourcemap: true,
      },
    });
    for (const name of entryPoints) {
      const path = name.replace(extension, compiled);
      written.add(path).add(`${path}.map`);
    }
  }
  await removeStale(join(folder, 'dist'), written);
  return modules.length;
}

/** For Node.js 20, as ES modules. @throws CompileError */
export async function compile(options: BuildOptions): Promise<void> {
  try {
    await build({ format: 'esm', platform: 'node', target: 'node20', logLevel: 'silent', ...options });
  } catch (error) {
    const { errors = [] } = error as Partial<BuildFailure>;
    if (errors.length === 0) throw error;
    throw new CompileError(errors.map(problemOf), { cause: error });
  }
}

/** Paths in `source`; what a link leads to counts. */
async function modulesOf(source: string): Promise<string[]> {
  const paths = await readdir(source, { recursive: true }).catch((error) => {
    throw new ConfigurationError(`no ${source}: expected the folder of the application's modules`, {
      cause: error,
    });
  });
  const modules: string[] = [];
  for (const path of paths.sort()) {
    if (SOURCE.test(path) && (await stat(join(source, path))).isFile()) modules.push(path);
  }
  if (modules.length === 0) throw new ConfigurationError(`${source} has no modules (.ts, .js)`);
  return modules;
}

/** A module that is gone from `src` would be published, and its tests run, for ever. */
async function removeStale(dist: string, written: ReadonlySet<string>): Promise<void> {
  for (const path of await readdir(dist, { recursive: true })) {
    if (COMPILED.test(path) && !written.has(path)) await rm(join(dist, path), { force: true });
  }
}

/** With the place where it is. */
function problemOf({ text, location }: Message): string {
  if (!location) return text;
  return `${location.file}:${location.line}:${location.column + 1}: ${text}`;
}
