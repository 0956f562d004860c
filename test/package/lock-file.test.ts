/** package-lock.json works on all platforms: `npm install` does not change it, and `npm ci` accepts it. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

interface Entry {
  optionalDependencies?: Readonly<Record<string, string>>;
  libc?: readonly string[];
}

const LOCK = fileURLToPath(new URL('../../package-lock.json', import.meta.url));
const { packages }: { packages: Readonly<Record<string, Entry>> } = JSON.parse(readFileSync(LOCK, 'utf8'));

/** Folders in which Node.js searches the dependencies of the package at `path`, outermost first. */
function places(path: string, name: string): string[] {
  const parts = `/${path}`.replace(/\/$/, '').split('/node_modules/');
  return parts.map((_, index) =>
    `${parts.slice(0, index + 1).join('/node_modules/')}/node_modules/${name}`.slice(1),
  );
}

it('the lock file lists the optional packages of every platform', () => {
  const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies)
      .filter((name) => !places(path, name).some((candidate) => candidate in packages))
      .map((name) => `${name} of ${path}`),
  );
  expect(missing).toEqual([]);
});

it('the lock file has no field that npm 10 removes and npm 11 keeps', () => {
  expect(Object.entries(packages).filter(([, { libc }]) => libc !== undefined)).toEqual([]);
});
