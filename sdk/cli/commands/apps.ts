/** `sip-push apps`: lists the push applications that a host finds, with their manifests. */

import { existsSync, realpathSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type StaticManifest, staticPart } from '../../../core/app/contract/static-manifest.js';
import { printable } from '../../../core/text.js';
import { bundledApplication } from '../../manifest/bundled.js';
import { installedApplications } from '../../manifest/installed.js';
import {
  type PackageApplication,
  type PackageManifest,
  readPackageManifest,
} from '../../manifest/package-manifest.js';
import { BUNDLED_APPLICATIONS, PACKAGE_FOLDER } from '../../manifest/this-package.js';
import type { Command } from '../command.js';
import { EXIT, UsageError } from '../usage.js';

const HELP = `Usage: sip-push apps [DIRECTORY] [--json]

Lists the push applications that a host in DIRECTORY (default: the current one) finds: the bundled ones, the package
in DIRECTORY, and installed packages named sip-push-app-…, with their media types, services, events, queries and permissions.
They are read from "sipPush" in package.json: no code of the packages runs.

  --json   prints one JSON object per line on stdout

Exit code: 0; 1 if a package is invalid or for another version of the contract; 2 if the command is invalid.

Example
  npm install sip-push-app-weather
  sip-push apps`;

export const apps: Command = {
  name: 'apps',
  help: HELP,
  options: { json: { type: 'boolean' } },
  operands: true,
  async run(args, io) {
    const [folder = '.', more] = args.operands;
    if (more !== undefined) throw new UsageError(`unexpected argument "${more}": expected one DIRECTORY`);
    await requireFolder(folder);
    let code: number = EXIT.ok;
    const problem = (error: Error) => {
      code = EXIT.failed;
      io.err(printable(`sip-push: ${error.message}`));
    };
    const json = args.has('json');
    for (const id of BUNDLED_APPLICATIONS) {
      const app = await bundledApplication(id);
      const { options } = app;
      if (json) io.out(JSON.stringify({ ...staticPart(app), options, bundled: true }));
      else for (const line of [`${id}, bundled`, ...nameLines(app), ...optionsLine(app)]) io.out(line);
    }
    for (const found of await applicationsOf(folder, problem)) {
      for (const app of found.apps) {
        if (json) io.out(JSON.stringify(fields(found, app)));
        else for (const line of lines(found, app)) io.out(printable(line));
      }
    }
    return code;
  },
};

/** @throws UsageError */
async function requireFolder(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) return;
  const bundled = BUNDLED_APPLICATIONS.join(', ');
  throw new UsageError(
    `invalid DIRECTORY "${path}": expected a folder, e.g. "."; without it, "sip-push apps" lists the bundled applications (${bundled}) and those of the current folder`,
  );
}

/** The package in the folder, and the installed ones. In a workspace, a package can be both. */
async function applicationsOf(folder: string, problem: (error: Error) => void): Promise<PackageManifest[]> {
  const here = existsSync(join(folder, 'package.json'))
    ? await readPackageManifest(folder).catch(problem)
    : undefined;
  const own = existsSync(folder) ? realpathSync(folder) : folder;
  // The bundled applications are listed already.
  const isThisPackage = here && own === realpathSync(PACKAGE_FOLDER);
  const isElsewhere = (path: string) => realpathSync(path) !== own;
  const installed = await installedApplications(folder, (error, path) => {
    if (isElsewhere(path)) problem(error);
  });
  return [
    ...(here && !isThisPackage ? [here] : []),
    ...installed.filter((found) => isElsewhere(found.folder)),
  ];
}

function fields(
  { name, version, contract }: PackageManifest,
  { module, ...app }: PackageApplication,
): object {
  return { ...app, package: name, version, contract, module: module.href };
}

function lines({ name, version, folder }: PackageManifest, app: PackageApplication): string[] {
  const { id, iari, replaces, permissions = {}, activation } = app;
  const { fetch, storage, files } = permissions;
  const bound = (bytes: number | undefined) =>
    bytes === undefined ? 'as the host allows' : `${bytes} bytes`;
  return [
    `${id}, of ${[name ?? folder, version].join(' ').trim()}`,
    ...(iari === undefined ? [] : [`  IARI      ${iari}`]),
    ...(replaces === undefined ? [] : [`  replaces  ${replaces.join(', ')}`]),
    ...nameLines(app),
    `  loaded    ${activation === 'push' ? 'at its first push' : 'with the host'}`,
    `  fetches   ${fetch === undefined ? 'as the host allows' : `from ${fetch.join(', ') || 'nowhere'}`}`,
    `  stores    ${bound(storage)}`,
    `  files     ${bound(files)}`,
    ...optionsLine(app),
  ];
}

function optionsLine({ options }: PackageApplication): string[] {
  return options === undefined ? [] : [`  options   ${JSON.stringify(options)}`];
}

function nameLines({
  accepts,
  needs = [],
  provides = [],
  events = [],
  queries = [],
}: StaticManifest): string[] {
  return [
    `  accepts   ${accepts.join(', ')}`,
    ...(needs.length === 0 ? [] : [`  needs     ${needs.join(', ')}`]),
    ...(provides.length === 0 ? [] : [`  provides  ${provides.join(', ')}`]),
    ...(events.length === 0 ? [] : [`  emits     ${events.join(', ')}`]),
    ...(queries.length === 0 ? [] : [`  answers   ${queries.join(', ')}`]),
  ];
}
