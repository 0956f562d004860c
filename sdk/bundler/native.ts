/** The prebuilt native files of the durable store. */

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { ConfigurationError } from '../../core/errors.js';
import { noticesIn, type PackageInfo, type Packages } from './package-of.js';

/** The same name on every platform, so that the bundle is the same for each. */
export const NATIVE_FILE = 'classic-level.node';

/** The platform of this machine, such as `linux-x64`, `linux-x64-musl` or `darwin-arm64`. */
export function thisTarget(): string {
  const glibc = Object(process.report?.getReport()).header?.glibcVersionRuntime !== undefined;
  const musl = process.platform === 'linux' && !glibc;
  return `${process.platform}-${process.arch}${musl ? '-musl' : ''}`;
}

/** The prebuilt file of classic-level for `target`. @throws ConfigurationError listing the available targets. */
export function nativeFile(target: string, folder: string): Uint8Array {
  const prebuilds = join(homeIn(folder), 'prebuilds');
  const known = existsSync(prebuilds) ? targetsIn(prebuilds) : new Map<string, string>();
  const path = known.get(target);
  if (path === undefined) {
    throw new ConfigurationError(
      `classic-level has no prebuilt file for "${target}": expected one of ${[...known.keys()].sort().join(', ')}, or "store": "memory" in the configuration`,
    );
  }
  return readFileSync(path);
}

/** The package of the native file: classic-level, with the notices of LevelDB and Snappy, which it contains. */
export function nativePackage(folder: string, packages: Packages): PackageInfo {
  const home = homeIn(folder);
  const parts = ['leveldb', 'snappy'].flatMap((part) => {
    const sources = join(home, 'deps', part);
    return existsSync(sources) ? readdirSync(sources).map((name) => join(sources, name)) : [];
  });
  const notices = [home, ...parts.filter((path) => statSync(path).isDirectory())].map(noticesIn);
  const found = packages.of(join(home, 'package.json'));
  return { ...found, notices: notices.filter((text) => text !== '').join('\n\n') };
}

function homeIn(folder: string): string {
  return dirname(createRequire(join(folder, 'package.json')).resolve('classic-level/package.json'));
}

/** Paths by target. node-gyp-build names the files `darwin-x64+arm64/classic-level.node`, `linux-x64/classic-level.musl.node`. */
function targetsIn(prebuilds: string): Map<string, string> {
  const targets = new Map<string, string>();
  for (const folder of readdirSync(prebuilds)) {
    const [system = '', architectures = ''] = folder.split('-');
    for (const file of readdirSync(join(prebuilds, folder))) {
      // Tags are `armv6`, `armv7`, `armv8`, `musl` and `glibc`; no tag means glibc.
      const [, tag] = /\.([a-z]+\d*)\.node$/.exec(file) ?? [];
      const variant = tag === undefined || tag === 'glibc' || tag === 'armv8' ? '' : `-${tag}`;
      for (const architecture of architectures.split('+')) {
        targets.set(`${system}-${architecture}${variant}`, join(prebuilds, folder, file));
      }
    }
  }
  return targets;
}
