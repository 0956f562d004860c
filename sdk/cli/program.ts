/** Finds the command of `sip-push`, passes its arguments, and returns its exit code. */

import { suggestion } from '../../core/text.js';
import { VERSION } from '../manifest/this-package.js';
import { parseArguments } from './arguments.js';
import type { Command } from './command.js';
import type { IoStreams } from './io-streams.js';
import { EXIT, reportError, UsageError } from './usage.js';

interface Entry {
  name: string;
  summary: string;
  load(): Promise<Command>;
}

/** A command is loaded only when it is used, so that other commands start without its dependencies. */
const COMMANDS: readonly Entry[] = [
  {
    name: 'demo',
    summary: 'core, sender and device in one process, with a web page',
    load: async () => (await import('./commands/demo.js')).demo,
  },
  {
    name: 'host',
    summary: 'a device: receives pushes for its applications',
    load: async () => (await import('./commands/host.js')).host,
  },
  {
    name: 'send',
    summary: 'sends one push as a Push Sender Agent',
    load: async () => (await import('./commands/send.js')).send,
  },
  {
    name: 'sender',
    summary: 'a long-running Push Sender Agent, with an HTTP API',
    load: async () => (await import('./commands/sender.js')).sender,
  },
  {
    name: 'pap',
    summary: 'a Push Initiator: submits pushes to a Push Proxy Gateway',
    load: async () => (await import('./commands/pap.js')).pap,
  },
  {
    name: 'network',
    summary: 'an embedded SIP/IP core, for development',
    load: async () => (await import('./commands/network.js')).network,
  },
  {
    name: 'apps',
    summary: 'lists the push applications and their permissions',
    load: async () => (await import('./commands/apps.js')).apps,
  },
  {
    name: 'create',
    summary: 'creates a push application',
    load: async () => (await import('./commands/create.js')).create,
  },
  {
    name: 'build',
    summary: 'compiles a push application, and writes its manifest',
    load: async () => (await import('./commands/build.js')).build,
  },
  {
    name: 'check',
    summary: 'checks push applications against the contract',
    load: async () => (await import('./commands/check.js')).check,
  },
  {
    name: 'dev',
    summary: 'runs a push application during development',
    load: async () => (await import('./commands/dev.js')).dev,
  },
  {
    name: 'bundle',
    summary: 'bundles a host and its applications into one file',
    load: async () => (await import('./commands/bundle.js')).bundle,
  },
  {
    name: 'trace',
    summary: 'shows a trace as a message ladder, or converts it for Wireshark',
    load: async () => (await import('./commands/trace.js')).trace,
  },
  {
    name: 'record',
    summary: 'a device that records its pushes, for replay',
    load: async () => (await import('./commands/record.js')).record,
  },
  {
    name: 'replay',
    summary: 'replays a recording and reports differences',
    load: async () => (await import('./commands/replay.js')).replay,
  },
];

const HELP = `sip-push: OMA Push using SIP

Usage: sip-push COMMAND [options]

${COMMANDS.map(({ name, summary }) => `  ${name.padEnd(10)}${summary}`).join('\n')}

Example
  sip-push demo --once

sip-push COMMAND --help describes a command. --version prints the version.`;

/** @returns the exit code; never rejects. */
export async function run(argv: readonly string[], io: IoStreams): Promise<number> {
  return await runCommand(argv, io).catch((error: unknown) => reportError(error, io));
}

async function runCommand(argv: readonly string[], io: IoStreams): Promise<number> {
  const [name, ...rest] = argv;
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
  const entry = COMMANDS.find((candidate) => candidate.name === name);
  if (!entry) {
    const names = COMMANDS.map((candidate) => candidate.name);
    throw new UsageError(`unknown command ${name}${suggestion(name, names)}`);
  }
  const command = await entry.load();
  const args = parseArguments(command, rest);
  if (args.has('help')) {
    io.out(command.help);
    return EXIT.ok;
  }
  return await command.run(args, io);
}
