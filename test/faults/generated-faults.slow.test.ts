/**
 * Generated faults: the device host and the sender are killed at any of their writes, in each mode, while datagrams are
 * dropped and doubled, connections are reset, the date changes, and disks are full. What is acknowledged is delivered, once.
 *
 * `SIP_PUSH_SEED=N` repeats the schedule of one seed.
 */

import { afterAll, describe, expect, it } from 'vitest';
import { scale } from '../support/scale.js';
import { FaultRun, type RunReport } from './fault-run.js';
import { ENDS, KILLS, MODES, type Mode, scheduleOf } from './schedule.js';

const RUNS = scale(6, 48);
const FIRST = 20_261_130;
/** Milliseconds: a schedule has a minute of timers of RFC 3261 and the start of 13 processes, on a busy machine. */
const PATIENCE = 1_800_000;
const { SIP_PUSH_SEED: one } = process.env;
const seeds = one === undefined ? Array.from({ length: RUNS }, (_, index) => FIRST + index) : [Number(one)];

describe('generated faults', () => {
  const reports: { mode: Mode; report: RunReport }[] = [];

  it.concurrent.for(seeds)(
    '8.1.1-03, 8.1.1-05: what is acknowledged is delivered, once, with the faults of seed %i',
    { timeout: PATIENCE },
    async (seed) => {
      const schedule = scheduleOf(seed);
      const repeat = `SIP_PUSH_SEED=${seed} repeats the schedule ${JSON.stringify(schedule)}`;
      const report = await FaultRun.of(schedule).catch((cause) => {
        throw new Error(repeat, { cause });
      });
      reports.push({ mode: schedule.mode, report });
      const { failed, lost, twice, unknown, refused } = report;
      expect({ failed, refused, lost, twice, unknown }, repeat).toEqual({
        failed: [],
        refused: [],
        lost: [],
        twice: [],
        unknown: [],
      });
      expect(report.kills).toEqual({ host: KILLS, sender: KILLS });
    },
  );

  afterAll(() => {
    console.log(tableOf(reports));
  });
});

function tableOf(reports: readonly { mode: Mode; report: RunReport }[]): string {
  const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0);
  const columns = [
    ...ENDS.map((end) => [`kills of the ${end}`, ({ kills }: RunReport) => kills[end]] as const),
    ['datagrams dropped', ({ faults }: RunReport) => faults.dropped] as const,
    ['doubled', ({ faults }: RunReport) => faults.doubled] as const,
    ['connections reset', ({ faults }: RunReport) => faults.reset] as const,
    ['changes of the date', ({ faults }: RunReport) => faults.step] as const,
    ['full disks', ({ faults }: RunReport) => faults.full] as const,
    ['pushes accepted', ({ accepted }: RunReport) => accepted] as const,
    ['delivered', ({ delivered }: RunReport) => delivered] as const,
    ['lost', ({ lost }: RunReport) => lost.length] as const,
    ['twice', ({ twice }: RunReport) => twice.length] as const,
  ];
  const row = (name: string, of: readonly RunReport[]) =>
    `| ${[name, ...columns.map(([, count]) => sum(of.map(count)))].join(' | ')} |`;
  return [
    `| mode | ${columns.map(([title]) => title).join(' | ')} |`,
    `| --- |${' ---: |'.repeat(columns.length)}`,
    ...MODES.map((mode) =>
      row(
        mode,
        reports.filter((each) => each.mode === mode).map(({ report }) => report),
      ),
    ),
    row(
      'all',
      reports.map(({ report }) => report),
    ),
  ].join('\n');
}
