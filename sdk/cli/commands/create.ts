/** `sip-push create`: a new push application. */

import { resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { filesOf } from '../../create/files.js';
import { idProblem, type Language, type Project, typeProblem } from '../../create/project.js';
import { writeProject } from '../../create/write-project.js';
import { type Command, EXIT, UsageError } from '../command.js';
import type { Io } from '../io.js';
import { VERSION } from '../manifest.js';
import type { Words } from '../words.js';

const HELP = `Usage: sip-push create DIRECTORY [--id ID] [--type MEDIA-TYPE]… [--language ts|js] [--yes]

A new push application: source, manifest, tests, samples, README. "npm test" passes in it at once, and so does
"npm run check". What is not given is asked for at a terminal; elsewhere, or with --yes, it is as in brackets.

  --id ID            event-app-id that senders address [the directory's name, with .ua]
  --type MEDIA-TYPE  what it takes; several times for several [text/plain]
  --language ts|js   TypeScript, compiled by "sip-push build", or JavaScript [ts]
  --yes              asks nothing

The directory must be new, or empty. Nothing is installed: "npm install" does that.

Example
  sip-push create weather --id weather.ua --type text/plain --yes`;

export const create: Command = {
  name: 'create',
  summary: 'a new push application',
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
    const project = await projectOf(words, resolve(directory), io);
    const files = filesOf(project, VERSION);
    await writeProject(resolve(directory), files);
    io.err(`${project.id} in ${directory}: ${Object.keys(files).join(', ')}`);
    io.err(`Next: cd ${directory} && npm install && npm test`);
    return EXIT.ok;
  },
};

async function projectOf(words: Words, folder: string, io: Io): Promise<Project> {
  const given = {
    id: words.text('id'),
    types: words.list('type'),
    language: words.text('language'),
  };
  if (given.id !== undefined) check('--id', idProblem(given.id));
  for (const type of given.types) check('--type', typeProblem(type));
  if (given.language !== undefined) check('--language', languageProblem(given.language));
  const presets = {
    id: given.id ?? idOf(folder),
    types: given.types.length > 0 ? given.types : ['text/plain'],
    language: given.language ?? 'ts',
  };
  const asking = process.stdin.isTTY === true && io.terminal && !words.has('yes');
  const { id, types, language } = asking ? await asked(given, presets, io) : presets;
  // What came of the directory's name may be none, where nobody was asked.
  check('--id', idProblem(id));
  return { id, types: [...new Set(types)], language: language === 'js' ? 'js' : ('ts' satisfies Language) };
}

interface Answers {
  id: string;
  types: readonly string[];
  language: string;
}

async function asked(
  given: { [Name in keyof Answers]: Answers[Name] | undefined },
  presets: Answers,
  { signal }: Io,
): Promise<Answers> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const ask = async (question: string, preset: string, problem: (answer: string) => string | undefined) => {
    for (;;) {
      const answer = (await terminal.question(`${question} [${preset}] `, { signal })).trim() || preset;
      const wrong = problem(answer);
      if (wrong === undefined) return answer;
      process.stderr.write(`${wrong}\n`);
    }
  };
  const listed = (text: string) => text.split(/[\s,]+/).filter((type) => type !== '');
  try {
    return {
      id: given.id ?? (await ask('event-app-id that senders address?', presets.id, idProblem)),
      types: given.types?.length
        ? given.types
        : listed(
            await ask('media types that it takes?', presets.types.join(' '), (text) =>
              listed(text)
                .map(typeProblem)
                .find((wrong) => wrong !== undefined),
            ),
          ),
      language:
        given.language ??
        (await ask('TypeScript or JavaScript (ts, js)?', presets.language, languageProblem)),
    };
  } finally {
    terminal.close();
  }
}

/** `./weather` → `weather.ua`, `sip-push-app-weather` → `weather.ua`. */
function idOf(folder: string): string {
  const name = folder.split(/[\\/]/).at(-1) ?? '';
  const word = name.replace(/^sip-push-app-/, '').toLowerCase();
  return /\.[a-z]+$/.test(word) ? word : `${word}.ua`;
}

function languageProblem(language: string): string | undefined {
  return language === 'ts' || language === 'js'
    ? undefined
    : `"${language}" is no language here; expected ts or js`;
}

function check(option: string, problem: string | undefined): void {
  if (problem !== undefined) throw new UsageError(`${option} ${problem}`);
}
