/** What is to be checked, as the process that runs it is told. */

import type { AppPermissions } from '../../core/app/contract/permissions.js';
import { ConfigurationError } from '../../core/errors.js';
import { exampleOptions } from '../manifest/check-options.js';
import {
  type PackageApplication,
  type PackageManifest,
  readPackageManifest,
} from '../manifest/package-manifest.js';

/** Content of which an application says that it takes it. */
export interface Sample {
  /** With parameters, where it has any. */
  readonly type: string;
  /** Absolute path. */
  readonly file: string;
}

/** One application. */
export interface CheckedApp {
  /** What `import` takes: the URL of a file, or a package's export. */
  readonly module: string;
  /** Of the package: what lies in it is the application's. */
  readonly folder: string;
  /** As the manifest has them; absent where there is none. */
  readonly declared?: { readonly id: string; readonly accepts: readonly string[]; readonly iari?: string };
  readonly options?: unknown;
  readonly permissions?: AppPermissions;
  readonly samples: readonly Sample[];
}

/** Every application of a package. */
export interface CheckPlan {
  readonly apps: readonly CheckedApp[];
}

/** What a package says of its applications, as the check needs it. */

/** @throws ConfigurationError naming what is wrong with package.json. */
export async function planOf(folder: string): Promise<CheckPlan> {
  const manifest = await readPackageManifest(folder);
  if (!manifest) {
    throw new ConfigurationError(
      'package.json has no "sipPush": { "contract": "^1.0.0", "apps": [{ "id": "…", "accepts": ["…"] }] }',
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
