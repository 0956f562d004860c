/** SIPp: runs a scenario of test/interop/scenarios and reads its statistics. */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { peerCommand } from './peers.js';
import { freePort } from './ports.js';
import { runProcess } from './process.js';
import { JOB_MS } from './wait.js';

/** Few enough that the answers to all of them come before any is sent again, on a busy machine, too. */
const CONCURRENT = 20;

export interface SippRun {
  /** A file of test/interop/scenarios. */
  scenario: string;
  host?: string;
  /** Of the peer that SIPp calls; SIPp's own where it `listens`. */
  port: number;
  /** The scenario waits for calls, and ends after `calls` of them. */
  listens?: boolean;
  transport: 'udp' | 'tcp';
  /** [service] of the scenario: the user part of the Request-URI. */
  user: string;
  /** Other keywords of the scenario, such as [domain]. */
  keys?: Readonly<Record<string, string>>;
  calls: number;
  /** Calls a second, at most. */
  rate: number;
  /** Calls open at the same time, at most; 20 when absent. */
  concurrent?: number;
}

export interface SippResult {
  created: number;
  succeeded: number;
  failed: number;
  /** Of the failed ones, those that got an answer which the scenario does not expect. */
  unexpected: number;
  retransmissions: number;
  /** What SIPp wrote about failures, for a message. */
  errors: string;
}

export async function runSipp(run: SippRun): Promise<SippResult> {
  const { host = '127.0.0.1', keys = {}, concurrent = CONCURRENT } = run;
  const folder = await mkdtemp(join(tmpdir(), 'sip-push-sipp-'));
  const file = (name: string) => join(folder, name);
  const ends = run.listens
    ? ['-p', String(run.port)]
    : [`${host}:${run.port}`, '-p', String(await freePort())];
  try {
    const { code, stderr, stdout } = await runProcess(
      peerCommand('sipp'),
      [
        ...ends,
        ...['-sf', fileURLToPath(new URL(`../interop/scenarios/${run.scenario}`, import.meta.url))],
        ...['-t', run.transport === 'udp' ? 'u1' : 't1', '-i', '127.0.0.1'],
        ...['-ci', '127.0.0.1', '-s', run.user],
        ...Object.entries(keys).flatMap(([name, value]) => ['-key', name, value]),
        ...['-m', String(run.calls), '-r', String(run.rate), '-l', String(concurrent)],
        ...['-timeout', `${JOB_MS / 1000}s`, '-timeout_error', '-nostdin', '-skip_rlimit'],
        ...['-trace_stat', '-stf', file('statistics'), '-trace_err', '-error_file', file('errors')],
      ],
      { cwd: folder, withinMs: JOB_MS + 10_000, env: { ...process.env, TERM: 'dumb' } },
    );
    const errors = await readFile(file('errors'), 'utf8').catch(() => '');
    const statistics = await readFile(file('statistics'), 'utf8').catch(() => {
      throw new Error(`SIPp ended with ${code} and no statistics: ${stderr || stdout}`);
    });
    return { ...read(statistics), errors };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The last line of its statistics, whose columns ending in (C) count from the beginning. */
function read(statistics: string): Omit<SippResult, 'errors'> {
  const lines = statistics.trim().split('\n');
  const names = lines[0]?.split(';') ?? [];
  const values = lines.at(-1)?.split(';') ?? [];
  const count = (name: string) => {
    const index = names.indexOf(name);
    if (index < 0) throw new Error(`SIPp counts no ${name}`);
    return Number(values[index]);
  };
  return {
    created: count('TotalCallCreated'),
    succeeded: count('SuccessfulCall(C)'),
    failed: count('FailedCall(C)'),
    unexpected: count('FailedUnexpectedMessage(C)'),
    retransmissions: count('Retransmissions(C)'),
  };
}
