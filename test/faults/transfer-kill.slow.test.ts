/** The host is killed while it receives files: received bytes are not sent again, and confirmed files are not lost. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { printKills } from '../support/kill-report.js';
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
const newFolder = () => join(folder, String(++runs));

async function host(data: string, files: number, ...more: string[]) {
  const ended = await runProcess(process.execPath, [program.path, data, String(files), ...more]);
  return { ...ended, lines: ended.stdout.split('\n') };
}

/** The numbers in the last lines that begin with `word`, by application and key. */
function last(lines: readonly string[], word: string): Map<string, number> {
  const found = lines.flatMap((line) => {
    const [first, app, key, number] = line.split(' ');
    return first === word ? [[`${app} ${key}`, Number(number)] as const] : [];
  });
  return new Map(found);
}

/** Contiguous bytes from the start of each file; the chunks of plain.ua are out of order. */
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
      let end = 0;
      while (of.has(end + SIZE / 4)) end += SIZE / 4;
      return [name, end];
    }),
  );
}

/** The state after a write is almost the state before the next one: a quick run alternates, and a full run tests both. */
function phasesOf(operation: number): string[] {
  return FULL ? ['before', 'after'] : [operation % 2 === 1 ? 'before' : 'after'];
}

describe('kill -9 of the host', () => {
  it('between any two writes to its disk delivers each file once, and no byte is sent twice', async () => {
    const undisturbed = await host(newFolder(), FILES);
    expect(undisturbed.stderr).toBe('');
    const operations = Number(/operations (\d+)/.exec(undisturbed.stdout)?.[1]);
    expect(operations).toBeGreaterThan(FILES * APPS.length * 5);
    let killed = 0;
    const effects: number[] = [];
    let points = 0;
    for (let operation = 1; operation <= operations; operation++) {
      for (const phase of phasesOf(operation)) {
        points++;
        const data = newFolder();
        const first = await host(data, FILES, phase, String(operation));
        if (first.signal === 'SIGKILL') killed++;
        const accepted = first.lines.filter((line) => line.startsWith('accepted '));
        // Without a sender, the host delivers the confirmed files.
        const alone = accepted.length > 0 ? (await host(data, 0)).lines : [];
        const received = new Set([...first.lines, ...alone]);
        for (const line of accepted) expect(received).toContain(line.replace('accepted', 'received'));
        // The sender retries.
        const again = await host(data, FILES);
        expect(again.code).toBe(0);
        expect(again.stdout).not.toContain('WRONG');
        const counts = again.lines.filter((line) => line.startsWith('count ')).sort();
        for (const line of counts) effects.push(Number(line.split(' ')[3]));
        const once = APPS.slice(0, 2).flatMap((app) => KEYS.map((key) => `count ${app} ${key} 1`));
        expect(counts).toEqual(once.sort());
        for (const key of KEYS) {
          expect(new Set([...received, ...again.lines])).toContain(`received plain.ua ${key}`);
        }
        const lengths = contiguous(first.lines);
        for (const [name, from] of last(again.lines, 'from')) {
          expect(from).toBeGreaterThanOrEqual(lengths.get(name) ?? 0);
        }
        expect(again.lines).toContain('files 0');
      }
    }
    // The batching of writes varies from run to run, so some points may not be reached.
    expect(killed).toBeGreaterThan(points / 2);
    printKills('transfer-kill', {
      mode: 'session',
      kills: { host: killed },
      accepted: effects.length,
      effects,
    });
  });
});

it('refuses files as resources while the disk is full, and resumes them afterwards', async () => {
  const { lines, code } = await host(newFolder(), 1, 'full');
  expect(code).toBe(0);
  const full = lines.filter((line) => line.startsWith('refused '));
  expect(full.sort()).toEqual(APPS.map((app) => `refused ${app} file-0 resources`));
  // Bytes that were received before are not sent again.
  for (const [name, from] of last(lines, 'from')) expect(`${name} ${from}`).toBe(`${name} ${SIZE / 2}`);
  for (const app of APPS) expect(lines).toContain(`accepted ${app} file-0`);
  expect(lines.filter((line) => line.startsWith('count ')).sort()).toEqual([
    'count commit.ua file-0 1',
    'count direct.ua file-0 1',
  ]);
  expect(lines).toContain('received plain.ua file-0');
  expect(lines).toContain('files 0');
});
