/** `sip-push create`: creates a push application. */

import { relative, resolve, sep } from 'node:path';
import { createInterface } from 'node:readline';
import { canonicalEventAppId } from '../../../core/app/contract/event-app-id.js';
import { filesOf } from '../../create/files.js';
import { ownTarball } from '../../create/own-tarball.js';
import { idOf, idProblem, LANGUAGES, type Project, typeProblem } from '../../create/project.js';
import { requireNewFolder, writeProject } from '../../create/write-project.js';
import { VERSION } from '../../manifest/this-package.js';
import type { Arguments, Command } from '../command.js';
import type { IoStreams } from '../io-streams.js';
import { EXIT, UsageError } from '../usage.js';

const HELP = `Usage: sip-push create DIRECTORY [--id ID] [--type MEDIA-TYPE]… [--language ts|js] [--yes]

Creates a push application: source, manifest, tests, samples, README. "npm test" and "npm run check" pass at once.
At a terminal it asks for missing options; otherwise, or with --yes, it uses the values in brackets.

  --id ID            event-app-id that senders address [the name of the directory with .ua]
  --type MEDIA-TYPE  accepted media type; can be repeated [text/plain]
  --language ts|js   TypeScript, compiled by "sip-push build", or JavaScript [ts]
  --yes              does not ask

The directory must be new or empty. Its tests need sip-push in the node_modules of it or of a parent folder. If npm
installed this sip-push from a tarball, "npm install" in the directory installs the same tarball.

Exit code: 0 if the application was created; 1 if you cancelled with Ctrl-C (nothing is written); 2 if an option or
the directory is invalid.

Example
  sip-push create weather --id weather.ua --type text/plain --yes`;

export const create: Command = {
  name: 'create',
  help: HELP,
  options: {
    id: { type: 'string' },
    type: { type: 'string', multiple: true },
    language: { type: 'string' },
    yes: { type: 'boolean' },
  },
  operands: true,
  async run(args, io) {
    const [directory, ...more] = args.operands;
    if (directory === undefined)
      throw new UsageError('missing DIRECTORY: expected e.g. sip-push create weather');
    if (more.length > 0) throw new UsageError(`unexpected argument "${more[0]}": expected one DIRECTORY`);
    const folder = resolve(directory);
    // Checked before the questions, so that no answers are lost.
    await requireNewFolder(folder);
    const project = await projectOf(args, folder, io);
    if (!project) {
      io.err('nothing was written');
      return EXIT.failed;
    }
    const tarball = await ownTarball();
    const files = filesOf(project, {
      version: VERSION,
      tarball: tarball && relative(folder, tarball).replaceAll(sep, '/'),
    });
    await writeProject(folder, files);
    io.err(`${project.id} in ${directory}: ${Object.keys(files).join(', ')}`);
    const into = folder === process.cwd() ? '' : `cd ${shellQuoted(directory)} && `;
    io.err(
      tarball
        ? `Next: ${into}npm install && npm test`
        : `Next: ${into}npm test (install sip-push in it first if no parent folder has it)`,
    );
    return EXIT.ok;
  },
};

/** @returns undefined if the user cancelled. */
async function projectOf(args: Arguments, folder: string, io: IoStreams): Promise<Project | undefined> {
  const id = args.text('id');
  const types = args.list('type');
  const language = args.text('language');
  if (id !== undefined) check('--id', idProblem(id));
  for (const type of types) check('--type', typeProblem(type));
  if (language !== undefined) check('--language', languageProblem(language));
  const provided: Answers = { id, types: types.length > 0 ? types.join(' ') : undefined, language };
  const interactive = io.input.isTTY === true && io.terminal && !args.has('yes');
  const answers = interactive ? await askMissing(provided, folder, io) : provided;
  return (
    answers && {
      id: canonicalEventAppId(answers.id ?? idOf(folder)),
      types: [...new Set(splitTypes(answers.types ?? TYPE))],
      language: LANGUAGES.find((known) => known === answers.language) ?? LANGUAGES[0],
    }
  );
}

/** Default media type. */
const TYPE = 'text/plain';

interface Answers {
  id: string | undefined;
  /** Separated by spaces or commas. */
  types: string | undefined;
  language: string | undefined;
}

/** @returns undefined after Ctrl-C, Ctrl-D or a signal. */
async function askMissing(
  provided: Answers,
  folder: string,
  { input, signal, err }: IoStreams,
): Promise<Answers | undefined> {
  // Ctrl-C at the terminal ends the iteration of its lines.
  const terminal = createInterface({ input, output: process.stderr, signal });
  const lines = terminal[Symbol.asyncIterator]();
  const ask = async (
    question: string,
    defaultAnswer: string,
    problem: (answer: string) => string | undefined,
  ) => {
    for (;;) {
      terminal.setPrompt(`${question} [${defaultAnswer}] `);
      terminal.prompt();
      const { value, done } = await lines.next();
      if (done) throw new InputEndedError();
      const answer = value.trim() || defaultAnswer;
      const error = problem(answer);
      if (error === undefined) return answer;
      err(error);
    }
  };
  try {
    const { id, types, language } = provided;
    return {
      id: id ?? (await ask('event-app-id that senders address?', idOf(folder), idProblem)),
      types: types ?? (await ask('accepted media types?', TYPE, typesProblem)),
      language:
        language ??
        (await ask(`TypeScript or JavaScript (${LANGUAGES.join(', ')})?`, LANGUAGES[0], languageProblem)),
    };
  } catch (error) {
    if (!(error instanceof InputEndedError)) throw error;
    err('');
    return undefined;
  } finally {
    terminal.close();
  }
}

/** The input ended before all questions were answered. */
class InputEndedError extends Error {
  static {
    InputEndedError.prototype.name = 'InputEndedError';
  }
}

function splitTypes(types: string): string[] {
  return types.split(/[\s,]+/).filter((type) => type !== '');
}

function typesProblem(types: string): string | undefined {
  const all = splitTypes(types);
  if (all.length === 0) return 'expected a media type, e.g. text/plain';
  return all.map(typeProblem).find((problem) => problem !== undefined);
}

function languageProblem(language: string): string | undefined {
  if (LANGUAGES.some((known) => known === language)) return undefined;
  return `"${language}" is not supported: expected ${LANGUAGES.join(' or ')}`;
}

function shellQuoted(path: string): string {
  return /^[\w./:@%+-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

function check(option: string, problem: string | undefined): void {
  if (problem !== undefined) throw new UsageError(`${option} ${problem}`);
}
