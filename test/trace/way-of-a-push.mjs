/**
 * Counts the files of the built package that a push enters in the process of its device, from the arrival of the
 * MESSAGE or INVITE until the push is finished. A file counts when at least one of its functions is entered; the top
 * level of a module and constructors do not count. Exits with 1 when a count exceeds its limit.
 *
 *   node test/trace/way-of-a-push.mjs [--list] [--package FOLDER] [--message LIMIT] [--session LIMIT]
 *
 *   --list     lists the files, each with the functions that are entered and how often
 *   --package  folder of the package whose dist is traced; default: this package
 *   --message  most files for a MESSAGE of 300 bytes to a durable application; default: 45
 *   --session  most files for a session of 3 MB to the same application; default: 85
 */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { EnteredFiles, merge } from './entered-files.mjs';
import { importPackage } from './package.mjs';

const { values: options } = parseArgs({
  options: {
    list: { type: 'boolean', default: false },
    package: { type: 'string', default: fileURLToPath(new URL('../..', import.meta.url)) },
    message: { type: 'string', default: '45' },
    session: { type: 'string', default: '85' },
  },
});
const ROOT = resolve(options.package);
const WAYS = [
  { name: 'MESSAGE of 300 bytes', mode: 'pager', size: 300, limit: Number(options.message) },
  { name: 'session of 3 MB', mode: 'session', size: 3_000_000, limit: Number(options.session) },
];

/** A push is finished when the sender has its receipt and no function of the package has been entered for this long. */
const QUIET_MS = 250;
const POLL_MS = 50;
const DEADLINE_MS = 60_000;

// Before the package is loaded, so that every function is counted.
const entered = new EnteredFiles(join(ROOT, 'dist'));
await entered.start();

const deadline = AbortSignal.timeout(DEADLINE_MS);
const sender = fork(fileURLToPath(new URL('sender.mjs', import.meta.url)), [ROOT]);
const senderEnds = once(sender, 'exit').then(([code]) => {
  throw new Error(`the sender ended with ${code}`);
});
const senderStarts = fromSender();
const folder = await mkdtemp(join(tmpdir(), 'sip-push-trace-'));
try {
  const { server } = await senderStarts;
  for (const way of WAYS) report(way, await measure(way, server));
} finally {
  if (sender.connected) sender.disconnect();
  await rm(folder, { recursive: true, force: true });
  entered.stop();
}

/** Resolves when the device is registered. Its application reads the content and commits a record with the push. */
async function startDevice(server, data) {
  const load = importPackage(ROOT);
  const { createPushReceiver } = await load('.');
  const { definePushApp } = await load('./sdk');
  const definition = definePushApp({
    id: 'traced.ua',
    accepts: ['application/octet-stream'],
    order: 'parallel',
    needs: ['storage'],
    start: () => ({
      async receive({ id, content, commit }) {
        let size = 0;
        for await (const bytes of content.open()) size += bytes.length;
        await commit((tx) => tx.put(id, size));
      },
    }),
  });
  const events = [];
  const device = await createPushReceiver({
    identity: 'sip:bob@domain.test',
    servers: [server],
    trust: ['sip:psa@domain.test'],
    data,
    apps: [{ definition }],
    onEvent: ({ event }) => events.push(event),
  });
  while (!events.includes('registered')) await wait(POLL_MS, undefined, { signal: deadline });
  return device;
}

/** The first push warms up: connecting and loading happen once and belong to no push. */
async function measure(way, server) {
  const device = await startDevice(server, join(folder, way.mode));
  await push(way);
  await filesUntilQuiet();
  await push(way);
  const files = await filesUntilQuiet();
  await device.stop('traced');
  return files;
}

/** Resolves when the sender has the receipt. */
async function push({ mode, size }) {
  sender.send({ app: 'traced.ua', mode, size });
  const { receipt } = await fromSender();
  if (receipt.outcome !== 'delivered' || receipt.mode !== mode) throw new Error(JSON.stringify(receipt));
}

/** The files that were entered since the last call. No background work mixes in: the first keep-alive is due after 23 s. */
async function filesUntilQuiet() {
  const files = await entered.take();
  for (let quiet = 0; quiet < QUIET_MS; quiet += POLL_MS) {
    await wait(POLL_MS, undefined, { signal: deadline });
    const more = await entered.take();
    if (more.size > 0) quiet = -POLL_MS;
    merge(files, more);
  }
  return files;
}

/** The next message of the sender's process. */
async function fromSender() {
  const [message] = await Promise.race([once(sender, 'message', { signal: deadline }), senderEnds]);
  return message;
}

function report({ name, limit }, files) {
  const functions = [...files.values()].reduce((sum, entered) => sum + entered.size, 0);
  console.log(`${name}: ${functions} functions in ${files.size} files, at most ${limit}`);
  if (options.list) {
    for (const file of [...files.keys()].sort()) {
      const functions = [...files.get(file).values()];
      const calls = functions.map((entry) => `${entry.name || `line ${entry.line}`} ${entry.calls}`);
      console.log(`  ${file}: ${calls.join(', ')}`);
    }
  }
  if (files.size > limit) {
    console.log(`${name}: ${files.size} files exceed the limit of ${limit}`);
    process.exitCode = 1;
  }
}
