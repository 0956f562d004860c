/** Parses the arguments of a command. */

import { parseArgs } from 'node:util';
import { suggestion } from '../../core/text.js';
import { Arguments, type Command } from './command.js';
import { UsageError } from './usage.js';

type Options = Pick<Command, 'name' | 'options' | 'operands'>;

/** @throws UsageError naming the invalid argument and what was expected. */
export function parseArguments(command: Options, args: readonly string[]): Arguments {
  const options = { ...command.options, help: { type: 'boolean' as const, short: 'h' } };
  const { values, positionals, tokens } = parseArgs({
    args: [...args],
    options,
    allowPositionals: true,
    // Errors are reported below, with suggestions.
    strict: false,
    tokens: true,
  });
  const seen = new Set<string>();
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    checkOption(command, token);
    const option = command.options[token.name];
    const multiple = option?.type === 'string' && option.multiple === true;
    if (seen.has(token.name) && !multiple)
      throw new UsageError(`duplicate option ${token.rawName}: expected it at most once`);
    seen.add(token.name);
  }
  const [operand] = positionals;
  if (operand !== undefined && !command.operands && values.help !== true) {
    throw new UsageError(`unexpected argument "${operand}": ${command.name} accepts options only`);
  }
  return new Arguments(values, positionals);
}

function checkOption(command: Options, { name, rawName, value, inlineValue }: OptionToken): void {
  if (name === 'help') return;
  const option = Object.hasOwn(command.options, name) ? command.options[name] : undefined;
  if (!option) {
    const known = [...Object.keys(command.options), 'help'].map((each) => `--${each}`);
    throw new UsageError(`unknown option ${rawName}${suggestion(rawName, known)}`);
  }
  if (option.type === 'boolean' && value !== undefined) {
    throw new UsageError(`unexpected value "${value}": ${rawName} accepts no value`);
  }
  // In `--config --json`, the value is missing. A value that begins with a dash is written `--config=-value`.
  const missing = value === undefined || (inlineValue === false && /^-./.test(value));
  if (option.type === 'string' && missing) throw new UsageError(`missing value of ${rawName}`);
}

interface OptionToken {
  name: string;
  rawName: string;
  value: string | undefined;
  /** Whether it is written as `--name=value`. */
  inlineValue: boolean | undefined;
}
