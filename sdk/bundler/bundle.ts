/** One ES module of the runtime and the applications of a configuration, and what goes with it. */

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type BuildFailure, type BuildOptions, build } from 'esbuild';
import { type Manifest, readManifest } from '../../core/app/contract/manifest.js';
import type { WorkerIsolation } from '../../core/app/isolation/isolated.js';
import { given } from '../../core/defined.js';
import { ConfigurationError } from '../../core/errors.js';
import { transportOf } from '../../core/sip/transport/transport-uri.js';
import { type HostSettings, loadHostSettings, loadPlainHostSettings } from '../config/host.js';
import { findApplication } from '../manifest/applications.js';
import { BUNDLED_APPLICATIONS } from '../manifest/this-package.js';
import { billOfMaterials } from './bill-of-materials.js';
import type { BundleContents, BundledPackage } from './contents.js';
import { CONTENTS, entryModule } from './entry.js';
import { licenceNotices } from './licences.js';
import { type Minified, minified } from './minify.js';
import { FROM_SOURCES, modules, ROOT } from './modules.js';
import { NATIVE_FILE, nativeFile, nativePackage } from './native.js';
import { type PackageInfo, Packages } from './package-of.js';
import { type Share, sharesOf } from './sizes.js';
import type { SourceMap } from './source-map.js';
import { type Features, unusedOf } from './unused.js';

export interface BundleOptions {
  /** A host's configuration. */
  config: string;
  /** Where the bundle shall lie; nothing is written. */
  outfile: string;
  platform: 'node' | 'browser';
  /** Whose native file: `linux-x64`. */
  target: string;
  /** Told of keys of the configuration that have no effect. */
  warn(line: string): void;
}

export interface Bundle {
  /** By name, the bundle itself first. */
  files: ReadonlyMap<string, Uint8Array>;
  contents: BundleContents;
  /** Bytes of the bundle. */
  size: Share;
  /** By package, rooms of our own apart; the largest first. */
  shares: readonly (readonly [group: string, share: Share])[];
}

/** What the configuration has in its own words, where those are needed. It was validated before. */
interface RawConfig {
  apps: (string | { use: string; isolation?: 'none' | 'worker' | { type: 'worker' } })[];
  data?: string;
  store?: 'level' | 'memory';
  aka?: unknown;
}

const DEFAULT_DATA = './data';
const TARGETS: Readonly<Record<BundleOptions['platform'], string>> = { node: 'node20', browser: 'es2022' };
/** CommonJS packages ask for modules of Node.js by `require`, which a module has to make. */
const REQUIRE =
  'import{createRequire as sipPushRequire}from"node:module";const require=sipPushRequire(import.meta.url);';

/** @throws ConfigurationError naming the key, the application or the module that is wrong. */
export async function bundle(options: BundleOptions): Promise<Bundle> {
  const { config, outfile, platform, target, warn } = options;
  const folder = dirname(resolve(config));
  // A browser has no workers that one application could be shut into.
  const settings =
    platform === 'node' ? await loadHostSettings(config) : await loadPlainHostSettings(config, warn);
  const raw: RawConfig = JSON.parse(await readFile(config, 'utf8'));
  const manifests = await manifestsOf(settings, usesOf(raw), folder);
  const features = featuresOf(settings, manifests, raw, platform);
  const built = await esbuild({
    stdin: {
      contents: entryModule({
        platform,
        settings,
        ...(features.store === 'level' ? { data: raw.data ?? DEFAULT_DATA } : {}),
        aka: raw.aka,
        isolation: platform === 'node' ? raw.apps.map(isolationOf) : [],
      }),
      resolveDir: ROOT,
      sourcefile: 'entry.js',
    },
    outfile: resolve(outfile),
    platform,
    target: TARGETS[platform],
    ...(platform === 'node' ? { banner: { js: REQUIRE } } : {}),
    plugins: [
      modules({
        applications: usesOf(raw),
        folder,
        features,
      }),
    ],
  });

  const packages = new Packages();
  const inside = packagesInside(built.inputs, packages);
  const map = portable(built.map, dirname(resolve(outfile)), packages);
  const contents: BundleContents = {
    platform,
    ...(features.store === 'level' && platform === 'node' ? { target } : {}),
    applications: manifests.map(({ eventAppId, accepts, iari }) => ({
      id: eventAppId,
      accepts,
      ...given({ iari }),
    })),
    packages: sized(inside, sharesOf(built.code, map, packageIn)),
    without: unusedOf(features).map(({ feature }) => feature),
  };
  const name = basename(outfile);
  const code = encode(
    `${built.code.trimEnd().replace(CONTENTS, () => JSON.stringify(contents))}\n//# sourceMappingURL=${name}.map\n`,
  );
  const native: [string, Uint8Array][] =
    contents.target === undefined ? [] : [[NATIVE_FILE, nativeFile(contents.target, ROOT)]];
  // What lies beside is handed on as well.
  const handedOn = [
    ...inside.filter(({ name }) => native.length === 0 || name !== 'classic-level'),
    ...(native.length === 0 ? [] : [nativePackage(ROOT, packages)]),
  ].sort((one, other) => (one.name < other.name ? -1 : 1));
  const bill = billOfMaterials(
    { name, sha256: sha256(code) },
    native.map(([file, bytes]) => ({ name: file, sha256: sha256(bytes) })),
    contents,
    handedOn,
  );
  return {
    files: new Map([
      [name, code],
      [`${name}.map`, encode(JSON.stringify(map))],
      [`${name}.LICENSES.txt`, encode(licenceNotices(handedOn))],
      [`${name}.cdx.json`, encode(bill)],
      ...native,
    ]),
    contents,
    size: { minified: code.length, gzipped: gzipSync(code, { level: 9 }).length },
    shares: sharesOf(built.code, map, roomIn),
  };
}

function featuresOf(
  settings: HostSettings,
  manifests: readonly Manifest[],
  raw: RawConfig,
  platform: BundleOptions['platform'],
): Features {
  const uris = [...settings.servers, ...(settings.listen ? [settings.listen] : [])];
  return {
    platform,
    store: raw.store ?? 'level',
    udp: uris.some((uri) => transportOf(uri) === 'UDP'),
    provides: manifests.some(({ provides }) => provides.length > 0),
    schemas: manifests.some(({ options }) => options !== undefined),
    quotas: settings.apps.some((app) => 'permissions' in app),
    webSocket:
      platform === 'browser' ||
      uris.some((uri) => /;transport=wss?\b/i.test(uri)) ||
      /;ws\b/i.test(settings.relay?.uri ?? ''),
    aka: raw.aka !== undefined,
    relay: settings.relay !== undefined,
    senders: (settings.senders ?? []).length > 0,
    profile: settings.profile !== undefined,
    listen: settings.listen !== undefined,
    schedule: manifests.some(({ needs }) => needs.includes('schedule')),
    workers: platform === 'node' && raw.apps.some((app) => isolationOf(app) !== undefined),
    foreign: usesOf(raw).some((use) => !BUNDLED_APPLICATIONS.includes(use)),
  };
}

/** Bounds of an application that is to run in a worker. */
function isolationOf(app: RawConfig['apps'][number]): WorkerIsolation | undefined {
  const { isolation = 'none' } = typeof app === 'string' ? {} : app;
  if (isolation === 'none') return undefined;
  const { type: _, ...bounds } = isolation === 'worker' ? { type: isolation } : isolation;
  return bounds;
}

function usesOf({ apps }: RawConfig): string[] {
  return apps.map((app) => (typeof app === 'string' ? app : app.use));
}

/** @throws ConfigurationError naming the application whose definition breaks the contract. */
async function manifestsOf(
  { apps }: HostSettings,
  uses: readonly string[],
  folder: string,
): Promise<Manifest[]> {
  const manifests = apps.map((app, index) =>
    'definition' in app ? app.definition : findApplication(uses[index] ?? '', folder),
  );
  return (await Promise.all(manifests)).map(readManifest);
}

interface Built extends Minified {
  /** Paths of modules of which something is inside. */
  inputs: readonly string[];
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
      // The smaller of what packages come as, where tree shaking works.
      mainFields: [...(options.platform === 'browser' ? ['browser'] : []), 'es2015', 'module', 'main'],
      conditions: [...(FROM_SOURCES ? ['sip-push-source'] : []), 'module'],
      // They go into a file of their own, whole.
      legalComments: 'none',
      sourcemap: 'external',
      metafile: true,
      write: false,
      logLevel: 'silent',
    });
    const [text = '', map = '{}'] = ['js', 'map'].map((kind) =>
      new TextDecoder().decode(
        outputFiles.find(({ path }) => path.endsWith('.map') === (kind === 'map'))?.contents,
      ),
    );
    const [output] = Object.values(metafile?.outputs ?? {}).filter(
      ({ entryPoint }) => entryPoint !== undefined,
    );
    const inputs = Object.entries(output?.inputs ?? {}).flatMap(([path, { bytesInOutput }]) =>
      bytesInOutput > 0 && path !== 'entry.js' ? [resolve(ROOT, path)] : [],
    );
    return { ...(await minified(text, JSON.parse(map))), inputs };
  } catch (error) {
    const { errors = [] } = error as Partial<BuildFailure>;
    if (errors.length === 0) throw error;
    const lines = errors.map(({ text, location }) =>
      location ? `${location.file}:${location.line}:${location.column}: ${text}` : text,
    );
    throw new ConfigurationError(`the bundle cannot be made: ${lines.join('\n')}`, { cause: error });
  }
}

/** In the order of their names. */
function packagesInside(inputs: readonly string[], packages: Packages): PackageInfo[] {
  return [...new Set(inputs.map((path) => packages.of(path)))].sort(
    (one, other) => compare(one.name, other.name) || compare(one.version, other.version),
  );
}

/** Sources are called by package and path in it: where they lay when the bundle was made is nobody's business. */
function portable(map: SourceMap, folder: string, packages: Packages): SourceMap {
  return {
    ...map,
    sources: map.sources.map((source) => {
      if (source.endsWith('entry.js') && !source.includes('/node_modules/')) return 'bundle/entry.js';
      const path = resolve(folder, source);
      const { name, version, folder: home } = packages.of(path);
      return `${name}@${version}${path.slice(home.length).replaceAll('\\', '/')}`;
    }),
  };
}

function sized(inside: readonly PackageInfo[], shares: readonly [string, Share][]): BundledPackage[] {
  const sizes = new Map(shares);
  return inside.map(({ name, version, license }) => ({
    name,
    version,
    license,
    ...(sizes.get(`${name}@${version}`) ?? { minified: 0, gzipped: 0 }),
  }));
}

/** `jssip@3.13.8` of `jssip@3.13.8/lib/UA.js`, `@nodable/entities@1.0.0` likewise. */
function packageIn(source: string): string {
  return /^(@[^/]+\/)?[^/]+/.exec(source)?.[0] ?? source;
}

/** Ours by room, `sip-push/core/sip`. */
function roomIn(source: string): string {
  const name = packageIn(source);
  if (!name.startsWith('sip-push@')) return name;
  const [room = '', ...rest] = source
    .slice(name.length + 1)
    .replace(/^dist\//, '')
    .split('/');
  return ['sip-push', room, ...(room === 'sdk' ? [] : rest.slice(0, 1))].join('/');
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
