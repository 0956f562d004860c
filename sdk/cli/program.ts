/** `sip-push`: finds the command, gives it its words, and says how it ended. */

import { AppError, ConfigurationError, SipPushError } from '../../core/errors.js';
import { suggestion } from '../validation/suggestion.js';
import { type Command, EXIT, UsageError } from './command.js';
import { apps } from './commands/apps.js';
import { build } from './commands/build.js';
import { bundle } from './commands/bundle.js';
import { check } from './commands/check.js';
import { create } from './commands/create.js';
import { demo } from './commands/demo.js';
import { dev } from './commands/dev.js';
import { host } from './commands/host.js';
import { network } from './commands/network.js';
import { record } from './commands/record.js';
import { replay } from './commands/replay.js';
import { send } from './commands/send.js';
import { sender } from './commands/sender.js';
import { trace } from './commands/trace.js';
import type { Io } from './io.js';
import { VERSION } from './manifest.js';
import { printable } from './printable.js';
import { parseWords } from './words.js';

const COMMANDS: readonly Command[] = [
  demo,
  host,
  send,
  sender,
  network,
  apps,
  create,
  build,
  check,
  dev,
  bundle,
  trace,
  record,
  replay,
];

const HELP = `sip-push: OMA Push using SIP

Usage: sip-push COMMAND [options]

${COMMANDS.map(({ name, summary }) => `  ${name.padEnd(10)}${summary}`).join('\n')}

Example
  sip-push demo --once

sip-push COMMAND --help says more, with an example. --version prints the version.`;

/** @returns the exit code; never rejects. */
export async function run(args: readonly string[], io: Io): Promise<number> {
  return await command(args, io).catch((error: unknown) => complain(error, io));
}

async function command(args: readonly string[], io: Io): Promise<number> {
  const [name, ...rest] = args;
  switch (name) {
    case undefined:
      io.err(HELP);
      return EXIT.usage;
    case '--help':
    case '-h':
    case 'help':
      io.out(HELP);
      return EXIT.ok;
    case '--version':
      io.out(VERSION);
      return EXIT.ok;
  }
  const found = COMMANDS.find((candidate) => candidate.name === name);
  if (!found) {
    const names = COMMANDS.map((candidate) => candidate.name);
    throw new UsageError(`unknown command ${name}${suggestion(name, names)}`);
  }
  const words = parseWords(found, rest);
  if (words.has('help')) {
    io.out(found.help);
    return EXIT.ok;
  }
  return await found.run(words, io);
}

/** Says what went wrong. A stack trace only for what is no error of ours on purpose. */
function complain(error: unknown, io: Io): number {
  const expected = error instanceof UsageError || error instanceof SipPushError;
  const text = expected || !(error instanceof Error) ? String(expected ? error.message : error) : error.stack;
  for (const line of `${text}`.split('\n')) io.err(printable(`sip-push: ${line}`));
  const usage =
    error instanceof UsageError || error instanceof ConfigurationError || error instanceof AppError;
  return usage ? EXIT.usage : EXIT.failed;
}
