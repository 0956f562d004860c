/** Runs a SIPp scenario of test/interop/scenarios and reads its statistics. */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { peerCommand } from './peers.js';
import { freePort } from './ports.js';
import { runProcess } from './process.js';
import { JOB_MS } from './wait.js';

/** Concurrent calls: few enough that all are answered before a retransmission, even on a busy machine. */
const CONCURRENT = 20;

export interface SippRun {
  /** A file of test/interop/scenarios. */
  scenario: string;
  host?: string;
  /** Port of the peer that SIPp calls, or of SIPp if it `listens`. */
  port: number;
  /** Whether the scenario waits for calls; it ends after `calls` of them. */
  listens?: boolean;
  transport: 'udp' | 'tcp';
  /** [service] in the scenario: the user part of the Request-URI. */
  user: string;
  /** Other keywords in the scenario, such as [domain]. */
  keys?: Readonly<Record<string, string>>;
  calls: number;
  /** Maximum calls per second. */
  rate: number;
  /** Maximum concurrent calls; 20 by default. */
  concurrent?: number;
}

export interface SippResult {
  created: number;
  succeeded: number;
  failed: number;
  /** Failed calls with an unexpected response. */
  unexpected: number;
  retransmissions: number;
  /** Output of SIPp about failures, for error messages. */
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
      throw new Error(`SIPp exited with ${code} without statistics: ${stderr || stdout}`);
    });
    return { ...read(statistics), errors };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Reads the last line of the statistics; columns ending in (C) are cumulative. */
function read(statistics: string): Omit<SippResult, 'errors'> {
  const lines = statistics.trim().split('\n');
  const names = lines[0]?.split(';') ?? [];
  const values = lines.at(-1)?.split(';') ?? [];
  const count = (name: string) => {
    const index = names.indexOf(name);
    if (index < 0) throw new Error(`no column ${name} in the statistics of SIPp`);
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
