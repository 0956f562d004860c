/** Finds a push application by what a configuration calls it: a bundled id, a path, or a package. */

import { existsSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { isAbsolute, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { systemClock } from '../../core/app/clock.js';
import type { PushAppDefinition } from '../../core/app/contract.js';
import { within } from '../../core/app/deadline.js';
import { ConfigurationError } from '../../core/errors.js';
import { suggestion } from '../validation/suggestion.js';
import { BUNDLED_APPLICATIONS } from './manifest.js';

/** A module loads in milliseconds; one that takes longer waits for something that will not come. */
const LOAD_DEADLINE_MS = 30_000;
/** An event-app-id, which is no package name that anyone could install. */
const EVENT_APP_ID = /^[a-z0-9-]+(\.[a-z0-9-]+)+$/i;

/**
 * Bundled applications are found as anyone's are, by package export name.
 * @param folder that a path starts from, and that packages are looked for from.
 * @throws ConfigurationError naming what was looked for, and where.
 */
export async function findApplication(use: string, folder: string): Promise<PushAppDefinition> {
  const specifier = specifierOf(use, folder);
  let module: { default?: unknown };
  try {
    module = await within(systemClock, LOAD_DEADLINE_MS, 'loading', import(specifier));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigurationError(`application "${use}" could not be loaded: ${reason.replace(/\s+/g, ' ')}`, {
      cause: error,
    });
  }
  const { default: definition } = module;
  if (typeof definition !== 'object' || definition === null) {
    throw new ConfigurationError(`application "${use}" has no default export; expected definePushApp({ … })`);
  }
  // The runtime holds it against the contract before it starts.
  return definition as PushAppDefinition;
}

/**
 * Where the module of an application is, for a worker that imports it. Nothing of it runs here.
 * @throws ConfigurationError naming what was looked for, and where.
 */
export function applicationUrl(use: string, folder: string): string {
  const specifier = specifierOf(use, folder);
  if (specifier.startsWith('file:')) return specifier;
  return pathToFileURL(createRequire(import.meta.url).resolve(specifier)).href;
}

function specifierOf(use: string, folder: string): string {
  if (use.startsWith('.') || isAbsolute(use)) return fileSpecifier(use, resolve(folder, use));
  if (BUNDLED_APPLICATIONS.includes(use)) return `sip-push/apps/${use}`;
  try {
    return pathToFileURL(createRequire(resolve(folder, 'package.json')).resolve(use)).href;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_PACKAGE_PATH_NOT_EXPORTED') {
      throw new ConfigurationError(
        `application "${use}": the package exports nothing by that name under the condition "default"`,
        { cause: error },
      );
    }
    const bundled = EVENT_APP_ID.test(use) ? suggestion(use, BUNDLED_APPLICATIONS) : '';
    throw new ConfigurationError(
      `application "${use}" was not found${bundled || '; expected a bundled id (mms.ua), a path (./my-app/index.js) or an installed package'}`,
      { cause: error },
    );
  }
}

function fileSpecifier(use: string, path: string): string {
  if (!existsSync(path)) throw new ConfigurationError(`application "${use}" was not found: no ${path}`);
  if (statSync(path).isDirectory()) {
    throw new ConfigurationError(`application "${use}" is a folder; expected its file, e.g. ${use}/index.js`);
  }
  return pathToFileURL(path).href;
}
