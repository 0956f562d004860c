/** Bundles the runtime and the applications of a configuration into one ES module with accompanying files. */

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type BuildFailure, type BuildOptions, build, type Metafile } from 'esbuild';
import { type Manifest, readManifest } from '../../core/app/contract/manifest.js';
import type { PushAppDefinition } from '../../core/app/contract/push-app.js';
import { requireAgreement } from '../../core/app/contract/static-manifest.js';
import type { WorkerIsolation } from '../../core/app/isolation/isolated.js';
import { ConfigurationError } from '../../core/errors.js';
import { type HostSettings, loadHostSettings, loadPlainHostSettings } from '../config/host.js';
import { findApplication } from '../manifest/applications.js';
import { PACKAGE_FOLDER as ROOT } from '../manifest/this-package.js';
import { billOfMaterials } from './bill-of-materials.js';
import type { BundleContents } from './contents.js';
import { CONTENTS, entryModule, type Features, omittedFeatures, type UiccKeys } from './entry.js';
import { licenseNotices } from './licenses.js';
import { FROM_SOURCES, modules } from './modules.js';
import { NATIVE_FILE, nativeFile, nativePackage } from './native.js';
import { type PackageInfo, Packages } from './package-of.js';
import { startOnce } from './start-once.js';

export interface BundleOptions {
  /** Configuration file of a host. */
  config: string;
  /** Path of the bundle, for names and relative paths. `bundle` writes no files. */
  outfile: string;
  platform: 'node' | 'browser';
  /** Platform of the native file, such as `linux-x64`. */
  target: string;
  /** Called with each key of the configuration that has no effect. */
  warn(line: string): void;
}

export interface Bundle {
  /** Files by name, the bundle itself first. */
  files: ReadonlyMap<string, Uint8Array>;
  contents: BundleContents;
  /** Bytes of the bundle. */
  size: { minified: number; gzipped: number };
  /** Bytes by package, and by folder for this package; largest first. */
  shares: readonly (readonly [name: string, bytes: number])[];
}

/** Keys of the configuration file before conversion. The file has been validated. */
interface RawConfig {
  apps: (string | { use: string; isolation?: 'none' | 'worker' | { type: 'worker' } })[];
  data?: string;
  store?: 'level' | 'memory';
  aka?: UiccKeys;
}

interface SourceMap {
  sources: string[];
}

const DEFAULT_DATA = './data';
const ENTRY = 'entry.js';
const TARGETS: Readonly<Record<BundleOptions['platform'], string>> = { node: 'node20', browser: 'es2022' };
/** Optional dependencies of other packages. They are never bundled, so that the bundle does not depend on the machine. */
const OPTIONAL = ['bufferutil', 'utf-8-validate', 'supports-color'];
/** Defines `require` and `__dirname` in the ES module for bundled CommonJS packages. */
const COMMON_JS = [
  'import{createRequire as sipPushRequire}from"node:module";',
  'import{fileURLToPath as sipPushPath}from"node:url";',
  'const require=sipPushRequire(import.meta.url);',
  'const sipPushFolder=sipPushPath(new URL(".",import.meta.url));',
].join('');
/** classic-level loads its native file with node-gyp-build, which uses `require.addon` if it exists. */
const ADDON = `require.addon=()=>require("./${NATIVE_FILE}");`;

/** @throws ConfigurationError or AppError naming the invalid key, application or module. */
export async function bundle(options: BundleOptions): Promise<Bundle> {
  const { config, outfile, platform, target, warn } = options;
  const folder = dirname(resolve(config));
  // Isolation in a worker is not available in a browser.
  const omitted = new Set<number>();
  const onOmitted = (message: string, index: number) => {
    warn(message);
    omitted.add(index);
  };
  const settings =
    platform === 'node'
      ? await loadHostSettings(config, onOmitted)
      : await loadPlainHostSettings(config, warn, onOmitted);
  const written: RawConfig = JSON.parse(await readFile(config, 'utf8'));
  const raw = { ...written, apps: written.apps.filter((_, index) => !omitted.has(index)) };
  const definitions = await definitionsOf(settings, usesOf(raw), folder);
  const manifests = manifestsOf(settings, definitions);
  await startOnce(
    definitions.map((definition, index) => {
      const { options, permissions, optional } = settings.apps[index] ?? {};
      return { definition, options, permissions, optional };
    }),
    warn,
  );
  const features = featuresOf(settings, raw, platform);
  const native = platform === 'node' && features.durableStore;
  const built = await esbuild({
    stdin: {
      contents: entryModule({
        platform,
        settings,
        features,
        data: features.durableStore ? (raw.data ?? DEFAULT_DATA) : undefined,
        aka: raw.aka,
        isolation: features.isolation ? raw.apps.map(isolationOf) : [],
      }),
      resolveDir: ROOT,
      sourcefile: ENTRY,
    },
    outfile: resolve(outfile),
    platform,
    target: TARGETS[platform],
    ...(platform === 'node' && {
      banner: { js: COMMON_JS + (native ? ADDON : '') },
      define: { __dirname: 'sipPushFolder' },
    }),
    plugins: [modules({ applications: usesOf(raw), folder })],
  });

  const packages = new Packages();
  const inside = includedPackages(built.sizes, packages);
  const contents: BundleContents = {
    platform,
    target: native ? target : undefined,
    applications: manifests.map(({ eventAppId, accepts, iari }) => ({
      id: eventAppId,
      accepts,
      iari,
    })),
    packages: inside.map(([{ name, version, license }, size]) => ({ name, version, license, size })),
    without: omittedFeatures(features),
  };
  const name = basename(outfile);
  const code = encode(
    `${built.code.trimEnd().replace(CONTENTS, () => JSON.stringify(contents))}\n//# sourceMappingURL=${name}.map\n`,
  );
  const beside: [string, Uint8Array][] = native ? [[NATIVE_FILE, nativeFile(target, ROOT)]] : [];
  // Includes the packages of the files beside the bundle.
  const distributed = [
    ...inside.map(([info]) => info).filter((info) => !native || info.name !== 'classic-level'),
    ...(native ? [nativePackage(ROOT, packages)] : []),
  ].sort((one, other) => compare(one.name, other.name));
  const bill = billOfMaterials(
    { name, sha256: sha256(code) },
    beside.map(([file, bytes]) => ({ name: file, sha256: sha256(bytes) })),
    contents,
    distributed,
  );
  return {
    files: new Map([
      [name, code],
      [`${name}.map`, encode(JSON.stringify(portable(built.map, dirname(resolve(outfile)), packages)))],
      [`${name}.LICENSES.txt`, encode(licenseNotices(distributed))],
      [`${name}.cdx.json`, encode(bill)],
      ...beside,
    ]),
    contents,
    size: { minified: code.length, gzipped: gzipSync(code, { level: 9 }).length },
    shares: sharesOf(built.sizes, packages),
  };
}

function featuresOf(settings: HostSettings, raw: RawConfig, platform: BundleOptions['platform']): Features {
  const uris = [...settings.servers, ...(settings.listen ? [settings.listen] : [])];
  return {
    webSocket:
      platform === 'browser' ||
      uris.some((uri) => /;transport=wss?\b/i.test(uri)) ||
      /;ws\b/i.test(settings.relay?.uri ?? ''),
    durableStore: raw.store !== 'memory',
    memoryStore: raw.store === 'memory',
    senders: (settings.senders ?? []).length > 0,
    relay: settings.relay !== undefined,
    aka: raw.aka !== undefined,
    isolation: platform === 'node' && raw.apps.some((app) => isolationOf(app) !== undefined),
  };
}

/** Limits of the worker of an application; undefined if it is not isolated. */
function isolationOf(app: RawConfig['apps'][number]): WorkerIsolation | undefined {
  const { isolation = 'none' } = typeof app === 'string' ? {} : app;
  if (isolation === 'none') return undefined;
  const { type: _, ...bounds } = isolation === 'worker' ? { type: isolation } : isolation;
  return bounds;
}

function usesOf({ apps }: RawConfig): string[] {
  return apps.map((app) => (typeof app === 'string' ? app : app.use));
}

/** Loads the applications that the settings name by their modules, too. */
async function definitionsOf(
  { apps }: HostSettings,
  uses: readonly string[],
  folder: string,
): Promise<PushAppDefinition[]> {
  return await Promise.all(
    apps.map((app, index) =>
      'definition' in app ? app.definition : findApplication(uses[index] ?? '', folder),
    ),
  );
}

/** @throws ConfigurationError naming the application whose definition is invalid, or differs from its package.json. */
function manifestsOf({ apps }: HostSettings, definitions: readonly PushAppDefinition[]): Manifest[] {
  return definitions.map((definition, index) => {
    const manifest = readManifest(definition);
    const declared = apps[index]?.manifest;
    if (declared) requireAgreement(declared, manifest);
    return manifest;
  });
}

interface Built {
  code: string;
  map: SourceMap;
  /** Bytes in the bundle by path of the module. */
  sizes: ReadonlyMap<string, number>;
}

async function esbuild(options: BuildOptions): Promise<Built> {
  try {
    const { outputFiles = [], metafile } = await build({
      ...options,
      absWorkingDir: ROOT,
      bundle: true,
      minify: true,
      format: 'esm',
      tsconfigRaw: { compilerOptions: { experimentalDecorators: true, useDefineForClassFields: false } },
      // A program that runs from the sources of this package bundles the sources.
      conditions: FROM_SOURCES ? ['sip-push-source'] : [],
      external: OPTIONAL,
      // The licenses are in a separate file.
      legalComments: 'none',
      sourcemap: 'external',
      metafile: true,
      write: false,
      logLevel: 'silent',
    });
    const [code = '', map = '{}'] = ['js', 'map'].map((kind) =>
      new TextDecoder().decode(
        outputFiles.find(({ path }) => path.endsWith('.map') === (kind === 'map'))?.contents,
      ),
    );
    return { code, map: JSON.parse(map), sizes: sizesOf(metafile) };
  } catch (error) {
    const { errors = [] } = error as Partial<BuildFailure>;
    if (errors.length === 0) throw error;
    const lines = errors.map(({ text, location }) =>
      location ? `${location.file}:${location.line}:${location.column}: ${text}` : text,
    );
    throw new ConfigurationError(`cannot build the bundle: ${lines.join('\n')}`, { cause: error });
  }
}

function sizesOf(metafile: Metafile | undefined): Map<string, number> {
  const outputs = Object.values(metafile?.outputs ?? {});
  const { inputs = {} } = outputs.find(({ entryPoint }) => entryPoint !== undefined) ?? {};
  return new Map(
    Object.entries(inputs).flatMap(([path, { bytesInOutput }]) =>
      bytesInOutput > 0 && path !== ENTRY ? [[resolve(ROOT, path), bytesInOutput]] : [],
    ),
  );
}

/** Packages in the bundle with their sizes, sorted by name. */
function includedPackages(sizes: Built['sizes'], packages: Packages): [info: PackageInfo, bytes: number][] {
  const totals = new Map<PackageInfo, number>();
  for (const [path, bytes] of sizes) {
    const info = packages.of(path);
    totals.set(info, (totals.get(info) ?? 0) + bytes);
  }
  return [...totals].sort(
    ([one], [other]) => compare(one.name, other.name) || compare(one.version, other.version),
  );
}

function sharesOf(sizes: Built['sizes'], packages: Packages): [name: string, bytes: number][] {
  const totals = new Map<string, number>();
  for (const [path, bytes] of sizes) {
    const name = shareName(path, packages.of(path));
    totals.set(name, (totals.get(name) ?? 0) + bytes);
  }
  return [...totals].sort(([, one], [, other]) => other - one);
}

/** The package, or the folder for this package, such as `sip-push/core/sip`. */
function shareName(path: string, { name, version, folder }: PackageInfo): string {
  if (name !== 'sip-push') return `${name}@${version}`;
  const [first = '', second = ''] = withSlashes(path.slice(folder.length + 1))
    .replace(/^dist\//, '')
    .split('/');
  return ['sip-push', first, ...(first === 'sdk' ? [] : [second])].join('/');
}

/** Names sources by package and path, so that the map does not depend on the machine. */
function portable(map: SourceMap, folder: string, packages: Packages): SourceMap {
  return {
    ...map,
    sources: map.sources.map((source) => {
      // Sources are references of URLs.
      const path = resolve(folder, decodeURIComponent(source));
      if (path === resolve(ROOT, ENTRY)) return `bundle/${ENTRY}`;
      const { name, version, folder: home } = packages.of(path);
      return `${name}@${version}${withSlashes(path.slice(home.length))}`;
    }),
  };
}

function withSlashes(path: string): string {
  return path.replaceAll('\\', '/');
}

function compare(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
