/** `sip-push build`: compiles a push application, and writes its manifest. */

import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ConfigurationError } from '../../../core/errors.js';
import { printable } from '../../../core/text.js';
import { captureOutput } from '../captured-output.js';
import type { Command } from '../command.js';
import type { IoStreams } from '../io-streams.js';
import { logPrinter } from '../report.js';
import { EXIT, UsageError } from '../usage.js';

const HELP = `Usage: sip-push build [DIRECTORY] [--check]

Builds the package of push applications in DIRECTORY (default: the current one):

1. In TypeScript, it compiles each module of src (.ts, .mts, .js, .mjs) to dist, with a source map, and writes .d.ts
   files. Modules in dist without a source are removed; other files are neither copied nor changed. This checks the
   types, with tsconfig.json and the TypeScript of the package, or the one beside sip-push. Without TypeScript it says
   so and continues. A package in JavaScript is not compiled.
2. It loads the applications, and writes what their definitions say to "sipPush" in package.json: the range of contract
   versions, and of each application its id, accepts, iari, replaces, needs, provides, the names of its events and
   queries, and the JSON Schema of its options. Other keys, such as permissions, samples and activation, are written by
   the author and stay unchanged. Without "sipPush", the application is the main module; of several applications, write
   the "module" of each.

The JSON Schema comes from the schema in the definition, with its descriptions and examples: by Standard JSON Schema, or
by the converter of zod, or of Valibot if the package declares @valibot/to-json-schema. Other libraries: write "options"
in package.json yourself.

  --check   writes nothing: checks the types, and fails if dist is older than src or the manifest is out of date; for
            "prepack" and tests

Exit code: 0; 2 if a module is not compiled, with file, line and column of each error; if an application cannot be
loaded; with --check if dist or the manifest is out of date.

Example
  sip-push build`;

export const build: Command = {
  name: 'build',
  help: HELP,
  options: { check: { type: 'boolean' } },
  operands: true,
  async run(args, io) {
    const [directory = '.', ...more] = args.operands;
    if (more.length > 0) throw new UsageError(`unexpected argument "${more[0]}": expected one DIRECTORY`);
    const folder = resolve(directory);
    await compile(folder, directory, args.has('check'), io);
    const release = captureOutput(logPrinter(io));
    try {
      await updateManifest(folder, args.has('check'), io);
    } finally {
      release();
    }
    return EXIT.ok;
  },
};

async function compile(folder: string, directory: string, check: boolean, io: IoStreams): Promise<void> {
  const { readPackageFields } = await import('../../manifest/package-manifest.js');
  await readPackageFields(folder);
  // Loaded here, so that other commands start without esbuild.
  const [{ buildApplication, isTypeScript }, { checkTypes }] = await Promise.all([
    import('../../dev/build-application.js'),
    import('../../dev/declarations.js'),
  ]);
  if (!(await isTypeScript(folder))) return;
  if (!(await checkTypes(folder, !check))) {
    const lacking = check ? '' : ', and dist has no .d.ts files';
    io.err(`types are not checked${lacking}: no TypeScript (npm install --save-dev typescript @types/node)`);
  }
  if (check) return await requireCurrentBuild(folder, directory);
  const modules = await buildApplication(folder);
  const dist = `${directory === '.' ? '' : `${directory}/`}dist`;
  io.err(`${modules === 1 ? 'one module' : `${modules} modules`} in ${dist}`);
}

/** @throws ConfigurationError if there is no build, or a source changed after it. */
async function requireCurrentBuild(folder: string, directory: string): Promise<void> {
  const { staleBuild, staleBuildText } = await import('../../manifest/stale-build.js');
  const stale = await staleBuild(folder);
  const isBuilt = existsSync(join(folder, 'dist'));
  if (isBuilt && !stale) return;
  const problem = stale ? staleBuildText(stale) : `${folder} is not built, it has no dist`;
  throw new ConfigurationError(`${problem}: run "sip-push build${directory === '.' ? '' : ` ${directory}`}"`);
}

async function updateManifest(folder: string, check: boolean, io: IoStreams): Promise<void> {
  const { manifestUpdate, requireCurrentManifest } = await import('../../manifest/update-manifest.js');
  if (check) return await requireCurrentManifest(folder);
  const update = await manifestUpdate(folder);
  for (const notice of update.notices) io.err(printable(notice));
  if (update.differences.length === 0) return;
  await update.write();
  io.err('"sipPush" in package.json was updated:');
  for (const change of update.changes) io.err(printable(`  ${change}`));
}
