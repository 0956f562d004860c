/**
 * The host process of commit-kill.slow.test.ts. On each alarm, its application commits the number of delivered alarms
 * together with the next alarm. A host that is killed at any moment continues after its restart.
 *
 *   node alarm-host.js FOLDER ALARMS
 *
 * Prints `committed KEY` for each committed alarm, and `done COUNT` after the last one.
 */

import { writeSync } from 'node:fs';
import { platform } from '#platform';
import '#platform/complete';
import { PushRuntime } from '../../core/app/index.js';
import { definePushApp } from '../../sdk/index.js';

const [folder = '', alarms = '0'] = process.argv.slice(2);
const most = Number(alarms);
const print = (line: string) => void writeSync(1, `${line}\n`);

const store = await platform.openStore(folder);
const runtime = await PushRuntime.open({
  store,
  log: ({ message }) => process.stderr.write(`${message}\n`),
});
await runtime.load(
  definePushApp({
    id: 'test.ua',
    accepts: ['text/plain'],
    delivery: 'direct',
    order: 'parallel',
    needs: ['schedule', 'storage'],
    async start({ schedule, storage }) {
      const counted = async () => Number((await storage.get('count')) ?? 0);
      const next = (await counted()) + 1;
      if (next > most) print(`done ${most}`);
      else if ((await schedule.list()).length === 0) await schedule.at(String(next), Date.now(), next);
      return {
        receive() {},
        async alarm({ key, data, commit }) {
          const count = await counted();
          if (key !== String(data) || data !== count + 1) print(`wrong ${key} after ${count}`);
          const after = count + 2;
          await commit((tx) => {
            tx.put('count', count + 1);
            if (after <= most) tx.setAlarm(String(after), Date.now(), after);
          });
          print(`committed ${key}`);
          if (after > most) print(`done ${most}`);
        },
      };
    },
  }),
);
await runtime.start();
// The test that started this process ends it.
setInterval(() => {}, 60_000);
