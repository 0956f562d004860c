/** The manifests of the bundled push applications, in the package.json of this package. */

import { ConfigurationError } from '../../core/errors.js';
import { type PackageApplication, readPackageManifest } from './package-manifest.js';
import { PACKAGE_FOLDER } from './this-package.js';

/** Read without loading the application. */
export async function bundledApplication(id: string): Promise<PackageApplication> {
  const manifest = await readPackageManifest(PACKAGE_FOLDER);
  const found = manifest?.apps.find((app) => app.id === id);
  if (found) return found;
  throw new ConfigurationError(`the package.json of sip-push has no manifest of ${id}: run "npm run build"`);
}
