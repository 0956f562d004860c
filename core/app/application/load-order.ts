/** The order in which applications are loaded: an application loads after the applications whose services it needs. */

import { ConfigurationError } from '../../errors.js';
import { didYouMean } from '../../text.js';
import { isHostService } from '../container.js';
import { eventAppKey } from '../contract/event-app-id.js';
import type { Manifest } from '../contract/manifest.js';
import type { HostServiceName } from '../contract/services.js';
import type { Application } from './application.js';

/** An application in the load order. */
export interface LoadItem {
  /** event-app-id, for messages. */
  readonly eventAppId: string;
  readonly needs: readonly string[];
  readonly provides: readonly string[];
  readonly replaces: readonly string[];
}

/** The applications cannot be loaded together. */
export class LoadOrderError extends ConfigurationError {
  static {
    LoadOrderError.prototype.name = 'LoadOrderError';
  }

  /** @param apps the applications that cannot be loaded together. */
  constructor(
    message: string,
    readonly apps: readonly LoadItem[],
  ) {
    super(message);
  }
}

const ADD_PROVIDER = 'add the application that provides it to "apps"';

/** An application needs a service that does not exist. */
export class MissingServiceError extends LoadOrderError {
  static {
    MissingServiceError.prototype.name = 'MissingServiceError';
  }

  /**
   * @param problem what is missing, without what to do.
   * @param service name of the service.
   */
  constructor(
    readonly problem: string,
    readonly app: LoadItem,
    readonly service: string,
    advice = ADD_PROVIDER,
  ) {
    // Names without a dot are services of the host, which no application provides.
    super(service.includes('.') ? `${problem}; ${advice}` : problem, [app]);
  }

  /** The same error with the advice of another program. */
  advising(advice: string): MissingServiceError {
    return new MissingServiceError(this.problem, this.app, this.service, advice);
  }
}

/**
 * Sorts applications so that each is after those that it needs. Otherwise the order is kept.
 * @param existing services of the host, and of applications that are loaded.
 * @throws MissingServiceError when a needed service is not provided; LoadOrderError when two applications provide the
 * same service, or the needs are circular. The error names the applications.
 */
export function inLoadOrder<T extends LoadItem>(apps: readonly T[], existing: readonly string[]): T[] {
  const providers = new Map<string, T>();
  for (const app of apps) {
    for (const name of app.provides) {
      const other = providers.get(name);
      if (other) throw providedTwice(name, other, app);
      providers.set(name, app);
    }
  }
  const names = [...existing, ...providers.keys()];
  for (const app of apps) {
    const unknown = app.needs.find((name) => !names.includes(name));
    if (unknown !== undefined) throw missing(app, unknown, names.sort());
  }
  const ordered = new Set<T>();
  const visit = (app: T, way: readonly Step<T>[]) => {
    if (ordered.has(app)) return;
    const begin = way.findIndex((step) => step.app === app);
    if (begin >= 0) throw circularNeeds(way.slice(begin));
    for (const name of app.needs) {
      const provider = providers.get(name);
      if (provider) visit(provider, [...way, { app, name, provider }]);
    }
    ordered.add(app);
  };
  for (const app of apps) visit(app, []);
  return [...ordered];
}

/** `app` needs the service `name` of `provider`. */
interface Step<T> {
  app: T;
  name: string;
  provider: T;
}

function providedTwice(name: string, one: LoadItem, other: LoadItem): LoadOrderError {
  return new LoadOrderError(
    `${one.eventAppId} and ${other.eventAppId} both provide "${name}": expected one provider; remove one of them`,
    [one, other],
  );
}

/**
 * An earlier id has one successor, which takes over its storage and waiting pushes. Several applications with one id can
 * replace it together, since they share them by IARI and media type.
 * @throws LoadOrderError when an application replaces the id of another one, or two replace the same id.
 */
export function requireSoleSuccessors(apps: readonly LoadItem[]): void {
  const successors = new Map<string, LoadItem>();
  for (const app of apps) {
    for (const id of app.replaces) {
      const other = successors.get(eventAppKey(id));
      if (other && !isSameId(other, app)) throw replacedTwice(id, other, app);
      successors.set(eventAppKey(id), app);
    }
  }
  for (const app of apps) {
    const successor = successors.get(eventAppKey(app.eventAppId));
    if (successor && !isSameId(successor, app)) throw notReplaced(app, successor);
  }
}

function isSameId(one: LoadItem, other: LoadItem): boolean {
  return eventAppKey(one.eventAppId) === eventAppKey(other.eventAppId);
}

function replacedTwice(id: string, one: LoadItem, other: LoadItem): LoadOrderError {
  return new LoadOrderError(
    `${one.eventAppId} and ${other.eventAppId} both replace "${id}": expected one successor; remove "${id}" from the replaces of one of them`,
    [one, other],
  );
}

function notReplaced(app: LoadItem, successor: LoadItem): LoadOrderError {
  return new LoadOrderError(
    `${successor.eventAppId} replaces ${app.eventAppId}, which this host has as well: remove ${app.eventAppId}, or its id from the replaces of ${successor.eventAppId}`,
    [successor, app],
  );
}

function missing(app: LoadItem, name: string, existing: readonly string[]): MissingServiceError {
  const { eventAppId } = app;
  const what = name.includes('.')
    ? 'which no application of this host provides'
    : 'which is not a service of this host';
  return new MissingServiceError(
    `${eventAppId}: needs "${name}", ${what}${didYouMean(name, existing)}; existing services: ${existing.join(', ')}`,
    app,
    name,
  );
}

function circularNeeds(way: readonly Step<LoadItem>[]): LoadOrderError {
  const steps = way.map(
    ({ app, name, provider }) => `${app.eventAppId} needs "${name}" of ${provider.eventAppId}`,
  );
  return new LoadOrderError(
    `${steps.join(', ')}: circular needs; remove one of them`,
    way.map(({ app }) => app),
  );
}

/** The services that an application needs: of the host, and of other applications. */
export interface Dependencies {
  readonly ofHost: readonly HostServiceName[];
  readonly ofApplications: Readonly<Record<string, unknown>>;
}

/** All needs must be available. */
export function dependenciesOf({ needs }: Manifest, loaded: readonly Application[]): Dependencies {
  const ofHost: HostServiceName[] = [];
  const ofApplications: [string, unknown][] = [];
  for (const name of needs) {
    if (isHostService(name)) ofHost.push(name);
    else ofApplications.push([name, providerOf(name, loaded)?.instance.services?.[name]]);
  }
  return { ofHost, ofApplications: Object.fromEntries(ofApplications) };
}

/** @throws ConfigurationError when a loaded application provides the same service. */
export function requireSoleProvider(manifest: Manifest, loaded: readonly Application[]): void {
  for (const name of manifest.provides) {
    const other = providerOf(name, loaded);
    if (other) throw providedTwice(name, other.manifest, manifest);
  }
}

/** The applications that need a service of `manifest`. */
export function usersOf({ manifest }: Application, loaded: readonly Application[]): Application[] {
  return loaded.filter((other) => other.manifest.needs.some((name) => manifest.provides.includes(name)));
}

/** @throws ConfigurationError when an application that stays needs one of those that leave. */
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
