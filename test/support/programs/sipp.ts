/** SIPp: runs a scenario of test/interop/scenarios and reads its statistics. */

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually, JOB_MS } from '../wait.js';
import { peerCommand } from './peers.js';
import { freePort } from './ports.js';
import { type RunningProcess, startProcess } from './process.js';

/** Concurrent calls; few enough that all are answered before a retransmission, even on a busy machine. */
const CONCURRENT = 20;

export interface SippScenario {
  /** A file of test/interop/scenarios. */
  scenario: string;
  transport: 'udp' | 'tcp';
  /** [service] of the scenario: the user part of the Request-URI. */
  user: string;
  /** Other keywords of the scenario, such as [domain]. */
  keys?: Readonly<Record<string, string>>;
}

export interface SippRun extends SippScenario {
  host?: string;
  /** Port of the peer that SIPp calls. */
  port: number;
  calls: number;
  /** Maximum calls per second. */
  rate: number;
  /** Maximum concurrent calls; 20 by default. */
  concurrent?: number;
  /** Whether a request over UDP is sent once, however late its response is. */
  once?: boolean;
}

export interface SippResult {
  created: number;
  succeeded: number;
  failed: number;
  /** Failed calls with a message that the scenario does not expect. */
  unexpected: number;
  retransmissions: number;
  /** SIPp's log of failures, for error messages. */
  errors: string;
}

/** Runs SIPp as the caller. */
export async function runSipp(run: SippRun): Promise<SippResult> {
  const { host = '127.0.0.1', concurrent = CONCURRENT } = run;
  await using sipp = await Sipp.start(run, [
    ...[`${host}:${run.port}`, '-p', String(await freePort())],
    ...['-m', String(run.calls), '-r', String(run.rate), '-l', String(concurrent)],
    ...['-timeout', `${JOB_MS / 1000}s`, '-timeout_error'],
    ...(run.once ? ['-nr'] : []),
  ]);
  return await sipp.result();
}

/** SIPp as the callee, until `finish`. */
export class SippTerminal {
  private constructor(private readonly sipp: Sipp) {}

  /** @param port port of SIPp. Resolves when SIPp listens. */
  static async listen(scenario: SippScenario, port: number): Promise<SippTerminal> {
    const sipp = await Sipp.start(scenario, ['-p', String(port)]);
    const ended = sipp.running.exited.then(() => {
      throw new Error(`SIPp ended: ${sipp.running.describe()}`);
    });
    ended.catch(() => undefined);
    await Promise.race([ended, eventually('SIPp listens', () => isInUse(port))]);
    return new SippTerminal(sipp);
  }

  /**
   * Waits until all calls have ended. SIPp runs until then, because a retransmission to a closed port would be an error.
   */
  async finish(): Promise<SippResult> {
    await using sipp = this.sipp;
    // The signal of the key q, which ends SIPp.
    sipp.running.kill('SIGUSR1');
    return await sipp.result();
  }

  /** Ends SIPp if a test failed before `finish`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.sipp[Symbol.asyncDispose]();
  }
}

class Sipp {
  private constructor(
    readonly running: RunningProcess,
    private readonly folder: string,
  ) {}

  static async start(
    { scenario, transport, user, keys = {} }: SippScenario,
    args: readonly string[],
  ): Promise<Sipp> {
    const folder = await mkdtemp(join(tmpdir(), 'sip-push-sipp-'));
    const running = await startProcess(
      peerCommand('sipp'),
      [
        ...args,
        ...['-sf', fileURLToPath(new URL(`../../interop/scenarios/${scenario}`, import.meta.url))],
        ...['-t', transport === 'udp' ? 'u1' : 't1', '-i', '127.0.0.1'],
        ...['-ci', '127.0.0.1', '-s', user, '-nostdin', '-skip_rlimit'],
        ...Object.entries(keys).flatMap(([name, value]) => ['-key', name, value]),
        ...[
          '-trace_stat',
          '-stf',
          join(folder, STATISTICS),
          '-trace_err',
          '-error_file',
          join(folder, ERRORS),
        ],
      ],
      { cwd: folder, env: { ...process.env, TERM: 'dumb' } },
    );
    return new Sipp(running, folder);
  }

  /** The results, after SIPp has ended. */
  async result(): Promise<SippResult> {
    await this.running.ended(JOB_MS + 10_000);
    const read = (name: string) => readFile(join(this.folder, name), 'utf8');
    const errors = await read(ERRORS).catch(() => '');
    const statistics = await read(STATISTICS).catch(() => {
      throw new Error(`SIPp wrote no statistics: ${this.running.describe()}`);
    });
    return { ...countsOf(statistics), errors };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.running.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

const STATISTICS = 'statistics';
const ERRORS = 'errors';

/** The last line of its statistics, whose columns ending in (C) count from the beginning. */
function countsOf(statistics: string): Omit<SippResult, 'errors'> {
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

/** Whether a process has bound the UDP port. */
async function isInUse(port: number): Promise<true | undefined> {
  const socket = createSocket('udp4');
  socket.bind({ port, address: '127.0.0.1', exclusive: true });
  try {
    await once(socket, 'listening');
    await new Promise<void>((resolve) => socket.close(resolve));
    return undefined;
  } catch {
    return true;
  }
}
