/** `sip-push create`: a new push application. */

import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { canonicalEventAppId } from '../../../core/app/contract/event-app-id.js';
import { filesOf } from '../../create/files.js';
import { idOf, idProblem, LANGUAGES, type Project, typeProblem } from '../../create/project.js';
import { requireNewFolder, writeProject } from '../../create/write-project.js';
import { VERSION } from '../../manifest/this-package.js';
import type { Command, Words } from '../command.js';
import type { Io } from '../io.js';
import { EXIT, UsageError } from '../usage.js';

const HELP = `Usage: sip-push create DIRECTORY [--id ID] [--type MEDIA-TYPE]… [--language ts|js] [--yes]

A new push application: source, manifest, tests, samples, README. "npm test" passes in it at once, and so does
"npm run check". What is not given is asked for at a terminal; elsewhere, or with --yes, it is as in brackets.

  --id ID            event-app-id that senders address [the directory's name, with .ua]
  --type MEDIA-TYPE  what it takes; several times for several [text/plain]
  --language ts|js   TypeScript, compiled by "sip-push build", or JavaScript [ts]
  --yes              asks nothing

The directory must be new, or empty. Nothing is installed: "npm install" does that.

Ends with 0 when it is written, 1 when you end the questions with Ctrl-C (nothing is written then), 2 when an
answer or the directory is wrong.

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
  async run(words, io) {
    const [directory, ...more] = words.operands;
    if (directory === undefined)
      throw new UsageError('create lacks its directory; expected e.g. create weather');
    if (more.length > 0) throw new UsageError(`create takes one directory; "${more[0]}" is another`);
    const folder = resolve(directory);
    // Ahead of the questions: whoever has answered them all is not told then that it was for nothing.
    await requireNewFolder(folder);
    const project = await projectOf(words, folder, io);
    if (!project) {
      io.err('nothing was written');
      return EXIT.failed;
    }
    const files = filesOf(project, VERSION);
    await writeProject(folder, files);
    io.err(`${project.id} in ${directory}: ${Object.keys(files).join(', ')}`);
    const into = folder === process.cwd() ? '' : `cd ${inShell(directory)} && `;
    io.err(`Next: ${into}npm install && npm test`);
    return EXIT.ok;
  },
};

/** @returns undefined when whoever was asked ended it. */
async function projectOf(words: Words, folder: string, io: Io): Promise<Project | undefined> {
  const id = words.text('id');
  const types = words.list('type');
  const language = words.text('language');
  if (id !== undefined) check('--id', idProblem(id));
  for (const type of types) check('--type', typeProblem(type));
  if (language !== undefined) check('--language', languageProblem(language));
  const given: Answers = { id, types: types.length > 0 ? types.join(' ') : undefined, language };
  const asking = io.input.isTTY === true && io.terminal && !words.has('yes');
  const answers = asking ? await asked(given, folder, io) : given;
  return (
    answers && {
      id: canonicalEventAppId(answers.id ?? idOf(folder)),
      types: [...new Set(listed(answers.types ?? TYPE))],
      language: LANGUAGES.find((known) => known === answers.language) ?? LANGUAGES[0],
    }
  );
}

/** When nobody says. */
const TYPE = 'text/plain';

interface Answers {
  id: string | undefined;
  /** Several with blanks, or commas, between them. */
  types: string | undefined;
  language: string | undefined;
}

/** @returns undefined at Ctrl-C, Ctrl-D, and when the process is told to end. */
async function asked(
  given: Answers,
  folder: string,
  { input, signal, err }: Io,
): Promise<Answers | undefined> {
  // What is typed at a terminal comes here, Ctrl-C too: it ends the lines.
  const terminal = createInterface({ input, output: process.stderr, signal });
  const lines = terminal[Symbol.asyncIterator]();
  const ask = async (question: string, preset: string, problem: (answer: string) => string | undefined) => {
    for (;;) {
      terminal.setPrompt(`${question} [${preset}] `);
      terminal.prompt();
      const { value, done } = await lines.next();
      if (done) throw new Ended();
      const answer = value.trim() || preset;
      const wrong = problem(answer);
      if (wrong === undefined) return answer;
      err(wrong);
    }
  };
  try {
    const { id, types, language } = given;
    return {
      id: id ?? (await ask('event-app-id that senders address?', idOf(folder), idProblem)),
      types: types ?? (await ask('media types that it takes?', TYPE, typesProblem)),
      language:
        language ??
        (await ask(`TypeScript or JavaScript (${LANGUAGES.join(', ')})?`, LANGUAGES[0], languageProblem)),
    };
  } catch (error) {
    if (!(error instanceof Ended)) throw error;
    err('');
    return undefined;
  } finally {
    terminal.close();
  }
}

/** There are no more answers. */
class Ended extends Error {}

function listed(types: string): string[] {
  return types.split(/[\s,]+/).filter((type) => type !== '');
}

function typesProblem(types: string): string | undefined {
  const all = listed(types);
  if (all.length === 0) return 'expected a media type, e.g. text/plain';
  return all.map(typeProblem).find((wrong) => wrong !== undefined);
}

function languageProblem(language: string): string | undefined {
  if (LANGUAGES.some((known) => known === language)) return undefined;
  return `"${language}" is no language here; expected ${LANGUAGES.join(' or ')}`;
}

function inShell(path: string): string {
  return /^[\w./:@%+-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

function check(option: string, problem: string | undefined): void {
  if (problem !== undefined) throw new UsageError(`${option} ${problem}`);
}
