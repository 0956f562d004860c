/** `sip-push build`: compiles a push application. */

import { resolve } from 'node:path';
import type { Command } from '../command.js';
import { EXIT, UsageError } from '../usage.js';

const HELP = `Usage: sip-push build [DIRECTORY]

Compiles a push application of TypeScript: each module of DIRECTORY/src (.ts, .mts, .js, .mjs) into
DIRECTORY/dist, with its source map. Modules in dist that come of no source any more are removed; files of
other kinds are neither copied nor touched. Types are taken away, not checked: that is your editor's work, or
that of "tsc --noEmit". DIRECTORY is the current one when absent.

Ends with 0 when everything was compiled, 2 when something was not: file, line and column are said.

Example
  sip-push build`;

export const build: Command = {
  name: 'build',
  help: HELP,
  options: {},
  operands: true,
  async run(words, io) {
    const [directory = '.', ...more] = words.operands;
    if (more.length > 0) throw new UsageError(`build takes one directory; "${more[0]}" is another`);
    // esbuild is for the commands that use it: the others start without it.
    const { buildApplication } = await import('../../dev/build-application.js');
    const modules = await buildApplication(resolve(directory));
    io.err(
      `${modules === 1 ? 'one module' : `${modules} modules`} in ${directory === '.' ? '' : `${directory}/`}dist`,
    );
    return EXIT.ok;
  },
};
