/** A host is killed (SIGKILL) around commits: no alarm and no event is lost, and none takes effect twice. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { printKills } from '../support/kill-report.js';
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
    // On a busy machine a host runs longer, because the signal arrives late.
    expect(ends.length).toBeGreaterThan(2);
    expect(new Set(committed).size).toBe(committed.length);
    // The host commits some alarms just before the signal, and does not print them.
    expect(committed.length).toBeGreaterThan(ALARMS / 2);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

/** The host is killed between a commit and the listener of its event. */
const KILLS = 50;
/** Pushes of one run of the host. */
const PUSHES = 2;

it('delivers each event of a commit after a kill, with the same id', async () => {
  await using program = await bundle('event-host');
  const folder = await mkdtemp(join(tmpdir(), 'sip-push-events-'));
  /** Ids by the number of the push. */
  const stored = new Map<string, string>();
  const delivered = new Map<string, string[]>();
  const run = async (index: number, kill: string) => {
    const range = [index * PUSHES + 1, (index + 1) * PUSHES].map(String);
    await using running = await startProcess(process.execPath, [program.path, folder, ...range, kill]);
    const { signal } = await running.ended();
    expect(running.stdout.filter((line) => line.startsWith('wrong'))).toEqual([]);
    for (const line of running.stdout) {
      const [what, id = '', number = ''] = line.split(' ');
      if (what === 'stored') stored.set(number, id);
      if (what === 'delivered') delivered.set(number, [...(delivered.get(number) ?? []), id]);
    }
    return signal;
  };
  try {
    for (let index = 0; index < KILLS; index++) {
      expect(await run(index, index % 2 === 0 ? 'written' : 'listening')).toBe('SIGKILL');
    }
    expect(await run(KILLS, 'never')).toBe(null);
    expect(stored.size).toBe((KILLS + 1) * PUSHES);
    for (const [number, id] of stored) {
      const ids = delivered.get(number) ?? [];
      expect({ number, ids: [...new Set(ids)] }).toEqual({ number, ids: [id] });
    }
    const effects = Array.from(stored.keys(), (number) => new Set(delivered.get(number)).size);
    printKills('commit-kill', { mode: 'pager', kills: { host: KILLS }, accepted: stored.size, effects });
    // The listener was killed before it had received the event: the event was delivered again.
    expect([...delivered.values()].flat().length).toBeGreaterThanOrEqual(stored.size);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
