/** Runs the `sip-push` command line in this process, with streams and a signal of the test. */

import { PassThrough } from 'node:stream';
import type { IoStreams } from '../../../sdk/cli/io-streams.js';
import { run } from '../../../sdk/cli/program.js';
import { type Ending, Running } from './running.js';

/** Input and output of a command in memory. */
export function memoryStreams(more: Partial<IoStreams> = {}): IoStreams {
  return {
    input: new PassThrough(),
    out: () => {},
    err: () => {},
    status: () => {},
    drained: async () => {},
    terminal: false,
    signal: new AbortController().signal,
    ...more,
  };
}

/** A running command. SIGINT and SIGTERM stop it, as if it had its own process. */
export class RunningCommand extends Running {
  readonly exited: Promise<Ending>;
  readonly stdin = new PassThrough();
  readonly #ending = new AbortController();

  constructor(args: readonly string[]) {
    super(['sip-push', ...args].join(' '));
    const write = (to: 'stdout' | 'stderr') => (text: string) => {
      for (const line of text.split('\n')) this.record(line, to);
    };
    const io = memoryStreams({
      input: this.stdin,
      out: write('stdout'),
      err: write('stderr'),
      status: write('stderr'),
      signal: this.#ending.signal,
    });
    this.exited = run(args, io).then((code) => ({ code, signal: null }));
  }

  kill(signal: NodeJS.Signals): void {
    if (signal !== 'SIGINT' && signal !== 'SIGTERM') throw new Error(`${signal} requires a separate process`);
    this.#ending.abort();
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    await this.exited;
  }
}
