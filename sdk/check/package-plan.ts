/** What a package says of its applications, as the check needs it. */

import { ConfigurationError } from '../../core/errors.js';
import { exampleOptions } from '../manifest/check-options.js';
import type { PackageApplication, PackageManifest } from '../manifest/package-manifest.js';
import { readPackageManifest } from '../manifest/package-manifest.js';
import type { CheckedApp, CheckPlan } from './plan.js';

/** @throws ConfigurationError naming what is wrong with package.json. */
export async function planOf(folder: string): Promise<CheckPlan> {
  const manifest = await readPackageManifest(folder);
  if (!manifest) {
    throw new ConfigurationError(
      'package.json has no "sipPush": { "contract": "^1.0.0", "apps": [{ "id": "…", "accepts": ["…"] }] }',
    );
  }
  return { apps: manifest.apps.map((app) => checked(app, manifest)) };
}

function checked(app: PackageApplication, { folder }: PackageManifest): CheckedApp {
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
