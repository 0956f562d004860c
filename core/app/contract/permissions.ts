/** The permissions of an application. */

import { AllowList } from '../../content/fetch/allow-list.js';
import { ConfigurationError } from '../../errors.js';
import { reasonOf } from '../../text.js';

/** The permissions of an application, from its manifest and the host's configuration. */
export interface AppPermissions {
  /** Origins for `fetch`, within those that the host allows: `https://*.weather.test`. All of those by default. */
  readonly fetch?: readonly string[];
  /** Bytes of keys and values in `storage`; unlimited by default. */
  readonly storage?: number;
  /** Bytes of all `files`; the limit of the host by default. */
  readonly files?: number;
}

/** @throws ConfigurationError that names the application and the invalid permission. */
export function requirePermissions(eventAppId: string, permissions: AppPermissions): void {
  for (const name of ['storage', 'files'] as const) {
    const bytes = permissions[name];
    if (bytes === undefined || (Number.isSafeInteger(bytes) && bytes > 0)) continue;
    throw new ConfigurationError(
      `${eventAppId}: invalid permissions.${name} ${String(bytes)}: expected bytes, a whole number above 0`,
    );
  }
  try {
    fetchPermission(permissions);
  } catch (error) {
    throw new ConfigurationError(`${eventAppId}: ${reasonOf(error)}`, { cause: error });
  }
}

/** Allowed origins for `fetch`; undefined: all that the host allows. @throws ConfigurationError */
export function fetchPermission({ fetch }: AppPermissions): AllowList | undefined {
  return fetch && new AllowList(fetch, 'permissions.fetch');
}
