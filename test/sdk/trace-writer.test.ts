/** The file of a trace. */

import { appendFile, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readTrace } from '../../sdk/trace/read-trace.js';
import { TraceFile } from '../../sdk/trace/trace-file.js';
import { type TraceOptions, TraceWriter } from '../../sdk/trace/trace-writer.js';
import { until } from '../support/wait.js';

it('stops the trace and reports it once if the disk is full', async () => {
  const problems: string[] = [];
  const trace = await TraceWriter.open('/dev/full', {
    events: true,
    onProblem: (problem) => problems.push(problem),
  });
  trace.event({ event: 'connected' });
  await until(() =>
    expect(problems).toEqual([expect.stringMatching(/^the trace \/dev\/full ends here: ENOSPC/)]),
  );
  trace.event({ event: 'connected' });
  await trace.close();
  trace.event({ event: 'stopped' });
  expect(problems).toHaveLength(1);
});

describe('a trace', () => {
  let folder: string;
  let file: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sip-push-trace-'));
    file = join(folder, 'bob.trace');
  });
  afterEach(() => rm(folder, { recursive: true }));

  /** Writes numbered events in one run. */
  async function run(numbers: readonly number[], options: TraceOptions = {}) {
    const trace = await TraceWriter.open(file, { events: true, ...options });
    for (const number of numbers) trace.event({ event: 'connected', number });
    await trace.close();
  }
  async function numbersIn(path: string): Promise<unknown[]> {
    const numbers: unknown[] = [];
    for await (const entry of readTrace(path)) if ('event' in entry) numbers.push(entry.event.number);
    return numbers;
  }

  it('continues the trace of an earlier run, even of one that was killed in the middle of a line', async () => {
    await run([1]);
    await appendFile(file, `{"time":"2026-01-01T00:00:00.000Z","event":{"event":"${'x'.repeat(100_000)}`);
    await run([2]);
    await run([3]);
    expect(await numbersIn(file)).toEqual([1, 2, 3]);
  });

  it.each([1, 8, 9, 30])(
    'begins again, and says so, if only %i bytes of its first line were written',
    async (length) => {
      const problems: string[] = [];
      const onProblem = (problem: string) => void problems.push(problem);
      await run([1], { onProblem });
      expect(problems).toEqual([]);
      await truncate(file, length);
      await run([2], { onProblem });
      expect(problems).toEqual([`${file} ended within its first line: a new trace begins`]);
      expect(await numbersIn(file)).toEqual([2]);
    },
  );

  it('counts bytes, not characters, of lines that wait', async () => {
    const trace = await TraceFile.open(file, { maxBytes: 1, maxWaiting: 100, onProblem: () => {} });
    // The file is being renamed after its first line.
    trace.write('{"time":"0"}\n');
    trace.write(`{"time":"${'é'.repeat(30)}"}\n`);
    expect(trace.hasRoom).toBe(true);
    trace.write(`{"time":"${'é'.repeat(20)}"}\n`);
    expect(trace.hasRoom).toBe(false);
    await trace.close();
  });

  it('is bounded in size: FILE.1 contains what was written before FILE', async () => {
    const maxBytes = 1000;
    for (let first = 0; first < 100; first += 10) {
      await run(
        Array.from({ length: 10 }, (_, index) => first + index),
        { maxBytes },
      );
    }
    expect(await readdir(folder)).toEqual(['bob.trace', 'bob.trace.1']);
    const numbers = [...(await numbersIn(`${file}.1`)), ...(await numbersIn(file))];
    expect(numbers).toEqual(Array.from(numbers, (_, index) => 100 - numbers.length + index));
    for (const name of await readdir(folder)) {
      // The line that reaches the limit is complete.
      expect((await stat(join(folder, name))).size).toBeLessThan(maxBytes + 200);
      expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600);
    }
  });

  it('does not lose what is written while the file is renamed', async () => {
    await run(
      Array.from({ length: 15 }, (_, index) => index),
      { maxBytes: 1000 },
    );
    expect([...(await numbersIn(`${file}.1`)), ...(await numbersIn(file))]).toHaveLength(15);
  });

  it.each(['{ "identity": "sip:bob@domain.test" }', 'x', '{"tim\n'])(
    'does not change a file that is not a trace: %s',
    async (text) => {
      await writeFile(file, text);
      await expect(run([1])).rejects.toThrow(
        /^cannot continue .*bob\.trace: expected a trace, or the name of a new file$/,
      );
      expect(await readFile(file, 'utf8')).toBe(text);
    },
  );

  it('of a recording begins a new file, without a limit', async () => {
    await run([1]);
    await run([2, 3, 4], { whole: true, maxBytes: 10 });
    expect(await numbersIn(file)).toEqual([2, 3, 4]);
  });
});
