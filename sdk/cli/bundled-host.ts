/** The main program of a bundle for Node.js. It runs a host with the embedded configuration. */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { gzipSync } from 'node:zlib';
import type { LogSink } from '../../core/log.js';
import { type ComposedHostOptions, openPushHost } from '../../core/push-host.js';
import { unlessAborted } from '../../core/time/abort-signal.js';
import type { BundleContents } from '../bundler/contents.js';
import { parseArguments } from './arguments.js';
import { captureOutput } from './captured-output.js';
import {
  endProcess,
  type IoStreams,
  processStreams,
  setPrivateUmask,
  unlessEnded,
  untilAborted,
  withTimestamps,
} from './io-streams.js';
import { hostPrinter, logPrinter, waitingRecords } from './report.js';
import { logUncaughtErrors } from './uncaught-errors.js';
import { EXIT, reportError } from './usage.js';

/** What the entry module of a bundle passes to the program. */
export interface NodeBundle {
  /** A relative `data` is relative to the folder of the bundle. */
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

// The applications of a bundle are imported after this module, and can print then.
const streams = isMainThread ? processStreams() : undefined;
if (streams) captureOutput(logPrinter(streams));

/** Runs until SIGINT or SIGTERM. A second signal ends it at once. */
export async function runHost(bundle: NodeBundle): Promise<void> {
  const io = streams ?? processStreams();
  endProcess(await run(bundle, io).catch((error: unknown) => reportError(error, io)));
}

async function run(bundle: NodeBundle, io: IoStreams): Promise<number> {
  const args = parseArguments(COMMAND, process.argv.slice(2));
  if (args.has('help')) io.out(HELP);
  else if (args.has('manifest')) io.out(JSON.stringify(manifestOf(bundle), undefined, 2));
  else await host(bundle, io, args.has('json'));
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

async function host({ settings, apps, url }: NodeBundle, streams: IoStreams, json: boolean): Promise<void> {
  const { data } = settings;
  const io = json ? streams : withTimestamps(streams);
  setPrivateUmask();
  const log = logPrinter(io);
  const print = hostPrinter(io, json);
  const unlisten = logUncaughtErrors(io);
  const release = captureOutput(log);
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
    await untilAborted(io);
    await running.stop('signal');
  } finally {
    release();
    unlisten();
  }
}
