/** Compiles a push application in TypeScript: each module of `src` to a module in `dist`. */

import { existsSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type BuildFailure, type BuildOptions, build, type Message, type Metafile } from 'esbuild';
import { ConfigurationError } from '../../core/errors.js';

const SOURCE = /(?<!\.d)\.m?[tj]s$/;
/** Extensions of sources, and of the compiled modules that other modules import. */
const EXTENSIONS: readonly [source: RegExp, compiled: string][] = [
  [/\.[tj]s$/, '.js'],
  [/\.m[tj]s$/, '.mjs'],
];
const TYPESCRIPT = /\.m?ts$/;
/** Written by builds. */
const COMPILED = /\.(m?js(\.map)?|d\.m?ts)$/;
const DECLARATION = /\.d\.m?ts$/;

/** Compilation failed; each problem names its location. */
export class CompileError extends ConfigurationError {
  static {
    CompileError.prototype.name = 'CompileError';
  }

  /** `src/index.ts:12:8: Expected ";" but found "}"` */
  readonly problems: readonly string[];

  constructor(problems: readonly string[], options?: ErrorOptions) {
    super(problems.join('\n'), options);
    this.problems = problems;
  }
}

/**
 * Removes types without checking them. Writes source maps, and deletes modules and declarations in `dist` whose source
 * no longer exists.
 * @param folder folder of the application, which contains `src`.
 * @returns the number of modules written.
 * @throws CompileError, or ConfigurationError if there is nothing to compile.
 */
export async function buildApplication(folder: string): Promise<number> {
  const source = join(folder, 'src');
  const modules = await modulesOf(source);
  const written = new Set<string>();
  for (const [extension, compiled] of EXTENSIONS) {
    const entryPoints = modules.filter((name) => extension.test(name));
    await compile({
      absWorkingDir: folder,
      entryPoints: entryPoints.map((name) => join(source, name)),
      outbase: source,
      outdir: join(folder, 'dist'),
      outExtension: { '.js': compiled },
      sourcemap: true,
    });
    for (const name of entryPoints) {
      const path = name.replace(extension, compiled);
      written
        .add(path)
        .add(`${path}.map`)
        .add(path.replace(/\.(m?)js$/, '.d.$1ts'));
    }
  }
  await removeStale(join(folder, 'dist'), written);
  return modules.length;
}

/** Whether `src` has modules in TypeScript. */
export async function isTypeScript(folder: string): Promise<boolean> {
  const paths = await readdir(join(folder, 'src'), { recursive: true }).catch(() => []);
  return paths.some((path) => SOURCE.test(path) && TYPESCRIPT.test(path));
}

/** Compiles for Node.js 20, to ES modules by default. @returns the metafile, if `options` ask for it. @throws CompileError */
export async function compile(options: BuildOptions): Promise<Metafile | undefined> {
  try {
    const made = await build({
      format: 'esm',
      platform: 'node',
      target: 'node20',
      logLevel: 'silent',
      ...options,
    });
    return made.metafile;
  } catch (error) {
    const { errors = [] } = error as Partial<BuildFailure>;
    if (errors.length === 0) throw error;
    throw new CompileError(errors.map(problemOf), { cause: error });
  }
}

/** Paths of the modules in `source`, following links. */
async function modulesOf(source: string): Promise<string[]> {
  const paths = await readdir(source, { recursive: true }).catch((error) => {
    throw new ConfigurationError(`no folder ${source}: expected the application's modules there`, {
      cause: error,
    });
  });
  const modules: string[] = [];
  for (const path of paths.sort()) {
    if (SOURCE.test(path) && (await stat(join(source, path))).isFile()) modules.push(path);
  }
  if (modules.length === 0)
    throw new ConfigurationError(`${source} contains no modules: expected .ts or .js files`);
  return modules;
}

/** Deletes compiled modules without a source, which would otherwise still be published and tested. */
async function removeStale(dist: string, written: ReadonlySet<string>): Promise<void> {
  for (const path of await readdir(dist, { recursive: true })) {
    if (!COMPILED.test(path) || written.has(path)) continue;
    // A copy of a declaration that the author wrote.
    if (DECLARATION.test(path) && existsSync(join(dist, '../src', path))) continue;
    await rm(join(dist, path), { force: true });
  }
}

function problemOf({ text, location }: Message): string {
  if (!location) return text;
  return `${location.file}:${location.line}:${location.column + 1}: ${text}`;
}
