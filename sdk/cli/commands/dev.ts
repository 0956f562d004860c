/** `sip-push dev`: a push application while it is written. */

import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { reasonOf } from '../../../core/app/outcome.js';
import type { DevSession } from '../../dev/dev-session.js';
import { type Command, EXIT, UsageError } from '../command.js';
import { answerTo } from '../host-console.js';
import type { Io } from '../io.js';
import { printable } from '../printable.js';
import { answerPrinter, hostPrinter, logPrinter, receiptJson, receiptLine } from '../report.js';
import type { Words } from '../words.js';

const CONSOLE = `  APP QUERY [JSON]           ask the application about its state
  reload                     compile and load it anew
  help, quit`;

const HELP = `Usage: sip-push dev DIRECTORY [--options JSON] [--data FOLDER] [--json]

A SIP/IP core, a device with the push application in DIRECTORY, and a sender, in one process. When a file of
the application is saved it is compiled and loaded anew, and the device stays registered; what does not
compile or load is said, and the version before it goes on. Each line on stdin is a push, or a question:

  (nothing)                  push the first sample, in whichever mode fits
  pager|session|indirect     push it that way; then a media type, @FILE or any words, as you like
${CONSOLE}

  --options JSON   what a host's configuration would say for the application
  --data FOLDER    where the device keeps its store; in memory when absent
  --json           one JSON object a line on stdout, nothing else

Runs until SIGINT, SIGTERM or quit; ends with 0. Ends with 2 when there is no application to begin with.

Example
  sip-push create weather --yes && cd weather && npx sip-push dev .`;

export const dev: Command = {
  name: 'dev',
  summary: 'a push application while it is written',
  help: HELP,
  options: { options: { type: 'string' }, data: { type: 'string' }, json: { type: 'boolean' } },
  operands: true,
  async run(words, io) {
    const [directory, ...more] = words.operands;
    if (directory === undefined) throw new UsageError('dev lacks its directory; expected e.g. dev .');
    if (more.length > 0) throw new UsageError(`dev takes one directory; "${more[0]}" is another`);
    const json = words.has('json');
    const folder = resolve(directory);
    // esbuild is for the commands that use it: the others start without it.
    const { DevSession } = await import('../../dev/dev-session.js');
    const data = words.text('data');
    const session = await DevSession.start({
      folder,
      ...optionsOf(words),
      ...(data === undefined ? {} : { data: resolve(data) }),
      onEvent: hostPrinter(io, json),
      onLog: logPrinter(io),
    });
    try {
      await new Console(session, folder, io, json).run();
    } finally {
      await session.stop();
    }
    return EXIT.ok;
  },
};

function optionsOf(words: Words): { options?: unknown } {
  const text = words.text('options');
  if (text === undefined) return {};
  try {
    return { options: JSON.parse(text) };
  } catch (error) {
    throw new UsageError(
      `--options is not JSON: ${reasonOf(error)}; expected e.g. --options '{"city":"Oslo"}'`,
    );
  }
}

/** What is said while a session runs, and what is done about it. */
class Console {
  readonly #ended = new AbortController();

  constructor(
    private readonly session: DevSession,
    private readonly folder: string,
    private readonly io: Io,
    private readonly json: boolean,
  ) {}

  /** Until it is told to end. */
  async run(): Promise<void> {
    const { watchFolder } = await import('../../dev/watch.js');
    const signal = AbortSignal.any([this.io.signal, this.#ended.signal]);
    const unwatch = await watchFolder(
      this.folder,
      () => void this.reload(),
      (error) => this.io.err(`the folder is not watched any more (${error.message}): reload does it by hand`),
    );
    const lines = createInterface({ input: process.stdin });
    // One after another. A program that has said all it had to say waits for what came of it, as a person does.
    let turn: Promise<void> = Promise.resolve();
    lines.on('line', (line) => {
      turn = turn.then(() => this.answer(line.trim(), signal)).catch((error) => this.complain(error));
    });
    const apps = this.session.applications.map(({ manifest }) => manifest.id).join(', ');
    this.tell(
      { event: 'ready', apps },
      `${apps} runs. Enter pushes a sample, "help" says what else, Ctrl-C ends.`,
    );
    if (!signal.aborted)
      await new Promise((ended) => signal.addEventListener('abort', ended, { once: true }));
    unwatch();
    lines.close();
    // Whatever still comes on stdin keeps nobody here.
    process.stdin.destroy();
    await turn;
  }

  async reload(): Promise<void> {
    try {
      await this.session.reload();
      const apps = this.session.applications.map(({ manifest }) => manifest.id).join(', ');
      this.tell({ event: 'reloaded', apps }, `reloaded      ${apps}`);
    } catch (error) {
      // What does not compile has as many lines as it has problems.
      const reason = error instanceof Error ? error.message : String(error);
      const lines = reason.split('\n').map((line) => `              ${line}`);
      this.tell(
        { event: 'not-reloaded', reason },
        ['not reloaded  the version before goes on', ...lines].join('\n'),
      );
    }
  }

  async answer(line: string, signal: AbortSignal): Promise<void> {
    const { PUSH_HELP } = await import('../../dev/push-line.js');
    if (line === 'quit') return this.#ended.abort();
    if (line === 'help') return this.io.err(`${PUSH_HELP}\n${CONSOLE}`);
    if (line === 'reload') return this.reload();
    const question = /^(\S+)\s+(\S+)/.exec(line);
    const apps = this.session.applications.map(({ manifest }) => manifest);
    const asked =
      apps.some(({ id }) => id === question?.[1]) &&
      !/^(auto|pager|session|indirect)$/.test(question?.[2] ?? '');
    if (asked) return answerPrinter(this.io, this.json)(await answerTo(line, this.session.device));
    await this.push(line, signal);
  }

  async push(line: string, signal: AbortSignal): Promise<void> {
    const { readPushLine } = await import('../../dev/push-line.js');
    const { DEVICE } = await import('../../dev/dev-session.js');
    const apps = this.session.applications.map(({ manifest }) => manifest);
    const { push, title } = await readPushLine(line, apps, this.folder, DEVICE);
    if (!this.json) this.io.out(printable(`\u2192             ${title}`));
    for (const receipt of await this.session.push(push, signal)) {
      this.io.out(this.json ? receiptJson(receipt) : `receipt       ${receiptLine(receipt)}`);
    }
  }

  complain(error: unknown): void {
    this.io.err(printable(`no push: ${reasonOf(error)}`));
  }

  tell(event: object, text: string): void {
    if (this.json) this.io.out(JSON.stringify(event));
    else for (const line of text.split('\n')) this.io.out(printable(line));
  }
}
