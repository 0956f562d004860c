/** The program of a bundle for Node.js: a host with its configuration. */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import type { LogSink } from '../../core/log.js';
import { type ComposedHostOptions, openPushHost } from '../../core/push-host.js';
import { unlessAborted } from '../../core/time/deadline.js';
import type { BundleContents } from '../bundler/contents.js';
import { parseWords } from './arguments.js';
import { ended, endProcess, type Io, keepPrivate, processIo, timed, unlessEnded } from './io.js';
import { hostPrinter, logPrinter, waitingRecords } from './report.js';
import { logUncaughtErrors } from './stray-errors.js';
import { complain, EXIT } from './usage.js';

/** Parameters from the entry of a bundle. */
export interface NodeBundle {
  /** `data` is relative to the bundle. */
  settings: Omit<ComposedHostOptions, 'apps'>;
  apps(log: LogSink): Promise<ComposedHostOptions['apps']>;
  contents: BundleContents;
  /** URL of the bundle. */
  url: string;
}

const HELP = `Options
  --json      prints one JSON object per line on stdout
  --manifest  prints the contents of the bundle as JSON`;

const COMMAND = {
  name: 'this host',
  options: { json: { type: 'boolean' }, manifest: { type: 'boolean' } },
} as const;

/** Runs until SIGINT or SIGTERM. A second signal ends it at once. */
export async function runHost(bundle: NodeBundle): Promise<void> {
  const io = processIo();
  endProcess(await run(bundle, io).catch((error: unknown) => complain(error, io)));
}

async function run(bundle: NodeBundle, io: Io): Promise<number> {
  const words = parseWords(COMMAND, process.argv.slice(2));
  if (words.has('help')) io.out(HELP);
  else if (words.has('manifest')) io.out(JSON.stringify(manifestOf(bundle), undefined, 2));
  else await host(bundle, io, words.has('json'));
  return EXIT.ok;
}

function manifestOf({ contents, url }: NodeBundle) {
  const bytes = readFileSync(fileURLToPath(url));
  return {
    ...contents,
    size: bytes.length,
    gzipped: gzipSync(bytes, { level: 9 }).length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  };
}

async function host({ settings, apps, url }: NodeBundle, plain: Io, json: boolean): Promise<void> {
  const { data } = settings;
  const io = json ? plain : timed(plain);
  keepPrivate();
  const log = logPrinter(io);
  const print = hostPrinter(io, json);
  const unlisten = logUncaughtErrors(io);
  try {
    const start = async () =>
      openPushHost({
        ...settings,
        data: data === undefined ? undefined : resolve(dirname(fileURLToPath(url)), data),
        apps: await unlessAborted(apps(log), io.signal),
        signal: io.signal,
        onEvent: print,
        onLog: log,
      });
    const running = await unlessEnded(io, start());
    if (!running) return print({ event: 'stopped', reason: 'signal' });
    for (const record of waitingRecords(running.runtime.waitingPushes())) log(record);
    await ended(io);
    await running.stop('signal');
  } finally {
    unlisten();
  }
}
