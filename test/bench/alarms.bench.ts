/** The cost of an alarm by the number of alarms: set, delivered and ended. It grows at most logarithmically. */

import { bench, describe } from 'vitest';
import { platform } from '#platform';
import { Alarms } from '../../core/app/services/alarms.js';
import { encodeAlarm } from '../../core/app/services/stored-values.js';
import { Records } from '../../core/store/records.js';
import { ManualClock } from '../app/support.js';

const AT_ONCE = 100;

describe.each([100, 1_000, 10_000])('%i alarms wait', async (waiting) => {
  const clock = new ManualClock();
  const records = new Records(await platform.openStore(), clock, () => {});
  const alarms = await Alarms.open({ namespace: '1', records, clock, most: 20_000, warn: () => {} });
  const set = (keys: readonly string[], at: number) =>
    alarms.change(
      keys.map((key) => ({ key, ...encodeAlarm(key, at, undefined) })),
      (operations) => records.write(operations, 'written'),
    );
  const names = Array.from({ length: waiting }, (_, index) => `waiting ${index}`);
  for (const [index, name] of names.entries())
    await set([name], clock.now() + 1e12 + ((index * 7919) % waiting));
  let left = 0;
  let done = () => {};
  alarms.start(async () => {
    left -= 1;
    if (left === 0) done();
  });

  bench(`${AT_ONCE} more are set, delivered and ended`, async () => {
    left = AT_ONCE;
    const all = new Promise<void>((resolve) => {
      done = resolve;
    });
    for (let index = 0; index < AT_ONCE; index++) await set([`now ${index}`], clock.now());
    await all;
  });
});
