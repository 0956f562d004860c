/** A host is killed (SIGKILL) between writes, or at any moment: no confirmed push is lost. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { printKills } from '../support/kill-report.js';
import { runProcess, startProcess } from '../support/programs/process.js';
import { FULL, scale } from '../support/scale.js';
import { bundle, type Program } from './bundle.js';

const PUSHES = scale(2, 8);
const APPS = ['commit.ua', 'direct.ua', 'plain.ua'];
const KEYS = Array.from({ length: PUSHES }, (_, index) => `push-${index}`);

let program: Program;
let folder: string;
let kills = 0;
/** How often each push of an application that counts took effect, in all runs. */
const effects: number[] = [];

beforeAll(async () => {
  program = await bundle('inbox-host');
  folder = await mkdtemp(join(tmpdir(), 'inbox-kill-'));
});

afterAll(async () => {
  printKills('inbox-kill', { mode: 'pager', kills: { host: kills }, accepted: effects.length, effects });
  await rm(folder, { recursive: true, force: true });
  await program[Symbol.asyncDispose]();
});

let runs = 0;
const newStore = () => join(folder, String(++runs));

async function host(store: string, ...more: string[]) {
  const ended = await runProcess(process.execPath, [program.path, store, String(PUSHES), ...more]);
  return { ...ended, lines: ended.stdout.split('\n') };
}

/** Runs the host again with a sender that retries: all pushes are delivered, and each is committed once. */
async function expectAllDelivered(store: string, before: readonly string[]): Promise<void> {
  const { lines, code, stderr } = await host(store);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  const counts = lines.filter((line) => line.startsWith('count ')).sort();
  for (const line of counts) effects.push(Number(line.split(' ')[3]));
  const once = ['commit.ua', 'direct.ua'].flatMap((app) => KEYS.map((key) => `count ${app} ${key} 1`)).sort();
  expect(counts).toEqual(once);
  const received = new Set([...before, ...lines]);
  for (const key of KEYS) expect(received).toContain(`received plain.ua ${key}`);
}

/** Runs the host again without a sender: it delivers the confirmed pushes. @returns all lines so far. */
async function expectConfirmedDelivered(store: string, before: readonly string[]): Promise<string[]> {
  const { stdout } = await runProcess(process.execPath, [program.path, store, '0']);
  const after = stdout.split('\n');
  const received = new Set([...before, ...after]);
  for (const line of before) {
    const [what, app, key] = line.split(' ');
    if (what !== 'accepted') continue;
    if (app === 'plain.ua') expect(received).toContain(`received plain.ua ${key}`);
    else expect(after).toContain(`count ${app} ${key} 1`);
  }
  return [...received];
}

/** The state after a write is almost the state before the next one: a quick run alternates, and a full run tests both. */
function phasesOf(write: number): string[] {
  return FULL ? ['before', 'after'] : [write % 2 === 0 ? 'before' : 'after'];
}

describe('kill -9 of the host', () => {
  it('between any two writes of a push loses no confirmed push', async () => {
    const undisturbed = await host(newStore());
    const writes = Number(/writes (\d+)/.exec(undisturbed.stdout)?.[1]);
    // Each push is accepted and ended; concurrent pushes may share a write.
    expect(writes).toBeGreaterThan(PUSHES * 2);
    const points = Array.from({ length: writes }, (_, index) => index + 1).flatMap((write) =>
      phasesOf(write).map((phase) => [phase, String(write)] as const),
    );
    let killed = 0;
    for (const point of points) {
      const store = newStore();
      const { lines, signal } = await host(store, ...point);
      if (signal === 'SIGKILL') killed++;
      const received = await expectConfirmedDelivered(store, lines);
      await expectAllDelivered(store, received);
    }
    // The batching of writes varies from run to run, so some points may not be reached.
    expect(killed).toBeGreaterThan(points.length / 2);
    kills += killed;
  });

  it('at any moment loses no confirmed push', async () => {
    const lines = PUSHES * APPS.length;
    for (let line = 1; line <= scale(lines, lines * 2); line++) {
      const store = newStore();
      await using running = await startProcess(process.execPath, [program.path, store, String(PUSHES)]);
      // The host continues until the signal arrives.
      running.onLine(() => {
        if (running.stdout.length === line) running.kill('SIGKILL');
      });
      const { signal } = await running.ended();
      if (signal === 'SIGKILL') kills++;
      const received = await expectConfirmedDelivered(store, running.stdout);
      await expectAllDelivered(store, received);
    }
  });
});
