/** The application that counts the pushes of a soak: it is exact, even after a restart and out of order. */

import { expect, it } from 'vitest';
import { type Counts, contentOf, countingApp } from './counting-app.mjs';

/** What the application uses of the runtime. */
class Memory {
  readonly stored = new Map<string, unknown>();

  async start(): Promise<{ push: (text: string) => Promise<void>; counts: (until: number) => Counts }> {
    const { stored } = this;
    const app = countingApp('a.ua') as unknown as {
      start(services: object): Promise<{
        receive(push: object): Promise<void>;
        queries: { counts(until: number): Counts };
      }>;
    };
    const storage = {
      get: async (key: string) => stored.get(key),
      entries: async function* () {
        yield* [...stored];
      },
    };
    const { receive, queries } = await app.start({ storage });
    const tx = {
      put: (key: string, value: unknown) => stored.set(key, structuredClone(value)),
      delete: (key: string) => stored.delete(key),
    };
    const commit = async (change: (changes: typeof tx) => void) => change(tx);
    return { push: (text) => receive({ text: async () => text, commit }), counts: queries.counts };
  }
}

it('counts pushes in any order, reports the missing ones, and keeps what it stores bounded', async () => {
  const memory = new Memory();
  const app = await memory.start();
  for (let number = 3999; number >= 0; number--) if (number !== 1500) await app.push(contentOf(number, 100));
  expect(app.counts(4001)).toEqual({
    below: 1,
    delivered: 3999,
    twice: 0,
    missing: [
      [1500, 1501],
      [4000, 4001],
    ],
  });
  await app.push(contentOf(1500, 100));
  expect(app.counts(4000)).toMatchObject({ delivered: 4000, missing: [] });
  // 3 slots of 1024 are complete.
  expect([...memory.stored.keys()].sort()).toEqual(['3', 'totals']);
});

it('counts a second delivery after a restart, even of a slot that is complete', async () => {
  const memory = new Memory();
  const first = await memory.start();
  for (let number = 0; number < 1100; number++) await first.push(contentOf(number, 20));
  const second = await memory.start();
  await second.push(contentOf(5, 20));
  await second.push(contentOf(1099, 20));
  await second.push(contentOf(1100, 20));
  expect(second.counts(1101)).toMatchObject({ delivered: 1101, twice: 2, missing: [] });
});

it('rejects a content that is damaged', async () => {
  const app = await new Memory().start();
  await expect(app.push(`${contentOf(1, 50)}!`)).rejects.toThrow('damaged');
  await expect(app.push('x')).rejects.toThrow('damaged');
});
