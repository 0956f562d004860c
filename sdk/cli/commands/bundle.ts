/** `sip-push bundle`: builds one file of a host and its applications. */

import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Bundle } from '../../bundler/bundle.js';
import { thisTarget } from '../../bundler/native.js';
import { kilobytes, sizeTable } from '../../bundler/size-table.js';
import type { Command, Words } from '../command.js';
import { EXIT, UsageError } from '../usage.js';

const HELP = `Usage: sip-push bundle --config FILE --outfile FILE [options]

Builds one minified ES module of the runtime and the applications of a host's configuration. "node FILE" runs the
host without installed packages. These files are written beside it:
  FILE.map            the source map
  FILE.LICENSES.txt   the licences of all contents; distribute it with FILE
  FILE.cdx.json       a software bill of materials (CycloneDX)
  classic-level.node  the native file of the durable store, except with "store": "memory"

The configuration is validated and embedded. FILE contains its secrets (passwords, keys), and the certificates and
keys that it names. A relative "data" is relative to the folder of FILE. Features that the configuration does not use
are omitted.

  --config FILE          configuration of a host in JSON
  --outfile FILE         e.g. host.mjs
  --platform PLATFORM    node (default), or browser: a module that exports start()
  --target TARGET        platform of the native file: linux-x64, linux-arm64, darwin-arm64, …; default: this machine
  --limit SIZE           e.g. 800kB: if the bundle is larger, the command fails and writes nothing
  --limit-gzip SIZE      the same for the size after "gzip -9"
  --json                 prints the files and sizes as one JSON object on stdout

The bundle
  node FILE [--json]     runs the host; --json as in "sip-push host"
  node FILE --manifest   prints the contents as JSON

Example
  sip-push bundle --config bob.json --outfile dist/host.mjs --limit 800kB`;

const PLATFORMS = ['node', 'browser'] as const;

export const bundle: Command = {
  name: 'bundle',
  help: HELP,
  options: {
    config: { type: 'string' },
    outfile: { type: 'string' },
    platform: { type: 'string' },
    target: { type: 'string' },
    limit: { type: 'string' },
    'limit-gzip': { type: 'string' },
    json: { type: 'boolean' },
  },
  async run(words, io) {
    const outfile = words.required('outfile', 'host.mjs');
    const limit = sizeOf(words, 'limit');
    const gzipLimit = sizeOf(words, 'limit-gzip');
    // Loaded here, so that other commands start without esbuild.
    const { bundle: makeBundle } = await import('../../bundler/bundle.js');
    const made = await makeBundle({
      config: words.required('config', 'bob.json'),
      outfile,
      platform: platformOf(words),
      target: words.text('target') ?? thisTarget(),
      warn: io.err,
    });
    for (const line of sizeTable(made)) io.err(line);
    const { minified, gzipped } = made.size;
    const excess = [...over(minified, limit, 'minified'), ...over(gzipped, gzipLimit, 'compressed')];
    for (const line of excess) io.err(line);
    if (excess.length > 0) return EXIT.failed;
    const files = await write(made, outfile);
    if (words.has('json')) {
      const { contents, shares } = made;
      const sizes = shares.map(([name, bytes]) => ({ name, bytes }));
      io.out(JSON.stringify({ event: 'bundled', outfile, files, minified, gzipped, ...contents, sizes }));
    } else io.out(`${outfile}, and beside it ${files.slice(1).join(', ')}`);
    return EXIT.ok;
  },
};

function platformOf(words: Words): (typeof PLATFORMS)[number] {
  const platform = words.text('platform') ?? 'node';
  const known = PLATFORMS.find((each) => each === platform);
  if (known === undefined)
    throw new UsageError(`invalid --platform "${platform}": expected ${PLATFORMS.join(' or ')}`);
  return known;
}

/** `800kB`, `1MB`, `800000`: a kB has 1000 bytes. */
function sizeOf(words: Words, name: string): number | undefined {
  const text = words.text(name);
  if (text === undefined) return undefined;
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?) ?([kM]?)B?$/i.exec(text) ?? [];
  if (number === undefined) throw new UsageError(`invalid --${name} "${text}": expected a size, e.g. 800kB`);
  return Math.round(Number(number) * (unit === '' ? 1 : unit.toLowerCase() === 'k' ? 1000 : 1_000_000));
}

function over(size: number, limit: number | undefined, what: string): string[] {
  if (limit === undefined || size <= limit) return [];
  return [`too large: ${kilobytes(size)} ${what}, the limit is ${kilobytes(limit)}; nothing was written`];
}

/** Resolves with the names of the files. */
async function write({ files }: Bundle, outfile: string): Promise<string[]> {
  const folder = dirname(resolve(outfile));
  await mkdir(folder, { recursive: true });
  for (const [name, bytes] of files) await writeFile(join(folder, name), bytes);
  return [...files.keys()];
}
