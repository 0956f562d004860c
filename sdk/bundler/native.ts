/** The native file that the durable store needs: which there are, and which is this machine's. */

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { ConfigurationError } from '../../core/errors.js';
import { noticesIn, type PackageInfo, type Packages } from './package-of.js';

/** Beside the bundle, under this name on every platform: the bundle is the same for each. */
export const NATIVE_FILE = 'classic-level.node';

/** `linux-x64`, `linux-x64-musl`, `darwin-arm64`. */
export function thisTarget(): string {
  const glibc = Object(process.report?.getReport()).header?.glibcVersionRuntime !== undefined;
  const musl = process.platform === 'linux' && !glibc;
  return `${process.platform}-${process.arch}${musl ? '-musl' : ''}`;
}

/** The prebuilt file of classic-level for `target`. @throws ConfigurationError naming those that there are. */
export function nativeFile(target: string, folder: string): Uint8Array {
  const prebuilds = join(homeIn(folder), 'prebuilds');
  const known = existsSync(prebuilds) ? targetsIn(prebuilds) : new Map<string, string>();
  const path = known.get(target);
  if (path === undefined) {
    throw new ConfigurationError(
      `classic-level has no prebuilt file for "${target}"; it has ${[...known.keys()].sort().join(', ')}; "store": "memory" needs none`,
    );
  }
  return readFileSync(path);
}

/** What the native file is made of: classic-level, with LevelDB and Snappy in it, and the notices of all three. */
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

/** node-gyp-build's names: `darwin-x64+arm64/classic-level.node`, `linux-x64/classic-level.musl.node`. */
function targetsIn(prebuilds: string): Map<string, string> {
  const targets = new Map<string, string>();
  for (const folder of readdirSync(prebuilds)) {
    const [system = '', architectures = ''] = folder.split('-');
    for (const file of readdirSync(join(prebuilds, folder))) {
      // `armv6`, `armv7`, `armv8`, `musl`; glibc is the rule.
      const [, tag] = /\.([a-z]+\d*)\.node$/.exec(file) ?? [];
      const variant = tag === undefined || tag === 'glibc' || tag === 'armv8' ? '' : `-${tag}`;
      for (const architecture of architectures.split('+')) {
        targets.set(`${system}-${architecture}${variant}`, join(prebuilds, folder, file));
      }
    }
  }
  return targets;
}
