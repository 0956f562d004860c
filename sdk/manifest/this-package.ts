/** The version of this package, and the push applications in its export map. */

import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const FILE = fileURLToPath(import.meta.resolve('sip-push/package.json'));

const manifest: { version: string; exports: Record<string, unknown> } = JSON.parse(
  readFileSync(FILE, 'utf8'),
);

export const PACKAGE_FOLDER = dirname(FILE);

export const VERSION = manifest.version;
/** Product token of User-Agent and Server (RFC 3261 20.41). */
export const PRODUCT = `sip-push/${VERSION}`;

/** event-app-ids of the bundled push applications, sorted. */
export const BUNDLED_APPLICATIONS: readonly string[] = Object.keys(manifest.exports)
  .flatMap((name) => /^\.\/apps\/(.+)$/.exec(name)?.[1] ?? [])
  .sort();
