import { readFileSync } from 'node:fs';

const manifest: { version: string } = JSON.parse(
  readFileSync(new URL(import.meta.resolve('sip-push/package.json')), 'utf8'),
);

export const VERSION = manifest.version;
/** Product token of User-Agent and Server (RFC 3261 20.41). */
export const PRODUCT = `sip-push/${VERSION}`;
