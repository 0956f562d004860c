/** The fixtures of the other suites, as seeds. */

import { readdirSync, readFileSync } from 'node:fs';

const KINDS = ['valid', 'broken'];
const CONTENT_KINDS = ['valid', 'lenient', 'broken'];

/** @param folder below `test`, with folders of these kinds. */
function files(folder: string, matches: (file: string) => boolean, kinds = KINDS): Uint8Array[] {
  return kinds.flatMap((kind) => {
    const path = new URL(`../${folder}/${kind}/`, import.meta.url);
    return readdirSync(path)
      .filter(matches)
      .map((file) => readFileSync(new URL(file, path)))
      .map((bytes) => new Uint8Array(bytes));
  });
}

export function sipFixtures(): Uint8Array[] {
  return files('sip/fixtures/rfc4475', (file) => file.endsWith('.dat'));
}

export function sdpFixtures(): Uint8Array[] {
  return files('sdp/fixtures', (file) => file.endsWith('.sdp'));
}

export function msrpFixtures(): Uint8Array[] {
  return files('msrp/fixtures', (file) => file.endsWith('.msrp'));
}

/** Fixtures of `test/content` whose names start with the prefix; hexadecimal files are decoded. */
export function contentFixtures(prefix: string): Uint8Array[] {
  const named = (extension: string) =>
    files('content/fixtures', (file) => file.startsWith(prefix) && file.endsWith(extension), CONTENT_KINDS);
  const decoded = named('.hex').map((bytes) => {
    const digits = Buffer.from(bytes).toString('latin1').replace(/\s/g, '');
    return new Uint8Array(Buffer.from(digits, 'hex'));
  });
  return [...decoded, ...named('.xml'), ...named('.txt')];
}

/** Inputs that a reader once failed on: files named `SURFACE.WHAT.bin`. */
export function findingsOf(surface: string): { name: string; bytes: Uint8Array }[] {
  const folder = new URL('./fixtures/', import.meta.url);
  return readdirSync(folder)
    .filter((file) => file.startsWith(`${surface}.`))
    .map((name) => ({ name, bytes: new Uint8Array(readFileSync(new URL(name, folder))) }));
}
