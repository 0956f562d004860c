/** Packages that an application imports and its package.json does not declare. */

import { readFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** `zod` of `zod/mini`, `@acme/weather` of `@acme/weather/units`. */
const PACKAGE_NAME = /^(?:@[^/]+\/)?[^/]+/;

/**
 * The imported packages that are not installed with the application: another package can have installed them here. Empty
 * if the modules cannot be parsed, which loading reports.
 * @param folder folder of package.json.
 * @param module URL of the application's module.
 */
export async function undeclaredPackages(folder: string, module: string): Promise<string[]> {
  const { name, ...fields } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  const declared = new Set(
    [fields.dependencies, fields.peerDependencies, fields.optionalDependencies, { [name]: '' }].flatMap(
      (each) => Object.keys(Object(each)),
    ),
  );
  const imported = await importedPackages(folder, fileURLToPath(module));
  return imported.filter((each) => !declared.has(each));
}

/** An `import()` is left out: it can be optional. */
async function importedPackages(folder: string, entry: string): Promise<string[]> {
  const { metafile } = await build({
    ...{ absWorkingDir: folder, entryPoints: [entry], bundle: true, packages: 'external', platform: 'node' },
    ...{ format: 'esm', metafile: true, write: false, logLevel: 'silent' },
  }).catch(() => ({ metafile: undefined }));
  const imports = Object.values(metafile?.inputs ?? {}).flatMap((input) => input.imports);
  const names = imports
    .filter(({ kind, external, path }) => external && kind !== 'dynamic-import' && !isBuiltin(path))
    .flatMap(({ path }) => PACKAGE_NAME.exec(path)?.[0] ?? []);
  return [...new Set(names)].sort();
}
