/** Checks before any application starts whether each service has a provider, and each earlier id one successor. */

import {
  inLoadOrder,
  type LoadItem,
  LoadOrderError,
  MissingServiceError,
  requireSoleSuccessors,
} from '../../core/app/application/load-order.js';
import { hostServiceNames } from '../../core/app/container.js';
import { readManifest } from '../../core/app/contract/manifest.js';
import type { PushAppDefinition } from '../../core/app/contract/push-app.js';
import type { AppToLoad } from '../../core/app/runtime.js';
import { ConfigurationError } from '../../core/errors.js';
import { installedApplications } from './installed.js';

/** How to add a package, for people; without a name: the one that provides the service. */
export type AddProvider = (use?: string) => string;

/** For the commands with the option `--with`. */
export function addWith(use?: string): string {
  return use === undefined ? 'add --with PACKAGE with the package that provides it' : `add --with ${use}`;
}

/** Why applications cannot run together. */
export interface ServiceProblem {
  /** For people, with what to do. */
  readonly message: string;
  /** The applications that cannot be loaded. */
  readonly apps: readonly LoadItem[];
  readonly cause: Error;
}

/**
 * @param folder folder from which packages are found that provide a missing service.
 * @returns undefined if the applications can be loaded.
 */
export async function serviceProblem(
  apps: readonly LoadItem[],
  folder: string,
  add: AddProvider,
): Promise<ServiceProblem | undefined> {
  try {
    requireSoleSuccessors(apps);
    inLoadOrder(apps, hostServiceNames);
    return undefined;
  } catch (error) {
    if (!(error instanceof LoadOrderError)) throw error;
    const { message } =
      error instanceof MissingServiceError
        ? error.advising(await providerAdvice(error.service, folder, add))
        : error;
    return { message, apps: error.apps, cause: error };
  }
}

/** @throws ConfigurationError that names the missing service, and how to add its provider. */
export async function requireServices(
  definitions: readonly PushAppDefinition[],
  folder: string,
  add: AddProvider,
): Promise<void> {
  const problem = await serviceProblem(definitions.map(readManifest), folder, add);
  if (problem) throw new ConfigurationError(problem.message, { cause: problem.cause });
}

/** What the load order of an application depends on; undefined if it is not known before the application is loaded. */
export function servicesOf({ definition, manifest }: Partial<AppToLoad>): LoadItem | undefined {
  if (manifest) {
    const { id: eventAppId, needs = [], provides = [], replaces = [] } = manifest;
    return { eventAppId, needs, provides, replaces };
  }
  try {
    return definition && readManifest(definition);
  } catch {
    // The runtime reports an invalid definition.
    return undefined;
  }
}

async function providerAdvice(service: string, folder: string, add: AddProvider): Promise<string> {
  for (const { name, folder: home, apps } of await installedApplications(folder)) {
    const provider = apps.find(({ provides }) => provides?.includes(service));
    if (!provider) continue;
    const use = name ?? home;
    return `${provider.id} provides it: ${add(apps.length === 1 ? use : `${use}#${provider.id}`)}`;
  }
  return add();
}
