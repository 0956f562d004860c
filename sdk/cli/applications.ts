/** Finds a push application by what a configuration calls it: a bundled id, a path, or a package. */

import { createRequire } from 'node:module';
import { isAbsolute, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { PushAppDefinition } from '../../core/app/contract.js';
import { ConfigurationError } from '../../core/errors.js';

/**
 * Bundled applications are found as anyone's are, by package export name.
 * @throws ConfigurationError naming what was looked for, and where.
 */
export async function findApplication(use: string, folder: string): Promise<PushAppDefinition> {
  const specifier = specifierOf(use, folder);
  let module: { default?: unknown };
  try {
    module = await import(specifier);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const missing = code === 'ERR_MODULE_NOT_FOUND' || code === 'ERR_PACKAGE_PATH_NOT_EXPORTED';
    throw new ConfigurationError(
      missing
        ? `application "${use}" was not found; expected a bundled id (mms.ua), a path (./my-app/index.js) or an installed package`
        : `application "${use}" could not be loaded: ${message}`,
      { cause: error },
    );
  }
  const { default: definition } = module;
  if (typeof definition !== 'object' || definition === null) {
    throw new ConfigurationError(`application "${use}" has no default export; expected definePushApp({ … })`);
  }
  // The runtime holds it against the contract before it starts.
  return definition as PushAppDefinition;
}

function specifierOf(use: string, folder: string): string {
  if (use.startsWith('.') || isAbsolute(use)) return pathToFileURL(resolve(folder, use)).href;
  // `mms.ua`: an event-app-id, which is no package name that anyone could install.
  if (/^[a-z0-9-]+(\.[a-z0-9-]+)+$/i.test(use)) {
    const bundled = `sip-push/apps/${use}`;
    if (resolves(bundled)) return bundled;
  }
  try {
    return pathToFileURL(createRequire(resolve(folder, 'package.json')).resolve(use)).href;
  } catch {
    return use;
  }
}

function resolves(specifier: string): boolean {
  try {
    import.meta.resolve(specifier);
    return true;
  } catch {
    return false;
  }
}
