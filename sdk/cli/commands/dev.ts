/** `sip-push dev`: a push application while it is written. */

import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { printable, reasonOf } from '../../../core/text.js';
import type { DevSession } from '../../dev/dev-session.js';
import type { Command, Words } from '../command.js';
import { answerTo } from '../host-console.js';
import { type Io, keepPrivate } from '../io.js';
import { answerPrinter, hostPrinter, logPrinter, receiptJson, receiptLine } from '../report.js';
import { logUncaughtErrors } from '../stray-errors.js';
import { EXIT, UsageError } from '../usage.js';

const CONSOLE = `  APP QUERY [JSON]           ask the application about its state
  reload                     compile and load it anew
  help, quit`;

const HELP = `Usage: sip-push dev DIRECTORY [--options JSON] [--data FOLDER] [--json]

A SIP/IP core, a device with the push application in DIRECTORY, and a sender, in one process. When a file of
the application is saved it is compiled and loaded anew, and the device stays registered; what does not
compile or load is said, and the version before it goes on. While a new one starts there is none, and a push
may hear 480. Each line on stdin is a push, or a question:

  (nothing)                  push the first sample, in whichever mode fits
  pager|session|indirect     push it that way; then a media type, @FILE or any words, as you like
${CONSOLE}

  --options JSON   what a host's configuration would say for the application; when absent the first of the
                   "examples" in the JSON Schema that its manifest has for them
  --data FOLDER    where the device keeps its store; in memory when absent
  --json           one JSON object a line on stdout, nothing else

Runs until SIGINT, SIGTERM or quit, and ends with 0; the end of stdin ends nothing. Ends with 2 when there is
no application to begin with.

Example
  sip-push create weather --yes && npx sip-push dev weather`;

export const dev: Command = {
  name: 'dev',
  help: HELP,
  options: { options: { type: 'string' }, data: { type: 'string' }, json: { type: 'boolean' } },
  operands: true,
  async run(words, io) {
    const [directory, ...more] = words.operands;
    if (directory === undefined) throw new UsageError('dev lacks its directory; expected e.g. dev .');
    if (more.length > 0) throw new UsageError(`dev takes one directory; "${more[0]}" is another`);
    keepPrivate();
    // A stack tells lines of what was written, not of what was made of it.
    process.setSourceMapsEnabled(true);
    const unlisten = logUncaughtErrors(io);
    try {
      await runDev(words, resolve(directory), io);
    } finally {
      unlisten();
    }
    return EXIT.ok;
  },
};

async function runDev(words: Words, folder: string, io: Io): Promise<void> {
  const json = words.has('json');
  const data = words.text('data');
  // esbuild is for the commands that use it: the others start without it.
  const { DevSession } = await import('../../dev/dev-session.js');
  const store = data === undefined ? {} : { data: resolve(data) };
  const session = await DevSession.start({
    ...{ folder, ...optionsOf(words), ...store },
    onEvent: hostPrinter(io, json),
    onLog: logPrinter(io),
  });
  try {
    await new Console(session, { folder, ...store }, io, json).run();
  } finally {
    await session.stop();
  }
}

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

interface Folders {
  /** Of the application. */
  folder: string;
  /** Of the device's store. */
  data?: string;
}

/** What is said while a session runs, and what is done about it. */
class Console {
  readonly #ended = new AbortController();

  constructor(
    private readonly session: DevSession,
    private readonly folders: Folders,
    private readonly io: Io,
    private readonly json: boolean,
  ) {}

  /** Until it is told to end. */
  async run(): Promise<void> {
    const { watchFolder } = await import('../../dev/watch.js');
    const { folder, data } = this.folders;
    const signal = AbortSignal.any([this.io.signal, this.#ended.signal]);
    const unwatch = await watchFolder(folder, {
      // Each push is written there.
      except: data === undefined ? [] : [data],
      changed: () => void this.reload(),
      failed: ({ message }) =>
        this.io.err(printable(`not all of ${folder} is watched (${message}): "reload" does it by hand`)),
    });
    // What cannot be read has ended.
    const { input } = this.io;
    input.on('error', () => {});
    const lines = createInterface({ input });
    // One after another. A program that has said all it had to say waits for what came of it, as a person does.
    let turn: Promise<void> = Promise.resolve();
    lines.on('line', (line) => {
      turn = turn.then(() => this.answer(line.trim(), signal)).catch((error) => this.complain(error));
    });
    this.tell(
      'ready',
      {},
      `${this.#ids.join(', ')} runs. Enter pushes a sample, "help" says what else, Ctrl-C ends.`,
    );
    if (!signal.aborted)
      await new Promise((ended) => signal.addEventListener('abort', ended, { once: true }));
    unwatch();
    lines.close();
    // Whatever still comes on stdin keeps nobody here.
    input.destroy();
    await turn;
  }

  async reload(): Promise<void> {
    try {
      await this.session.reload();
      this.tell('reloaded', {}, `reloaded      ${this.#ids.join(', ')}`);
    } catch (error) {
      // What does not compile has as many lines as it has problems.
      const reason = error instanceof Error ? error.message : String(error);
      const lines = reason.split('\n').map((line) => `              ${line}`);
      this.tell(
        'not-reloaded',
        { reason },
        ['not reloaded  the version before goes on', ...lines].join('\n'),
      );
    }
  }

  async answer(line: string, signal: AbortSignal): Promise<void> {
    const { isQuery, PUSH_HELP } = await import('../../dev/push-line.js');
    if (line === 'quit') return this.#ended.abort();
    if (line === 'help') return this.io.err(`${PUSH_HELP}\n${CONSOLE}`);
    if (line === 'reload') return this.reload();
    if (!isQuery(line, this.session.applications)) return this.push(line, signal);
    answerPrinter(this.io, this.json)(await answerTo(line, this.session.device));
  }

  async push(line: string, signal: AbortSignal): Promise<void> {
    const { readPushLine } = await import('../../dev/push-line.js');
    const { DEVICE } = await import('../../dev/dev-session.js');
    const { push, title } = await readPushLine(line, this.session.applications, this.folders.folder, DEVICE);
    if (!this.json) this.io.out(printable(`\u2192             ${title}`));
    for (const receipt of await this.session.push(push, signal)) {
      this.io.out(this.json ? receiptJson(receipt) : `receipt       ${receiptLine(receipt)}`);
    }
  }

  complain(error: unknown): void {
    this.io.err(printable(`no push: ${reasonOf(error)}`));
  }

  tell(event: string, fields: object, text: string): void {
    if (this.json) this.io.out(JSON.stringify({ event, apps: this.#ids, ...fields }));
    else for (const line of text.split('\n')) this.io.out(printable(line));
  }

  get #ids(): string[] {
    return this.session.applications.map(({ id }) => id);
  }
}
