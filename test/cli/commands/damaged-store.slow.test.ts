/** `sip-push host` on a data folder whose store was damaged while it was stopped: what the operator reads and does. */

import { readdir, readFile, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { BOB, bob, Folder, type Line, lineOf, linesOf, psa, startNetworkProcess } from '../sip-push.js';

const NOTIFICATION = new URL('../../../examples/mms-notification.mms', import.meta.url);
const MMS = 'application/vnd.wap.mms-message';

it('a host reports a log that was cut at each start, works, and stops to report it when run/damage is deleted', async () => {
  await using folder = await Folder.make();
  const core = await startNetworkProcess(folder);
  await using _ = core.running;
  await folder.write('psa.json', psa(core.udp));
  await folder.write('host.json', { ...bob(core.tcp), store: 'level', data: './data' });
  await folder.write('notification.mms', await readFile(NOTIFICATION));
  const data = join(folder.path, 'data');

  /** Starts the host, pushes to it, and stops it. @returns its events, and its errors. */
  const life = async (): Promise<{ lines: Line[]; errors: string }> => {
    await using host = await folder.startProcess('host', '--config', 'host.json', '--json');
    await lineOf(host, 'registered');
    const send = ['send', '--config', 'psa.json', '--to', BOB, '--app', 'mms.ua', '--type', MMS];
    await folder.runProcess(...send, 'notification.mms');
    await lineOf(host, 'push', { outcome: 'accepted' });
    host.kill('SIGTERM');
    expect(await host.ended()).toMatchObject({ code: 0 });
    const errors = host.stderr.filter((line) => line.startsWith('error ')).join('\n');
    return { lines: linesOf(host), errors };
  };
  const damageIn = ({ lines }: { lines: Line[] }) => lines.filter(({ event }) => event === 'damaged');

  expect(damageIn(await life())).toEqual([]);
  const [log = ''] = (await readdir(data)).filter((name) => name.endsWith('.log'));
  await truncate(join(data, log), (await stat(join(data, log))).size >> 1);
  for (const _life of ['the next', 'and each later one']) {
    const damaged = await life();
    expect(damageIn(damaged)).toMatchObject([
      {
        event: 'damaged',
        reason: expect.stringContaining('the store has lost'),
        file: expect.stringMatching(/run\/damage$/),
      },
    ]);
    expect(damaged.errors).toMatch(
      /confirmed pushes may be lost.*let senders repeat.*Delete \S*run\/damage/s,
    );
  }
  await rm(join(data, 'run/damage'));
  const { lines, errors } = await life();
  expect([damageIn({ lines }), errors]).toEqual([[], '']);
});
