/**
 * The host process of commit-kill.slow.test.ts. Its application emits an event in the commit of each push. The process
 * kills itself after the write of the commit and before the listener is called, or when the listener is called.
 *
 *   node event-host.js FOLDER FIRST LAST written|listening|never
 *
 * Sends the pushes FIRST to LAST, and kills itself at LAST. Prints `stored ID NUMBER` when an event is on disk,
 * `delivered ID NUMBER` when the listener has received it, and `done` when all have been received.
 */

import { writeSync } from 'node:fs';
import { platform } from '#platform';
import '#platform/complete';
import { PushRuntime } from '../../core/app/index.js';
import { memoryContent } from '../../core/content/content.js';
import { definePushApp } from '../../sdk/index.js';

const [folder = '', first = '1', last = '0', killAt = 'never'] = process.argv.slice(2);
const print = (line: string) => void writeSync(1, `${line}\n`);
const isLast = (number: unknown) => number === Number(last);

const store = await platform.openStore(folder);
const batch = store.batch.bind(store);
Object.defineProperty(store, 'batch', {
  async value(operations: readonly { type: string; key: string; value?: Uint8Array }[], ...rest: unknown[]) {
    await Reflect.apply(batch, undefined, [operations, ...rest]);
    for (const { type, key, value } of operations) {
      if (type !== 'put' || !key.startsWith('push/event/')) continue;
      const { id, number } = JSON.parse(new TextDecoder().decode(value));
      print(`stored ${id} ${number}`);
      if (killAt === 'written' && isLast(number)) process.kill(process.pid, 'SIGKILL');
    }
  },
});

let waiting = 0;
const runtime = await PushRuntime.open({
  store,
  emit: async ({ id, number }) => {
    print(`listening ${id} ${number}`);
    if (killAt === 'listening' && isLast(number)) process.kill(process.pid, 'SIGKILL');
    // The listener receives the event only after some work.
    await new Promise((resolve) => setTimeout(resolve, 1));
    print(`delivered ${id} ${number}`);
    waiting--;
  },
});
await runtime.load(
  definePushApp({
    id: 'test.ua',
    accepts: ['text/plain'],
    needs: ['storage'],
    events: { counted: true },
    start: ({ storage }) => ({
      async receive(push) {
        const number = Number(await push.text());
        const counted = Number((await storage.get('count')) ?? 0);
        if (number !== counted + 1) print(`wrong ${number} after ${counted}`);
        await push.commit((tx) => {
          tx.put('count', number);
          tx.emit('counted', { number });
        });
      },
    }),
  }),
);
await runtime.start();

for (let number = Number(first); number <= Number(last); number++) {
  waiting++;
  const app = runtime.resolve(['test.ua'], 'text/plain');
  if (typeof app === 'string') throw new Error(app);
  const content = memoryContent(
    { type: 'text/plain', parameters: {} },
    new TextEncoder().encode(String(number)),
  );
  const outcome = await runtime.dispatch({
    ...{ app, content, key: `push ${number}`, mode: 'pager', headers: {} },
    ...{ from: 'sip:psa@domain.test', to: 'sip:bob@domain.test' },
  });
  if (!outcome.accepted) throw new Error(outcome.reason);
}
// Events of an earlier run are delivered first.
while (waiting > 0) await new Promise((resolve) => setTimeout(resolve, 1));
await runtime.stop();
await store.close();
print('done');
