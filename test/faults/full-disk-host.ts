/**
 * The host process of full-disk.test.ts, with a temporary limit on the size of its files.
 *
 *   node full-disk-host.js FOLDER fill|deliver
 *
 * `fill` pushes until five pushes have failed on the full disk, then 50 times without the limit. It prints `accepted KEY`
 * or `refused KIND` for each push, and kills itself. `deliver` prints `received KEY` for each push in the inbox.
 */

import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeSync } from 'node:fs';
import { platform } from '#platform';
import '#platform/complete';
import { type Clock, PushRuntime } from '../../core/app/index.js';
import { memoryContent } from '../../core/content/content.js';
import { definePushApp } from '../../sdk/index.js';

const [folder = '', task] = process.argv.slice(2);
const print = (line: string) => void writeSync(1, `${line}\n`);
const limitFiles = (bytes: string) =>
  execFileSync('prlimit', ['--pid', String(process.pid), `--fsize=${bytes}:unlimited`]);
// With this listener, a write beyond the limit fails as on a full disk. Without it, the signal ends the process.
process.on('SIGXFSZ', () => {});

/** Advances with each push, so that the runtime retries a failed store. */
let now = 0;
const clock: Clock = { now: () => now, elapsed: () => now, after: () => () => {}, random: () => 0 };

const store = await platform.openStore(folder);
const runtime = await PushRuntime.open({
  store,
  clock,
  log: ({ message }) => process.stderr.write(`${message}\n`),
});
let received = 0;
await runtime.load(
  definePushApp({
    id: 'test.ua',
    accepts: ['text/plain'],
    order: 'parallel',
    delivery: 'durable',
    start: () => ({
      receive(push) {
        if (task === 'fill') throw new Error('not yet');
        print(`received ${push.from}`);
        received++;
      },
    }),
  }),
);

if (task === 'fill') {
  limitFiles('200000');
  for (let full = 0; full < 5; ) if (!(await push())) full++;
  limitFiles('unlimited');
  for (let more = 0; more < 50; more++) await push();
  process.kill(process.pid, 'SIGKILL');
}

const entries = await store.values({ gte: 'push/entry/', lt: 'push/entry0' }).all();
const waiting = entries.filter((entry) => JSON.parse(entry).state === 'received').length;
await runtime.start();
while (received < waiting) await new Promise((resolve) => setImmediate(resolve));
await runtime.stop();
await store.close();

async function push(): Promise<boolean> {
  now += 1_000;
  const key = `push-${now}`;
  const app = runtime.resolve(['test.ua'], 'text/plain');
  if (typeof app === 'string') throw new Error(app);
  const outcome = await runtime.dispatch({
    app,
    key,
    from: key,
    to: 'sip:bob@domain.test',
    mode: 'pager',
    headers: {},
    content: memoryContent({ type: 'text/plain', parameters: {} }, randomBytes(5000)),
  });
  print(outcome.accepted ? `accepted ${key}` : `refused ${outcome.kind}`);
  return outcome.accepted;
}
