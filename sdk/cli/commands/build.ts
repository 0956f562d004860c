/** `sip-push build`: compiles a push application in TypeScript. */

import { resolve } from 'node:path';
import type { Command } from '../command.js';
import { EXIT, UsageError } from '../usage.js';

const HELP = `Usage: sip-push build [DIRECTORY] [--types]

Compiles a push application in TypeScript: each module of DIRECTORY/src (.ts, .mts, .js, .mjs) to DIRECTORY/dist,
with a source map. Modules in dist without a source are removed; other files are neither copied nor changed. Default of
DIRECTORY: the current one.

  --types   checks the types first, with the TypeScript that the package has installed and DIRECTORY/tsconfig.json;
            without TypeScript, says so and compiles. Types are otherwise removed, not checked

Exit code: 0 if all modules were compiled; 2 otherwise, with file, line and column of each error.

Example
  sip-push build`;

export const build: Command = {
  name: 'build',
  help: HELP,
  options: { types: { type: 'boolean' } },
  operands: true,
  async run(args, io) {
    const [directory = '.', ...more] = args.operands;
    if (more.length > 0) throw new UsageError(`unexpected argument "${more[0]}": expected one DIRECTORY`);
    // Loaded here, so that other commands start without esbuild.
    const [{ buildApplication }, { checkTypes }] = await Promise.all([
      import('../../dev/build-application.js'),
      import('../../dev/type-check.js'),
    ]);
    const folder = resolve(directory);
    if (args.has('types') && !(await checkTypes(folder))) {
      io.err('types are not checked: no TypeScript (npm install --save-dev typescript @types/node)');
    }
    const modules = await buildApplication(folder);
    io.err(
      `${modules === 1 ? 'one module' : `${modules} modules`} in ${directory === '.' ? '' : `${directory}/`}dist`,
    );
    return EXIT.ok;
  },
};
