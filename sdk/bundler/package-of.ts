/** Finds the package of a file, with its license and notices. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ConfigurationError } from '../../core/errors.js';

export interface PackageInfo {
  name: string;
  version: string;
  license: string;
  folder: string;
  /** Text of its license and notices; empty if it has none. */
  notices: string;
  /** URL of its repository, if declared. */
  repository?: string;
}

/** Names of files with licenses and notices. */
const NOTICES = /^(licen[cs]e|copying|notice)([.-].*)?$/i;

/** Finds packages, reading each only once. */
export class Packages {
  readonly #byFolder = new Map<string, PackageInfo | undefined>();

  /**
   * The package that the file belongs to: by the nearest package.json with a name, or else by the nearest one.
   * @throws ConfigurationError if the file does not belong to a package.
   */
  of(file: string): PackageInfo {
    let unnamed: PackageInfo | undefined;
    for (let folder = dirname(file); ; folder = dirname(folder)) {
      const found = this.#read(folder);
      if (found?.name) return found;
      unnamed ??= found;
      if (folder !== dirname(folder)) continue;
      if (unnamed) return { ...unnamed, name: basename(unnamed.folder) };
      throw new ConfigurationError(
        `${file} does not belong to a package: expected a package.json in a parent folder`,
      );
    }
  }

  #read(folder: string): PackageInfo | undefined {
    if (!this.#byFolder.has(folder)) this.#byFolder.set(folder, readPackage(folder));
    return this.#byFolder.get(folder);
  }
}

function readPackage(folder: string): PackageInfo | undefined {
  const path = join(folder, 'package.json');
  if (!existsSync(path)) return undefined;
  const { name, version, license, repository }: Record<string, unknown> = JSON.parse(
    readFileSync(path, 'utf8'),
  );
  const from = typeof repository === 'string' ? repository : Object(repository).url;
  return {
    // A package.json without a name, such as `{ "type": "commonjs" }`, usually lies in an outer package.
    name: typeof name === 'string' ? name : '',
    version: typeof version === 'string' ? version : '0.0.0',
    license: typeof license === 'string' ? license : 'not stated',
    folder,
    notices: noticesIn(folder),
    repository: typeof from === 'string' ? from : undefined,
  };
}

/** The concatenated licenses and notices in a folder. */
export function noticesIn(folder: string): string {
  return readdirSync(folder)
    .filter((name) => NOTICES.test(name))
    .sort()
    .map((name) => readFileSync(join(folder, name), 'utf8').replace(/\r\n?/g, '\n').trim())
    .join('\n\n');
}
