/** `sip-push dev`: runs a push application during development. */

import { resolve } from 'node:path';
import { printable, reasonOf } from '../../../core/text.js';
import type { DevSession } from '../../dev/dev-session.js';
import { captureOutput } from '../captured-output.js';
import type { Arguments, Command } from '../command.js';
import { answerTo, CONSOLE_HELP, isDeadLetterCommand } from '../host-console.js';
import { type IoStreams, setPrivateUmask } from '../io-streams.js';
import { type LineEditor, lineEditor } from '../line-editor.js';
import { answerPrinter, hostPrinter, logPrinter, receiptJson, receiptLine } from '../report.js';
import { logUncaughtErrors } from '../uncaught-errors.js';
import { EXIT, UsageError } from '../usage.js';

const CONSOLE = `${CONSOLE_HELP}
  reload                     compiles and reloads the application
  help, quit`;

const HELP = `Usage: sip-push dev DIRECTORY [--options JSON] [--with PACKAGE] [--data FOLDER] [--json]

Runs a SIP/IP core, a device with the push application in DIRECTORY, and a sender, in one process. When you save a file
of the application, it is compiled and reloaded, and the device stays registered. If it does not compile or load, the
error is printed and the previous version continues. During a reload a push can be answered with 480. The definition can
differ from the manifest in package.json, which "sip-push build" updates. Each line on stdin is a push or a command:

  (empty line)               pushes the first sample in automatic mode
  pager|session|indirect     pushes in this mode; a media type, @FILE or a text can follow
${CONSOLE}

  --options JSON   options of the application, as in a host's configuration; default: the first of the "examples" in
                   the JSON Schema of its manifest
  --with PACKAGE   an application that provides a service: its package or path, as in a host's configuration; can be
                   repeated; it is not reloaded
  --data FOLDER    folder of the device's store; default: in memory
  --json           prints one JSON object per line on stdout

It runs until SIGINT, SIGTERM or quit, and continues after the end of stdin. At a terminal, lines can be edited, the
arrow keys recall earlier ones, and Ctrl-D ends it, too.

Exit code: 0; 2 if the application cannot be loaded at the start.

Example
  sip-push create weather --yes && npx sip-push dev weather`;

export const dev: Command = {
  name: 'dev',
  help: HELP,
  options: {
    options: { type: 'string' },
    with: { type: 'string', multiple: true },
    data: { type: 'string' },
    json: { type: 'boolean' },
  },
  operands: true,
  async run(args, io) {
    const [directory, ...more] = args.operands;
    if (directory === undefined) throw new UsageError('missing DIRECTORY: expected e.g. sip-push dev .');
    if (more.length > 0) throw new UsageError(`unexpected argument "${more[0]}": expected one DIRECTORY`);
    setPrivateUmask();
    // Stack traces then refer to the source, not to the compiled code.
    process.setSourceMapsEnabled(true);
    const unlisten = logUncaughtErrors(io);
    const editor = lineEditor(io);
    const release = captureOutput(logPrinter(editor.io));
    try {
      await runDev(args, resolve(directory), editor);
    } finally {
      release();
      unlisten();
    }
    return EXIT.ok;
  },
};

async function runDev(args: Arguments, folder: string, editor: LineEditor): Promise<void> {
  const { io } = editor;
  const json = args.has('json');
  const data = args.text('data');
  // Loaded here, so that other commands start without esbuild.
  const { DevSession } = await import('../../dev/dev-session.js');
  const store = { data: data === undefined ? undefined : resolve(data) };
  const session = await DevSession.start({
    folder,
    ...optionsOf(args),
    ...store,
    providers: args.list('with'),
    onEvent: hostPrinter(io, json),
    onLog: logPrinter(io),
  });
  try {
    await new Console(session, { folder, ...store }, editor, json).run();
  } finally {
    await session.stop();
  }
}

function optionsOf(args: Arguments): { options?: unknown } {
  const text = args.text('options');
  if (text === undefined) return {};
  try {
    return { options: JSON.parse(text) };
  } catch (error) {
    throw new UsageError(`invalid --options: expected JSON, e.g. '{"city":"Oslo"}' (${reasonOf(error)})`);
  }
}

interface Folders {
  /** Folder of the application. */
  folder: string;
  /** Folder of the device's store. */
  data?: string;
}

/** Executes the lines of stdin, and reloads the application when a file changes. */
class Console {
  readonly #ended = new AbortController();

  constructor(
    private readonly session: DevSession,
    private readonly folders: Folders,
    private readonly editor: LineEditor,
    private readonly json: boolean,
  ) {}

  private get io(): IoStreams {
    return this.editor.io;
  }

  /** Resolves after `quit` or a signal. */
  async run(): Promise<void> {
    const { watchFolder } = await import('../../dev/watch.js');
    const { folder, data } = this.folders;
    const signal = AbortSignal.any([this.io.signal, this.#ended.signal]);
    const unwatch = await watchFolder(folder, {
      // The device writes to its store at each push.
      except: data === undefined ? [] : [data],
      isSource: (file) => this.session.isSource(file),
      changed: () => void this.reload(),
      failed: ({ message }) =>
        this.io.err(printable(`cannot watch all of ${folder} (${message}): enter "reload" after a change`)),
    });
    // An input that fails is treated as ended.
    const { input } = this.io;
    input.on('error', () => {});
    const lines = this.editor.open();
    // In raw mode the terminal sends no signals.
    lines.on('SIGINT', () => this.#ended.abort());
    // Ctrl-D
    if (input.isTTY) lines.on('close', () => this.#ended.abort());
    // Lines are executed in order, including lines that still wait when the input ends.
    let previous: Promise<void> = Promise.resolve();
    lines.on('line', (line) => {
      previous = previous
        .then(() => this.answer(line.trim(), signal))
        .catch((error) => this.reportError(error));
    });
    this.report(
      'ready',
      {},
      `${this.#ids.join(', ')} is running. Enter pushes a sample, "help" lists the commands, Ctrl-C stops.`,
    );
    if (!signal.aborted)
      await new Promise((ended) => signal.addEventListener('abort', ended, { once: true }));
    unwatch();
    lines.close();
    // An open stdin keeps the process running.
    input.destroy();
    await previous;
  }

  async reload(): Promise<void> {
    try {
      await this.session.reload();
      this.report('reloaded', {}, `reloaded      ${this.#ids.join(', ')}`);
    } catch (error) {
      // The compiler reports one error per line.
      const reason = error instanceof Error ? error.message : String(error);
      const lines = reason.split('\n').map((line) => `              ${line}`);
      this.report(
        'not-reloaded',
        { reason },
        ['not reloaded  the previous version continues', ...lines].join('\n'),
      );
    }
  }

  async answer(line: string, signal: AbortSignal): Promise<void> {
    const { isQuery, PUSH_HELP } = await import('../../dev/push-line.js');
    if (line === 'quit') return this.#ended.abort();
    if (line === 'help') return this.io.err(`${PUSH_HELP}\n${CONSOLE}`);
    if (line === 'reload') return this.reload();
    if (!isDeadLetterCommand(line) && !isQuery(line, this.session.loadedIds)) return this.push(line, signal);
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

  reportError(error: unknown): void {
    this.io.err(printable(`push failed: ${reasonOf(error)}`));
  }

  report(event: string, fields: object, text: string): void {
    if (this.json) this.io.out(JSON.stringify({ event, apps: this.#ids, ...fields }));
    else for (const line of text.split('\n')) this.io.out(printable(line));
  }

  get #ids(): string[] {
    return this.session.applications.map(({ id }) => id);
  }
}
