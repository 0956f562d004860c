/** `npm run soak` for some seconds: verdicts on so short a run are meaningless, so their limits are high. */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runProcess, startProcess } from '../support/programs/process.js';
import { JOB_MS } from '../support/wait.js';

const SCRIPT = fileURLToPath(new URL('../../.ci/soak.mjs', import.meta.url));
const ANY_GROWTH = ['--memory-growth', '1000', '--descriptor-growth', '10000', '--disk-growth', '1000000'];

let folder: string;
let output: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sip-push-soak-test-'));
  output = join(folder, 'result');
});
afterEach(() => rm(folder, { recursive: true }));

/** The problems of a run, except that it has too few samples for a verdict. */
const problemsOf = ({ problems }: { problems: string[] }) =>
  problems.filter((problem) => !/too few samples|grew from/.test(problem));

async function results() {
  const read = (extension: string) => readFile(`${output}.${extension}`, 'utf8');
  const [samples, figures, drawn] = await Promise.all([read('csv'), read('json'), read('svg')]);
  return { rows: samples.trim().split('\n'), figures: JSON.parse(figures), drawn };
}

it('8.1.1-05: what is acknowledged in each mode takes effect once, and is sampled and drawn', async () => {
  const args = ['--minutes', '0.1', '--interval', '0.5', '--output', output, ...ANY_GROWTH];
  const { code, stdout, stderr } = await runProcess(process.execPath, [SCRIPT, ...args], {
    withinMs: JOB_MS,
  });
  expect(stderr).toMatch(/the capacity is \d+ pushes a second; the rate is/);
  const { rows, figures, drawn } = await results();
  expect(figures.acknowledged).toBe(figures.submitted);
  expect(problemsOf(figures)).toEqual([]);
  expect(figures.submitted).toBeGreaterThan(0);
  expect(rows.length).toBeGreaterThan(1);
  expect(rows[0]).toContain('host rss,host heap,host descriptors,host disk,sender rss');
  expect(drawn).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
  expect(stdout).toContain('| host | rss |');
  expect(code).toBe(figures.problems.length === 0 ? 0 : 1);
});

it('8.1.1-05: Ctrl-C ends a run with its checks and its plot', async () => {
  const args = ['--minutes', '600', '--interval', '0.5', '--rate', '5', '--output', output, ...ANY_GROWTH];
  await using soak = await startProcess(process.execPath, [SCRIPT, ...args]);
  await soak.line(/ of 600 minutes: /, JOB_MS);
  // A terminal sends it to the whole group.
  process.kill(-soak.pid, 'SIGINT');
  const { code } = await soak.ended(JOB_MS);
  const { figures, drawn } = await results();
  expect(figures).toMatchObject({ rate: 5, acknowledged: figures.submitted });
  expect(problemsOf(figures)).toEqual([]);
  expect(drawn).toContain('</svg>');
  expect(code).toBe(figures.problems.length === 0 ? 0 : 1);
});

it('prints its options, and rejects invalid ones', async () => {
  expect(await runProcess(process.execPath, [SCRIPT, '--help'])).toMatchObject({ code: 0 });
  const invalid = await runProcess(process.execPath, [SCRIPT, '--rate', 'x']);
  expect(invalid).toMatchObject({ code: 2, stderr: expect.stringContaining('invalid --rate "x"') });
});
