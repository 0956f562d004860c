/** A host is killed (SIGKILL) while alarms are set and delivered: none is lost, and none takes effect twice. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startProcess } from '../support/programs/process.js';
import { bundle } from './bundle.js';

/** Number of alarms; each commit sets the next alarm and counts the delivered ones. */
const ALARMS = 60;

it('alarms survive kills, and take effect once with commit', async () => {
  await using program = await bundle('alarm-host');
  const folder = await mkdtemp(join(tmpdir(), 'sip-push-alarms-'));
  const committed: string[] = [];
  const ends: (string | null | undefined)[] = [];
  try {
    for (let done = false; !done; ) {
      await using running = await startProcess(process.execPath, [program.path, folder, String(ALARMS)]);
      // The host continues until the signal arrives.
      const enough = (ends.length % 5) + 1;
      running.onLine((line) => {
        if (line.startsWith('done') || running.stdout.length === enough) running.kill('SIGKILL');
      });
      const { signal } = await running.ended();
      ends.push(signal);
      expect(running.stdout.filter((line) => line.startsWith('wrong'))).toEqual([]);
      committed.push(...running.stdout.flatMap((line) => /^committed (.*)$/.exec(line)?.[1] ?? []));
      done = running.stdout.includes(`done ${ALARMS}`);
    }
    expect(ends.length).toBeGreaterThan(5);
    expect(new Set(committed).size).toBe(committed.length);
    // The host commits some alarms just before the signal, and does not print them.
    expect(committed.length).toBeGreaterThan(ALARMS / 2);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
