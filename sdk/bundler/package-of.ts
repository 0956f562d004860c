/** Which package a file belongs to, and what that says of itself. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ConfigurationError } from '../../core/errors.js';

export interface PackageInfo {
  name: string;
  version: string;
  license: string;
  folder: string;
  /** Text of its licence and notices; empty where it brings none. */
  notices: string;
  /** Where it is from, an URL; absent where it does not say. */
  repository?: string;
}

/** Names under which licences and notices are brought along. */
const NOTICES = /^(licen[cs]e|copying|notice)([.-].*)?$/i;

/** Finds packages; asked about every module, it reads each package once. */
export class Packages {
  readonly #byFolder = new Map<string, PackageInfo | undefined>();

  /** @throws ConfigurationError where the file is in no package. */
  of(file: string): PackageInfo {
    for (let folder = dirname(file); ; folder = dirname(folder)) {
      const found = this.#read(folder);
      if (found) return found;
      if (folder === dirname(folder))
        throw new ConfigurationError(`${file} is in no package: no package.json above it`);
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
  // `{ "type": "commonjs" }` in a folder of a package is no package.
  if (typeof name !== 'string') return undefined;
  const from = typeof repository === 'string' ? repository : Object(repository).url;
  return {
    name,
    version: typeof version === 'string' ? version : '0.0.0',
    license: typeof license === 'string' ? license : 'not stated',
    folder,
    notices: noticesIn(folder),
    ...(typeof from === 'string' ? { repository: from } : {}),
  };
}

/** The licences and notices that lie in a folder, one behind the other. */
export function noticesIn(folder: string): string {
  return readdirSync(folder)
    .filter((name) => NOTICES.test(name))
    .sort()
    .map((name) => readFileSync(join(folder, name), 'utf8').replace(/\r\n?/g, '\n').trim())
    .join('\n\n');
}
