/** The words after the name of a command: its options, and what it is to work on. */

import { parseArgs } from 'node:util';
import { suggestion } from '../../core/text.js';
import { type Command, Words } from './command.js';
import { UsageError } from './usage.js';

type Options = Pick<Command, 'name' | 'options' | 'operands'>;

/** @throws UsageError that says which word is wrong, and what was expected. */
export function parseWords(command: Options, args: readonly string[]): Words {
  const options = { ...command.options, help: { type: 'boolean' as const, short: 'h' } };
  const { values, positionals, tokens } = parseArgs({
    args: [...args],
    options,
    allowPositionals: true,
    // What is wrong is said below, in words of our own.
    strict: false,
    tokens: true,
  });
  const seen = new Set<string>();
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    checkOption(command, token);
    const option = command.options[token.name];
    const multiple = option?.type === 'string' && option.multiple === true;
    if (seen.has(token.name) && !multiple) throw new UsageError(`${token.rawName} is given twice`);
    seen.add(token.name);
  }
  const [operand] = positionals;
  if (operand !== undefined && !command.operands && values.help !== true) {
    throw new UsageError(`${command.name} takes options only; "${operand}" is none`);
  }
  return new Words(values, positionals);
}

function checkOption(command: Options, { name, rawName, value, inlineValue }: OptionToken): void {
  if (name === 'help') return;
  const option = Object.hasOwn(command.options, name) ? command.options[name] : undefined;
  if (!option) {
    const known = [...Object.keys(command.options), 'help'].map((each) => `--${each}`);
    throw new UsageError(`unknown option ${rawName}${suggestion(rawName, known)}`);
  }
  if (option.type === 'boolean' && value !== undefined) {
    throw new UsageError(`${rawName} takes no value, but was given "${value}"`);
  }
  // `--config --json` forgets a value; one that begins with a dash is written `--config=-odd`.
  const forgotten = value === undefined || (inlineValue === false && /^-./.test(value));
  if (option.type === 'string' && forgotten) throw new UsageError(`${rawName} lacks its value`);
}

interface OptionToken {
  name: string;
  rawName: string;
  value: string | undefined;
  /** Whether it was written `--name=value`. */
  inlineValue: boolean | undefined;
}
