/** The interface of a command of `sip-push`. */

import type { IoStreams } from './io-streams.js';
import { UsageError } from './usage.js';

export interface Command {
  name: string;
  /** The text of `--help`: usage, options, an example. */
  help: string;
  options: Readonly<Record<string, CommandOption>>;
  /** Whether it accepts operands, such as files. */
  operands?: boolean;
  /** Resolves with the exit code. */
  run(args: Arguments, io: IoStreams): Promise<number>;
}

export type CommandOption = { type: 'string'; multiple?: boolean } | { type: 'boolean' };

type Value = string | boolean | (string | boolean)[] | undefined;

/** The parsed arguments of a command. */
export class Arguments {
  constructor(
    private readonly values: Readonly<Record<string, Value>>,
    readonly operands: readonly string[],
  ) {}

  has(name: string): boolean {
    return this.values[name] === true;
  }

  /** Whether the command line has the option. */
  given(name: string): boolean {
    return this.values[name] !== undefined;
  }

  text(name: string): string | undefined {
    const value = this.values[name];
    if (value === '') throw new UsageError(`invalid --${name} "": expected a value`);
    return typeof value === 'string' ? value : undefined;
  }

  list(name: string): string[] {
    const value = this.values[name];
    return Array.isArray(value) ? value.map(String) : [];
  }

  /** @throws UsageError with the example if the option is missing. */
  required(name: string, example: string): string {
    const value = this.text(name);
    if (value === undefined) {
      throw new UsageError(`missing --${name}: expected e.g. --${name} ${example}`);
    }
    return value;
  }
}
