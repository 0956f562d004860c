/** What a bundle for Node.js does: it is a host. Said by the entry that the bundler writes; no part of `sip-push`'s own commands. */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { createPushReceiver, type HostEvent, type PushHostOptions } from '../../../core/host.js';
import type { BundleContents } from '../contents.js';

/** What the bundler puts into a bundle. */
export interface NodeBundle {
  /** As `createPushReceiver` takes them; `data` relative to the bundle. */
  settings: Omit<PushHostOptions, 'apps' | 'onEvent' | 'onLog' | 'onWire'>;
  apps: PushHostOptions['apps'];
  contents: BundleContents;
  /** Of the bundle. */
  url: string;
}

const HELP = `Options
  --json      one JSON object a line on stdout, nothing else
  --manifest  what is inside, as JSON`;

/** Runs until SIGINT or SIGTERM; a second one ends it at once. */
export async function runBundle(bundle: NodeBundle): Promise<void> {
  const [word, ...more] = process.argv.slice(2);
  if (more.length > 0 || ![undefined, '--json', '--manifest', '--help'].includes(word)) {
    console.error(`unknown option ${more[0] ?? word}\n${HELP}`);
    process.exitCode = 2;
  } else if (word === '--help') console.log(HELP);
  else if (word === '--manifest') console.log(JSON.stringify(manifestOf(bundle), undefined, 2));
  else await host(bundle, word === '--json');
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

async function host({ settings, apps, url }: NodeBundle, json: boolean): Promise<void> {
  const { data } = settings;
  const ended = new Promise<void>((end) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        end();
        process.once(signal, () => process.exit(1));
      });
    }
    // `node host.mjs --json | head -1`: nobody reads any more.
    process.stdout.on('error', () => end());
  });
  process.stderr.on('error', () => {});
  // A timer or a promise that an application left alone costs that application what it was doing, never the device.
  const stray = (error: unknown) =>
    console.error(`error nobody caught this: ${error instanceof Error ? error.stack : error}`);
  process.on('uncaughtException', stray).on('unhandledRejection', stray);
  try {
    const running = await createPushReceiver({
      ...settings,
      data: data === undefined ? undefined : resolve(dirname(fileURLToPath(url)), data),
      apps,
      onEvent: (event) => print(event, json),
      onLog: ({ level, app, message }) =>
        console.error(printable(`${level} ${app ? `${app}: ` : ''}${message}`)),
    });
    await ended;
    await running.stop('signal');
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
  process.off('uncaughtException', stray).off('unhandledRejection', stray);
}

/** As `sip-push host` prints them: how the connection is and how far a transfer has come is for people. */
function print({ event, ...fields }: HostEvent, json: boolean): void {
  if (json && !/^(receiving|(dis)?connected)$/.test(event)) {
    console.log(JSON.stringify({ event, ...fields }));
    return;
  }
  if (event === 'receiving') return;
  const words = Object.entries(fields).map(
    ([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  const line = printable(`${event} ${words.join(', ')}`);
  if (json) console.error(line);
  else console.log(line);
}

/** What came from the network shall not command the terminal. */
function printable(line: string): string {
  return line.replace(/[\p{Cc}\p{Cf}]/gu, '?');
}
