/** `sip-push bundle`: bundles a host and its applications into one file. */

import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Bundle } from '../../bundler/bundle.js';
import { thisTarget } from '../../bundler/native.js';
import { kilobytes, sizeTable } from '../../bundler/size-table.js';
import type { Arguments, Command } from '../command.js';
import { EXIT, UsageError } from '../usage.js';

const HELP = `Usage: sip-push bundle --config FILE --outfile FILE [options]

Bundles the runtime and the applications of a host's configuration into one minified ES module. "node FILE" runs the
host without installed packages. These files are written beside it:
  FILE.map            the source map
  FILE.LICENSES.txt   the licenses of all contents; distribute it with FILE
  FILE.cdx.json       a software bill of materials (CycloneDX)
  classic-level.node  the native file of the durable store, except with "store": "memory"

The configuration is validated and embedded: the options of each application, by the JSON Schema of its package, before
any application is loaded. Each application is then started once, with a store in memory and without HTTP, so that an
unknown hook or an option that only the application can check is an error; if "start" throws, it is a warning. FILE contains its secrets (passwords, keys), and the certificates and
keys that it names. A relative "data" is relative to the folder of FILE. Features that the configuration does not use
are omitted.

  --config FILE          configuration of a host in JSON
  --outfile FILE         e.g. host.mjs
  --platform PLATFORM    node (default), or browser: a module that exports start()
  --target TARGET        platform of the native file: linux-x64, linux-arm64, darwin-arm64, …; default: this machine
  --limit SIZE           e.g. 800kB: if the bundle is larger, the command fails and writes nothing
  --limit-gzip SIZE      the same limit for the size after "gzip -9"
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
  async run(args, io) {
    const outfile = args.required('outfile', 'host.mjs');
    const limit = sizeOf(args, 'limit');
    const gzipLimit = sizeOf(args, 'limit-gzip');
    // Loaded here, so that other commands start without esbuild.
    const { bundle: buildBundle } = await import('../../bundler/bundle.js');
    const result = await buildBundle({
      config: args.required('config', 'bob.json'),
      outfile,
      platform: platformOf(args),
      target: args.text('target') ?? thisTarget(),
      warn: io.err,
    });
    for (const line of sizeTable(result)) io.err(line);
    const { minified, gzipped } = result.size;
    const excess = [...over(minified, limit, 'minified'), ...over(gzipped, gzipLimit, 'compressed')];
    for (const line of excess) io.err(line);
    if (excess.length > 0) return EXIT.failed;
    const files = await write(result, outfile);
    if (args.has('json')) {
      const { contents, shares } = result;
      const sizes = shares.map(([name, bytes]) => ({ name, bytes }));
      io.out(JSON.stringify({ event: 'bundled', outfile, files, minified, gzipped, ...contents, sizes }));
    } else io.out(`${outfile}, and beside it ${files.slice(1).join(', ')}`);
    return EXIT.ok;
  },
};

function platformOf(args: Arguments): (typeof PLATFORMS)[number] {
  const platform = args.text('platform') ?? 'node';
  const known = PLATFORMS.find((each) => each === platform);
  if (known === undefined)
    throw new UsageError(`invalid --platform "${platform}": expected ${PLATFORMS.join(' or ')}`);
  return known;
}

/** Parses `800kB`, `1MB` or `800000`. A kB is 1000 bytes. */
function sizeOf(args: Arguments, name: string): number | undefined {
  const text = args.text(name);
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
