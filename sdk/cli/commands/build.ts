/** `sip-push build`: compiles a push application in TypeScript. */

import { resolve } from 'node:path';
import type { Command } from '../command.js';
import { EXIT, UsageError } from '../usage.js';

const HELP = `Usage: sip-push build [DIRECTORY]

Compiles a push application in TypeScript: each module of DIRECTORY/src (.ts, .mts, .js, .mjs) to DIRECTORY/dist,
with a source map. Modules in dist without a source are removed; other files are neither copied nor changed. Types are
removed, not checked: check them with your editor or "tsc --noEmit". Default of DIRECTORY: the current one.

Exit code: 0 if all modules were compiled; 2 otherwise, with file, line and column of each error.

Example
  sip-push build`;

export const build: Command = {
  name: 'build',
  help: HELP,
  options: {},
  operands: true,
  async run(args, io) {
    const [directory = '.', ...more] = args.operands;
    if (more.length > 0) throw new UsageError(`unexpected argument "${more[0]}": expected one DIRECTORY`);
    // Loaded here, so that other commands start without esbuild.
    const { buildApplication } = await import('../../dev/build-application.js');
    const modules = await buildApplication(resolve(directory));
    io.err(
      `${modules === 1 ? 'one module' : `${modules} modules`} in ${directory === '.' ? '' : `${directory}/`}dist`,
    );
    return EXIT.ok;
  },
};
