/** The host is killed during files in session mode: received bytes are not sent again, confirmed files are not lost. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runProcess } from '../support/programs/process.js';
import { FULL, scale } from '../support/scale.js';
import { bundle, type Program } from './bundle.js';

const FILES = scale(1, 2);
const SIZE = 160_000;
const APPS = ['commit.ua', 'direct.ua', 'plain.ua'];
const KEYS = Array.from({ length: FILES }, (_, index) => `file-${index}`);

let program: Program;
let folder: string;

beforeAll(async () => {
  program = await bundle('transfer-host');
  folder = await mkdtemp(join(tmpdir(), 'transfer-kill-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await program[Symbol.asyncDispose]();
});

let runs = 0;
const newPlace = () => join(folder, String(++runs));

async function host(place: string, files: number, ...more: string[]) {
  const ended = await runProcess(process.execPath, [program.path, place, String(files), ...more]);
  return { ...ended, lines: ended.stdout.split('\n') };
}

/** The last lines that begin with these words: how far each file was. */
function last(lines: readonly string[], word: string): Map<string, number> {
  const found = lines.flatMap((line) => {
    const [first, app, key, number] = line.split(' ');
    return first === word ? [[`${app} ${key}`, Number(number)] as const] : [];
  });
  return new Map(found);
}

/** Bytes that had come from the first on: one application's chunks come every second one first. */
function contiguous(lines: readonly string[]): Map<string, number> {
  const ends = new Map<string, Set<number>>();
  for (const line of lines) {
    const [first, app, key, end] = line.split(' ');
    if (first !== 'wrote') continue;
    const name = `${app} ${key}`;
    ends.set(name, (ends.get(name) ?? new Set()).add(Number(end)));
  }
  return new Map(
    Array.from(ends, ([name, of]) => {
      let there = 0;
      while (of.has(there + SIZE / 4)) there += SIZE / 4;
      return [name, there];
    }),
  );
}

/** What comes after one write is nearly what comes before the next: in turn, and both where there is time. */
function phasesOf(operation: number): string[] {
  return FULL ? ['before', 'after'] : [operation % 2 === 1 ? 'before' : 'after'];
}

describe('kill -9 of the host', () => {
  it('between any two writes to its disk delivers each file once, and no byte is sent twice', async () => {
    const undisturbed = await host(newPlace(), FILES);
    expect(undisturbed.stderr).toBe('');
    const operations = Number(/operations (\d+)/.exec(undisturbed.stdout)?.[1]);
    expect(operations).toBeGreaterThan(FILES * APPS.length * 5);
    let killed = 0;
    let points = 0;
    for (let operation = 1; operation <= operations; operation++) {
      for (const phase of phasesOf(operation)) {
        points++;
        const place = newPlace();
        const first = await host(place, FILES, phase, String(operation));
        if (first.signal === 'SIGKILL') killed++;
        const taken = first.lines.filter((line) => line.startsWith('taken '));
        // Without its sender: what was confirmed is all that counts.
        const alone = taken.length > 0 ? (await host(place, 0)).lines : [];
        const received = new Set([...first.lines, ...alone]);
        for (const line of taken) expect(received).toContain(line.replace('taken', 'received'));
        // Its sender tries again.
        const again = await host(place, FILES);
        expect(again.code).toBe(0);
        expect(again.stdout).not.toContain('WRONG');
        const counts = again.lines.filter((line) => line.startsWith('count ')).sort();
        const once = APPS.slice(0, 2).flatMap((app) => KEYS.map((key) => `count ${app} ${key} 1`));
        expect(counts).toEqual(once.sort());
        for (const key of KEYS) {
          expect(new Set([...received, ...again.lines])).toContain(`received plain.ua ${key}`);
        }
        const there = contiguous(first.lines);
        for (const [name, from] of last(again.lines, 'from')) {
          expect(from).toBeGreaterThanOrEqual(there.get(name) ?? 0);
        }
        expect(again.lines).toContain('files 0');
      }
    }
    // How writes come together varies a little from run to run.
    expect(killed).toBeGreaterThan(points / 2);
  });
});

it('refuses files as resources while the disk is full, and resumes them afterwards', async () => {
  const { lines, code } = await host(newPlace(), 1, 'full');
  expect(code).toBe(0);
  const full = lines.filter((line) => line.startsWith('refused '));
  expect(full.sort()).toEqual(APPS.map((app) => `refused ${app} file-0 resources`));
  // What had come before is not sent again.
  for (const [name, from] of last(lines, 'from')) expect(`${name} ${from}`).toBe(`${name} ${SIZE / 2}`);
  for (const app of APPS) expect(lines).toContain(`taken ${app} file-0`);
  expect(lines.filter((line) => line.startsWith('count ')).sort()).toEqual([
    'count commit.ua file-0 1',
    'count direct.ua file-0 1',
  ]);
  expect(lines).toContain('received plain.ua file-0');
  expect(lines).toContain('files 0');
});
