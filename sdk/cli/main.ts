#!/usr/bin/env node
/** `sip-push`: finds the command, gives it its words, and ends with its exit code. */

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { closest } from 'fastest-levenshtein';
import { SipPushError } from '../../core/errors.js';
import { type Command, EXIT, type Io, UsageError } from './command.js';
import { demo } from './commands/demo.js';
import { host } from './commands/host.js';
import { network } from './commands/network.js';
import { send } from './commands/send.js';

const COMMANDS: readonly Command[] = [demo, host, send, network];

const HELP = `sip-push: OMA Push using SIP

Usage: sip-push COMMAND [options]

${COMMANDS.map(({ name, summary }) => `  ${name.padEnd(10)}${summary}`).join('\n')}

sip-push COMMAND --help says more, with an example. --version prints the version.`;

async function main(args: readonly string[], io: Io): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    io.out(HELP);
    return name === undefined ? EXIT.usage : EXIT.ok;
  }
  if (name === '--version') {
    const manifest: { version: string } = JSON.parse(readFileSync(packageFile(), 'utf8'));
    io.out(manifest.version);
    return EXIT.ok;
  }
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (!command) {
    const names = COMMANDS.map((candidate) => candidate.name);
    throw new UsageError(
      `unknown command ${name}; did you mean ${closest(name, names)}? (${names.join(', ')})`,
    );
  }
  const { values, positionals } = parse(command, rest);
  if (values.help) {
    io.out(command.help);
    return EXIT.ok;
  }
  return await command.run(values, positionals, io);
}

function parse(command: Command, args: string[]) {
  try {
    return parseArgs({
      args,
      options: { ...command.options, help: { type: 'boolean', short: 'h' } },
      allowPositionals: true,
    });
  } catch (error) {
    throw new UsageError(`${(error as Error).message.split('\n')[0]} See sip-push ${command.name} --help`);
  }
}

function packageFile(): string {
  return new URL(import.meta.resolve('sip-push/package.json')).pathname;
}

const ending = new AbortController();
const io: Io = {
  out: (line) => process.stdout.write(`${line}\n`),
  err: (line) => process.stderr.write(`${line}\n`),
  signal: ending.signal,
};
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // The second one means it.
    if (ending.signal.aborted) process.exit(130);
    ending.abort();
  });
}
// `sip-push host --json | head`: nobody reads any more, which is no reason for a stack trace.
process.stdout.on('error', () => ending.abort());

main(process.argv.slice(2), io).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    if (error instanceof UsageError || error instanceof SipPushError) io.err(`sip-push: ${error.message}`);
    else io.err(`sip-push: ${error instanceof Error ? error.stack : String(error)}`);
    process.exitCode =
      error instanceof UsageError || error instanceof SipPushError ? EXIT.usage : EXIT.refused;
  },
);
