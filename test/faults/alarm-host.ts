/**
 * A host of its own process for alarm-kill.slow.test.ts: an application that sets alarms, counts those that it is given, and
 * sets the next with the count, in one commit. Killed at any moment, it goes on where it was.
 *
 *   node alarm-host.js FOLDER ALARMS
 *
 * Prints `given KEY` for each alarm that was committed, and `done COUNT` when all have been.
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
    needs: ['schedule', 'storage'],
    async start({ schedule, storage }) {
      const counted = async () => Number((await storage.get('count')) ?? 0);
      const next = (await counted()) + 1;
      if (next > most) print(`done ${most}`);
      else if ((await schedule.list()).length === 0) await schedule.at(String(next), Date.now(), next);
      return {
        receive() {},
        async alarm({ key, data }, { commit }) {
          const count = await counted();
          if (key !== String(data) || data !== count + 1) print(`wrong ${key} after ${count}`);
          const after = count + 2;
          await commit([
            { type: 'put', key: 'count', value: count + 1 },
            ...(after > most
              ? []
              : [{ type: 'alarm' as const, key: String(after), at: Date.now(), data: after }]),
          ]);
          print(`given ${key}`);
          if (after > most) print(`done ${most}`);
        },
      };
    },
  }),
);
await runtime.start();
// The test that started this process ends it.
setInterval(() => {}, 60_000);
