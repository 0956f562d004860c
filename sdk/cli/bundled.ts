/** The push applications that come with this package, as its export map names them. */

import { readFileSync } from 'node:fs';

/** event-app-ids, sorted. */
export function bundledApplications(): string[] {
  const manifest: { exports: Record<string, unknown> } = JSON.parse(
    readFileSync(new URL(import.meta.resolve('sip-push/package.json')), 'utf8'),
  );
  return Object.keys(manifest.exports)
    .flatMap((name) => /^\.\/apps\/(.+)$/.exec(name)?.[1] ?? [])
    .sort();
}
