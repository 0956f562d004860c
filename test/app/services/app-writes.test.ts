/** Writes of an application: values are checked and copied once, and again where they come from a worker. */

import { afterEach, beforeEach, expect, it } from 'vitest';
import { platform } from '#platform';
import type { ApplicationEvent } from '../../../core/app/contract/push-app.js';
import type { AppStorage } from '../../../core/app/contract/services.js';
import type { CommitOperation } from '../../../core/app/contract/transaction.js';
import { AppWrites } from '../../../core/app/services/app-writes.js';
import { EventOutbox } from '../../../core/app/services/event-outbox.js';
import { type CommitOperations, commitOperationsOf } from '../../../core/app/services/transactions.js';
import type { LevelStore } from '../../../core/platform/level.js';
import { Records } from '../../../core/store/records.js';
import { systemClock } from '../../../core/time/clock.js';
import { definePushApp } from '../../../sdk/index.js';
import { openBench, stored } from '../support.js';

let store: LevelStore;

beforeEach(async () => {
  store = await platform.openStore();
});

afterEach(() => store.close());

it('writes the operations of a transaction as they are, without another copy', async () => {
  const heard: ApplicationEvent[] = [];
  const log = () => {};
  const records = new Records(store, systemClock, log);
  const listener = (event: ApplicationEvent) => heard.push(event);
  const outbox = await EventOutbox.open({ records, clock: systemClock, log, listener });
  outbox.start();
  const own = new AppWrites({
    ...{ eventAppId: 'test.ua', namespace: '1', events: { counted: true }, records, outbox },
  });
  const place = { town: 'Bonn' };
  let reads = 0;
  const fields = {
    place,
    get count() {
      return ++reads;
    },
  };
  await own.batch([{ type: 'emit', kind: 'counted', fields }]).write();
  await outbox.stop();
  expect(heard).toMatchObject([{ kind: 'counted', count: 1 }]);
  expect(heard[0]?.place).toBe(place);
});

const value = new Uint8Array([0x7b, 0x31]);

it.each<[string, unknown, string]>([
  ['that are no array', 'put', 'invalid commit: expected an array of operations'],
  [
    'that are too many',
    Array.from({ length: 1001 }, () => ({ type: 'delete', key: 'a' })),
    '1001 operations in one commit: expected at most 1000',
  ],
  [
    'of another type',
    [{ type: 'drop' }],
    'invalid operation type: expected put, delete, alarm, cancel or emit',
  ],
  ['with a key that is no string', [{ type: 'put', key: 1, value }], 'storage key of type number'],
  ['with a key to delete that is no string', [{ type: 'delete' }], 'storage key of type undefined'],
  ['with a value that is not encoded', [{ type: 'put', key: 'a', value: 'b' }], 'expected an encoded value'],
  [
    'with an alarm of an application without the service',
    [{ type: 'cancel', key: 'a' }],
    'add "schedule" to needs',
  ],
  ['with an event that is not declared', [{ type: 'emit', kind: 'b', fields: {} }], 'unknown event "b"'],
  [
    'with fields that are not JSON',
    [{ type: 'emit', kind: 'counted', fields: { at: new Date() } }],
    'event "counted", at at, is an instance of Date',
  ],
])('rejects operations of a worker %s', async (_, operations, message) => {
  const bench = await openBench({ store });
  const run = (commit: CommitOperations) => commit(operations as readonly CommitOperation[]);
  const errors: string[] = [];
  let storage: AppStorage | undefined;
  await bench.runtime.load(
    definePushApp({
      id: 'test.ua',
      accepts: ['text/plain'],
      delivery: 'direct',
      needs: ['storage'],
      events: { counted: true },
      start(services) {
        storage = services.storage;
        return {
          async receive(push) {
            await run(commitOperationsOf(push)).catch((error: unknown) => errors.push(String(error)));
            // Nothing was written.
            await push.commit();
          },
        };
      },
    }),
  );
  expect(await bench.push()).toMatchObject({ accepted: true });
  expect(errors).toEqual([expect.stringContaining(message)]);
  if (!storage) throw new Error('the application has not started');
  await expect(run(commitOperationsOf(storage))).rejects.toThrow(message);
  expect(await stored(store, 'data', 'event', 'alarm')).toEqual([]);
  await bench.runtime.stop();
});

it('rejects operations of a worker in an alarm', async () => {
  const bench = await openBench({ store });
  let failed = (_: unknown) => {};
  const failure = new Promise<unknown>((resolve) => {
    failed = resolve;
  });
  await bench.runtime.load(
    definePushApp({
      id: 'test.ua',
      accepts: ['text/plain'],
      needs: ['schedule'],
      async start({ schedule }) {
        await schedule.at('a', 0);
        return {
          receive() {},
          async alarm(alarm) {
            const invalid = [{ type: 'alarm', key: 'b', at: 'soon', value }];
            await commitOperationsOf(alarm)(invalid as never).catch(failed);
            await alarm.commit();
          },
        };
      },
    }),
  );
  await bench.runtime.start();
  expect(String(await failure)).toContain('invalid operation: expected an encoded alarm');
  await bench.runtime.stop();
});
