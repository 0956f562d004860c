/** What to check: the applications of a package with their options and samples. */

import type { AppPermissions } from '../../core/app/contract/permissions.js';
import { ConfigurationError } from '../../core/errors.js';
import { exampleOptions } from '../manifest/check-options.js';
import {
  type PackageApplication,
  type PackageManifest,
  readPackageManifest,
} from '../manifest/package-manifest.js';

/** Sample content of a type that an application accepts. */
export interface Sample {
  /** Media type, with its parameters. */
  readonly type: string;
  /** Absolute path. */
  readonly file: string;
}

/** One application. */
export interface CheckedApp {
  /** Specifier for `import`: the URL of a file, or an export of a package. */
  readonly module: string;
  /** Folder of the package, which contains the application's code. */
  readonly folder: string;
  /** Values in package.json. Those of the module must be equal. */
  readonly declared?: { readonly id: string; readonly accepts: readonly string[]; readonly iari?: string };
  readonly options?: unknown;
  readonly permissions?: AppPermissions;
  readonly samples: readonly Sample[];
}

/** The applications of a package. */
export interface CheckPlan {
  readonly apps: readonly CheckedApp[];
}

/** @throws ConfigurationError if package.json is invalid or has no `sipPush`. */
export async function planOf(folder: string): Promise<CheckPlan> {
  const manifest = await readPackageManifest(folder);
  if (!manifest) {
    throw new ConfigurationError(
      'package.json has no "sipPush": add { "contract": "^1.0.0", "apps": [{ "id": "…", "accepts": ["…"] }] }',
    );
  }
  return { apps: manifest.apps.map((app) => checkedApp(app, manifest)) };
}

function checkedApp(app: PackageApplication, { folder }: PackageManifest): CheckedApp {
  const { id, accepts, iari, module, samples, permissions } = app;
  const options = exampleOptions(app);
  return {
    module: module.href,
    folder,
    declared: { id, accepts, iari },
    options,
    permissions,
    samples: Object.entries(samples).flatMap(([type, files]) => files.map((file) => ({ type, file }))),
  };
}
