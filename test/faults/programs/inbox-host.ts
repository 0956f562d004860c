/**
 * The host process of inbox-kill.slow.test.ts, with a store on disk, three applications, and a sender that pushes to
 * them. It kills itself at write number WRITE of the store.
 *
 *   node inbox-host.js FOLDER PUSHES [before|after WRITE]
 *
 * Prints `accepted APP KEY` for each confirmed push, and `received APP KEY` for each push that an application has
 * processed. When the inbox is empty, prints `count APP KEY TIMES` from the storage of each application that commits,
 * and `writes COUNT`.
 */

import { writeSync } from 'node:fs';
import { platform } from '#platform';
import '#platform/complete';
import type { AppStorage } from '../../../core/app/contract/services.js';
import { PushRuntime } from '../../../core/app/index.js';
import { memoryContent } from '../../../core/content/content.js';
import { definePushApp } from '../../../sdk/index.js';
import { clock } from './clock.js';

const [folder = '', pushes = '1', phase = '', killAt = '0'] = process.argv.slice(2);
const print = (line: string) => void writeSync(1, `${line}\n`);

/** Storages of the applications that commit, by their id. */
const storages = new Map<string, AppStorage>();

/** Counts each push in its commit. If durable, fails the first delivery of pushes whose key ends in 1. */
const committing = (id: string, delivery: 'durable' | 'direct') =>
  definePushApp({
    id,
    accepts: ['text/plain'],
    order: 'parallel',
    needs: ['storage'],
    delivery,
    start({ storage }) {
      storages.set(id, storage);
      return {
        async receive(push) {
          const key = new TextDecoder().decode(await push.content.bytes(100));
          if (delivery === 'durable' && push.attempt === 1 && key.endsWith('1')) throw new Error('not yet');
          const times = Number((await storage.get(key)) ?? 0);
          await push.commit((tx) => tx.put(key, times + 1));
          print(`received ${id} ${key}`);
        },
      };
    },
  });

const plain = definePushApp({
  id: 'plain.ua',
  accepts: ['text/plain'],
  order: 'parallel',
  delivery: 'durable',
  start: () => ({
    async receive(push) {
      const key = new TextDecoder().decode(await push.content.bytes(100));
      if (push.attempt === 1 && key.endsWith('1')) throw new Error('not yet');
      print(`received plain.ua ${key}`);
    },
  }),
});

const store = await platform.openStore(folder);
let writes = 0;
const batch = store.batch.bind(store);
Object.defineProperty(store, 'batch', {
  async value(...operations: unknown[]) {
    const last = ++writes === Number(killAt);
    // A slow disk reveals code that does not wait for it.
    await new Promise((resolve) => setTimeout(resolve, 3));
    if (last && phase === 'before') process.kill(process.pid, 'SIGKILL');
    await Reflect.apply(batch, undefined, operations);
    if (last) process.kill(process.pid, 'SIGKILL');
  },
});

const runtime = await PushRuntime.open({ store, clock });
const apps = [committing('commit.ua', 'durable'), committing('direct.ua', 'direct'), plain];
for (const app of apps) await runtime.load(app);
await runtime.start();

for (let count = 0; count < Number(pushes); count++) {
  // Even pushes run one after another, so that each write has one push; odd pushes run concurrently.
  const key = `push-${count}`;
  if (count % 2 === 0) for (const { id } of apps) await push(id, key);
  else await Promise.all(apps.map(({ id }) => push(id, key)));
}
while (await inboxHolds()) await new Promise((resolve) => setTimeout(resolve, 5));
for (const [id, storage] of storages) {
  for await (const [key, times] of storage.entries()) print(`count ${id} ${key} ${times}`);
}
await runtime.stop();
await store.close();
print(`writes ${writes}`);

/** The key is the same in every run, as from a sender that retries. */
async function push(id: string, key: string): Promise<void> {
  const app = runtime.resolve([id], 'text/plain');
  if (typeof app === 'string') throw new Error(app);
  const outcome = await runtime.dispatch({
    app,
    key: `${id} ${key}`,
    from: 'sip:psa@domain.test',
    to: 'sip:bob@domain.test',
    mode: 'pager',
    headers: {},
    content: memoryContent({ type: 'text/plain', parameters: {} }, new TextEncoder().encode(key)),
  });
  if (!outcome.accepted) throw new Error(`${id} ${key}: ${outcome.reason}`);
  print(`accepted ${id} ${key}`);
}

/** Whether a push waits for its application. */
async function inboxHolds(): Promise<boolean> {
  const entries = await store.values({ gte: 'push/entry/', lt: 'push/entry0' }).all();
  return entries.some((entry) => JSON.parse(entry).state === 'received');
}
