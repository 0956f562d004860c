/** Services that applications make for each other. */

import { ConfigurationError } from '../errors.js';
import type { Application } from './application.js';
import { isHostService } from './container.js';
import { providedTwice } from './load-order.js';
import type { Manifest } from './manifest.js';
import type { HostServiceName } from './services.js';

/** What an application needs: of the host, and of applications that are loaded. */
export interface Needed {
  readonly ofHost: readonly HostServiceName[];
  readonly ofApplications: Readonly<Record<string, unknown>>;
}

/** Of an application whose needs are there. */
export function needed({ needs }: Manifest, loaded: readonly Application[]): Needed {
  const ofHost: HostServiceName[] = [];
  const ofApplications: [string, unknown][] = [];
  for (const name of needs) {
    if (isHostService(name)) ofHost.push(name);
    else ofApplications.push([name, providerOf(name, loaded)?.instance.services?.[name]]);
  }
  return { ofHost, ofApplications: Object.fromEntries(ofApplications) };
}

/** @throws ConfigurationError when a loaded application provides the same. */
export function requireSoleProvider(manifest: Manifest, loaded: readonly Application[]): void {
  for (const name of manifest.provides) {
    const other = providerOf(name, loaded);
    if (other) throw providedTwice(name, other.manifest, manifest);
  }
}

/** Of these, the loaded applications that need something of it. */
export function usersOf({ manifest }: Application, loaded: readonly Application[]): Application[] {
  return loaded.filter((other) => other.manifest.needs.some((name) => manifest.provides.includes(name)));
}

/** @throws ConfigurationError naming those that need it, unless they go as well. */
export function requireUnused(leaving: readonly Application[], loaded: readonly Application[]): void {
  for (const app of leaving) {
    const user = usersOf(app, loaded).find((other) => !leaving.includes(other));
    if (!user) continue;
    const name = user.manifest.needs.find((need) => app.manifest.provides.includes(need));
    throw new ConfigurationError(
      `${app.eventAppId} cannot be unloaded: ${user.eventAppId} needs its "${name}"; unload ${user.eventAppId} first`,
    );
  }
}

function providerOf(name: string, loaded: readonly Application[]): Application | undefined {
  return loaded.find(({ manifest }) => manifest.provides.includes(name));
}
