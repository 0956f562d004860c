/**
 * The cost of the durable inbox on a real disk: `npx vitest bench --config test/vitest.config.ts test/bench/inbox`.
 * Each iteration has 64 writes or pushes, with this number of them concurrent.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, bench, describe } from 'vitest';
import { platform } from '#platform';
import { PushRuntime } from '../../core/app/index.js';
import { memoryContent } from '../../core/content/content.js';
import { Records, type Write } from '../../core/store/records.js';
import { systemClock } from '../../core/time/clock.js';
import { definePushApp } from '../../sdk/index.js';

const AT_ONCE = [1, 8, 64];
const TOGETHER = 64;

const folder = mkdtempSync(join(tmpdir(), 'inbox-bench-'));
const store = await platform.openStore(folder);
afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

async function inParallel(atOnce: number, task: () => Promise<unknown>): Promise<void> {
  let left = TOGETHER;
  const worker = async () => {
    while (left-- > 0) await task();
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

let serial = 0;
const writes = (): Write[] => [
  { type: 'put', key: `m${++serial}`, value: new Uint8Array(400) },
  { type: 'put', key: `c${serial}`, value: new Uint8Array(300) },
];

describe.each(AT_ONCE)('%i concurrent synced writes', (atOnce) => {
  const records = new Records(store, systemClock, () => {});

  bench('in groups', () => inParallel(atOnce, () => records.write(writes(), 'synced')));
  bench('one by one', () =>
    inParallel(atOnce, () =>
      store.batch<string, Uint8Array>(writes(), { valueEncoding: 'view', sync: true }),
    ),
  );
});

describe.each(AT_ONCE)('%i concurrent pushes', async (atOnce) => {
  const runtime = await PushRuntime.open({ store });
  const content = memoryContent({ type: 'text/plain', parameters: {} }, new Uint8Array(300));

  for (const delivery of ['direct', 'durable'] as const) {
    for (const commits of [false, true]) {
      const title = `${delivery}${commits ? ', commit' : ''}`;
      const id = `${title.replace(', ', '-')}.ua`;
      await runtime.load(
        definePushApp({
          id,
          accepts: ['text/plain'],
          order: 'parallel',
          delivery,
          start: () => ({
            async receive(push) {
              if (commits) await push.commit((tx) => tx.put('last', push.id));
            },
          }),
        }),
      );
      bench(title, () =>
        inParallel(atOnce, async () => {
          const app = runtime.resolve([id], 'text/plain');
          if (typeof app === 'string') throw new Error(app);
          const outcome = await runtime.dispatch({
            app,
            key: `${id} ${++serial}`,
            from: 'sip:psa@domain.test',
            to: 'sip:bob@domain.test',
            mode: 'pager',
            headers: {},
            content,
          });
          if (!outcome.accepted) throw new Error(outcome.reason);
        }),
      );
    }
  }
});
