/**
 * Builds dist: compiles each module of core, sdk and plugins separately, so that dist has the structure of the sources.
 * Each class then exists once for all entry points (`sip-push`, `sip-push/sdk`, the command line), `#platform` and
 * `sip-push/sdk` remain imports that the user's export conditions resolve, and stack traces name the modules.
 */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const DIST = join(ROOT, 'dist');
const WORK = join(ROOT, 'node_modules/.cache/sip-push');
// Not in dist, which is published.
const STAMP = join(WORK, 'dist.sha256');
const SOURCE_FOLDERS = ['core', 'sdk', 'plugins'];
const INPUTS = [
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  '.ci/tsconfig.build.json',
  '.ci/build.mjs',
];

if (process.argv[1] === fileURLToPath(import.meta.url)) await build();

/** Builds dist unless it is up to date. */
export async function buildIfStale() {
  const built = existsSync(DIST) && existsSync(STAMP) && readFileSync(STAMP, 'utf8');
  if (built !== digest()) await build();
}

export async function build() {
  const inputs = digest();
  const sources = SOURCE_FOLDERS.flatMap(modules);
  process.stderr.write(`build: ${sources.length} modules\n`);
  const fresh = join(WORK, `dist-${process.pid}`);
  try {
    mkdirSync(fresh, { recursive: true });
    await transpile(sources, fresh);
    declare(fresh);
    await writeManifestSchema(fresh);
    checkManifest(fresh);
    replaceDist(fresh);
    if (inputs !== digest()) return;
    updateManifest();
    writeFileSync(STAMP, digest());
  } catch (error) {
    process.stderr.write(`build: ${error instanceof Error ? error.message : error}\n`);
    process.exitCode = 1;
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

async function transpile(sources, fresh) {
  const esbuild = await import('esbuild');
  const { outputFiles } = await esbuild.build({
    absWorkingDir: ROOT,
    entryPoints: sources,
    outbase: ROOT,
    outdir: DIST,
    // Written to a temporary folder, which replaces dist when complete. Source maps are relative to dist.
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    sourcemap: true,
    tsconfig: join(ROOT, 'tsconfig.json'),
    logLevel: 'warning',
  });
  for (const { path, contents } of outputFiles) {
    const target = join(fresh, relative(DIST, path));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, contents);
  }
}

function declare(fresh) {
  const { status } = spawnSync(
    process.execPath,
    [
      join(ROOT, 'node_modules/typescript/bin/tsc'),
      '--project',
      '.ci/tsconfig.build.json',
      '--outDir',
      fresh,
    ],
    { cwd: ROOT, stdio: ['ignore', 2, 2] },
  );
  if (status !== 0) throw new Error('the declarations have type errors (above)');
}

/** Writes `sip-push/manifest.schema.json`, for editors and other tools that validate manifests. */
async function writeManifestSchema(fresh) {
  const esbuild = await import('esbuild');
  const { outputFiles } = await esbuild.build({
    absWorkingDir: ROOT,
    entryPoints: ['sdk/manifest/schema.ts'],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    logLevel: 'warning',
  });
  const [{ contents }] = outputFiles;
  const module = `data:text/javascript;base64,${Buffer.from(contents).toString('base64')}`;
  const { manifestJsonSchema } = await import(module);
  const file = join(fresh, 'sdk/manifest/manifest.schema.json');
  writeFileSync(file, `${JSON.stringify(manifestJsonSchema(), null, 2)}\n`);
}

/** Checks that all files named in package.json exist, and makes programs executable. */
function checkManifest(fresh) {
  const { exports, imports, bin } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const inFresh = (target) => join(fresh, relative(DIST, resolve(ROOT, target)));
  // Conditions may be nested.
  const targetsOf = (entry) =>
    typeof entry === 'string' ? [entry] : Object.values(entry).flatMap(targetsOf);
  const targets = targetsOf([exports, imports]).filter((target) => target.startsWith('./dist/'));
  for (const target of [...targets, ...Object.values(bin)]) {
    if (!existsSync(inFresh(target)))
      throw new Error(`package.json names ${target}, which has no source: fix "exports", "imports" or "bin"`);
  }
  for (const target of Object.values(bin)) {
    if (!readFileSync(inFresh(target), 'utf8').startsWith('#!'))
      throw new Error(`${target} has no #! line: add #!/usr/bin/env node`);
    chmodSync(inFresh(target), 0o755);
  }
}

/** Writes "sipPush" of package.json, the manifest of the bundled applications. */
function updateManifest() {
  const command = [join(DIST, 'sdk/cli/main.js'), 'build', ROOT];
  const { status } = spawnSync(process.execPath, command, { cwd: ROOT, stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error('the manifest of the bundled applications is invalid (above)');
}

/** Two builds may finish at the same time (npm start and npm test): the last one wins. */
function replaceDist(fresh) {
  for (let attempt = 0; ; attempt++) {
    const old = `${fresh}-old-${attempt}`;
    try {
      if (existsSync(DIST)) renameSync(DIST, old);
      renameSync(fresh, DIST);
      return;
    } catch (error) {
      if (attempt === 5) throw error;
    } finally {
      rmSync(old, { recursive: true, force: true });
    }
  }
}

/** Paths of the modules in a folder, relative to the root. */
function modules(folder) {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /(?<!\.d)\.ts$/.test(entry.name))
    .map((entry) => relative(ROOT, join(entry.parentPath ?? entry.path, entry.name)))
    .sort();
}

function digest() {
  const hash = createHash('sha256');
  for (const path of [...INPUTS, ...SOURCE_FOLDERS.flatMap(modules)]) {
    hash
      .update(`${path}\0`)
      .update(readFileSync(join(ROOT, path)))
      .update('\0');
  }
  return hash.digest('hex');
}
