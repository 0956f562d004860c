/** Starts and stops applications. */

import { AppError, ConfigurationError, SipPushError } from '../../errors.js';
import type { LogSink } from '../../log.js';
import { alarmPrefix, type Records } from '../../store/records.js';
import { reasonOf } from '../../text.js';
import { unlessAborted } from '../../time/abort-signal.js';
import type { Clock } from '../../time/clock.js';
import { invoke, within } from '../../time/deadline.js';
import { type Composition, hostServiceNames } from '../container.js';
import { type Manifest, readManifest } from '../contract/manifest.js';
import { readOptions } from '../contract/options.js';
import { type AppPermissions, requirePermissions } from '../contract/permissions.js';
import type { PushAppDefinition } from '../contract/push-app.js';
import { requireAgreement, type StaticManifest } from '../contract/static-manifest.js';
import { LOGS_WORKER } from '../contract/unavailable.js';
import { type RuntimeLimits, START_WITHIN } from '../limits.js';
import { Alarms } from '../services/alarms.js';
import type { AppScope } from '../services/app-scope.js';
import { AppWrites } from '../services/app-writes.js';
import type { EventOutbox } from '../services/event-outbox.js';
import { StorageAccount } from '../services/storage-service.js';
import { Transactions } from '../services/transactions.js';
import { Application } from './application.js';
import { deliverAlarm } from './hooks.js';
import {
  dependenciesOf,
  inLoadOrder,
  LoadOrderError,
  requireSoleProvider,
  requireSoleSuccessors,
  requireUnused,
  usersOf,
} from './load-order.js';
import type { Namespaces, Owner } from './namespaces.js';
import { type AppOnPush, manifestOnPush, OnDemandApp } from './on-demand-app.js';
import { idOf, logOmitted } from './optional-app.js';
import { startInParallel } from './parallel-start.js';
import { isRunning, type RegisteredApp } from './registry.js';

/** An application with its options and permissions. */
export interface AppToLoad {
  /** The application. */
  definition: PushAppDefinition;
  /** Manifest of its package; the definition must agree with it. */
  manifest?: StaticManifest;
  /** Options, which the schema of the definition parses; `{}` by default. */
  options?: unknown;
  /** Permissions; by default only the limits of the host apply. */
  permissions?: AppPermissions;
  /** If it cannot be loaded, a warning is logged and the others are loaded; false by default. */
  optional?: boolean;
}

type OrderedApp = Manifest & { app: AppToLoad | AppOnPush };

export interface LoaderParts {
  parts: Composition;
  records: Records;
  namespaces: Namespaces;
  outbox: EventOutbox;
  clock: Clock;
  limits: RuntimeLimits;
  log: LogSink;
}

export class Loader {
  /** The runtime was started: alarms are delivered. */
  #started = false;
  /** Aborted when the runtime stops: nothing waits for an application that starts. */
  readonly #stopping = new AbortController();
  /** Applications that are being loaded. */
  readonly #loading = new Set<Owner>();

  constructor(private readonly options: LoaderParts) {}

  /** Delivers alarms to the applications that are loaded, and to those that are loaded later. */
  start(): void {
    this.#started = true;
    for (const app of this.options.parts.registry.all()) this.#startAlarms(app);
  }

  /** Ends the wait for applications that are starting. */
  stop(): void {
    this.#stopping.abort(new SipPushError('the runtime is being stopped'));
  }

  /**
   * Loads applications at the same time, each after those whose services it needs.
   * @param changed called after each of them.
   * @returns the applications that wait for their first push, which are not registered yet.
   * @throws ConfigurationError or AppError of one that is not optional. The others that started stay loaded. If a
   * service has no provider, none is started.
   */
  async loadAll(apps: readonly (AppToLoad | AppOnPush)[], changed: () => void): Promise<AppOnPush[]> {
    const ordered = this.#inOrder(apps);
    for (const owner of ordered) this.#loading.add(owner);
    try {
      await startInParallel(ordered.filter(loadsNow), {
        start: async (item) => {
          await this.load(item.app).finally(() => this.#loading.delete(item));
          changed();
        },
        omit: ({ app, eventAppId }, error) => this.#omits(app, eventAppId, error),
      });
      return ordered.flatMap(({ app }) => ('definition' in app ? [] : [app]));
    } finally {
      this.#loading.clear();
    }
  }

  /**
   * Sorts applications so that each is after those whose services it needs. Optional ones without a place are left out.
   * @throws ConfigurationError when there is no such order, an id has several successors, or a manifest is invalid.
   */
  #inOrder(apps: readonly (AppToLoad | AppOnPush)[]): OrderedApp[] {
    const { registry } = this.options.parts;
    const loaded = registry.all();
    const others = registry.registered().map(({ manifest }) => manifest);
    const existing = [...hostServiceNames, ...loaded.flatMap(({ manifest }) => manifest.provides)];
    let ordered = apps.flatMap((app) => this.#withManifest(app));
    for (;;) {
      try {
        requireSoleSuccessors([...others, ...ordered]);
        return inLoadOrder(ordered, existing);
      } catch (error) {
        const involved = error instanceof LoadOrderError ? error.apps : [];
        const omitted = ordered.findLast((item) => involved.includes(item) && item.app.optional);
        if (!omitted || !this.#omits(omitted.app, omitted.eventAppId, error)) throw error;
        ordered = ordered.filter((item) => item !== omitted);
      }
    }
  }

  #withManifest(app: AppToLoad | AppOnPush): OrderedApp[] {
    const loadsNow = 'definition' in app;
    try {
      return [{ app, ...(loadsNow ? readManifest(app.definition) : manifestOnPush(app.manifest)) }];
    } catch (error) {
      if (this.#omits(app, idOf(loadsNow ? app.definition : app.manifest), error)) return [];
      throw error;
    }
  }

  /** Logs the error of an optional application. @returns false if the error ends the loading. */
  #omits({ optional }: { optional?: boolean }, eventAppId: string, error: unknown): boolean {
    if (!optional || this.#stopping.signal.aborted) return false;
    logOmitted(this.options.log, eventAppId, error);
    return true;
  }

  /**
   * Validates an application, starts it, and delivers the alarms and pushes that wait for it. The services that it needs
   * must be loaded.
   * @param dormant the entry of the registry that it replaces.
   * @throws ConfigurationError or AppError: the application is not loaded then.
   */
  async load(
    { definition, manifest: declared, options, permissions = {} }: AppToLoad,
    dormant?: OnDemandApp,
  ): Promise<Application> {
    const { parts, namespaces, clock, limits, log } = this.options;
    const { registry } = parts;
    const manifest = readManifest(definition);
    if (declared) requireAgreement(declared, manifest);
    if (!dormant) this.#requireDistinct(manifest);
    const loaded = registry.all();
    requireSoleProvider(manifest, loaded);
    const { ofHost, ofApplications } = dependenciesOf(manifest, loaded);
    const hostServices = new Set(ofHost);
    if (LOGS_WORKER in definition) hostServices.add('log');
    requirePermissions(manifest.eventAppId, permissions);
    const checked = await readOptions(manifest.eventAppId, manifest.options, options, clock);
    const namespace = await namespaces.claim(manifest, this.#expected());
    try {
      const scope = await this.#scope(manifest, namespace, permissions);
      const services = { ...ofApplications, ...parts.servicesFor(scope, [...hostServices]) };
      const app = await Application.start({
        ...{ definition, manifest, scope, services, clock, limits, log },
        stopping: this.#stopping.signal,
        options: checked,
      });
      if (dormant) registry.replace(dormant, app);
      else registry.add(app);
      this.#startAlarms(app);
      parts.deliveries.redeliverAll(app);
      return app;
    } catch (error) {
      namespaces.release(namespace);
      throw error;
    }
  }

  /** Applications whose storage goes to no other one, although they do not run. */
  #expected(): Owner[] {
    const registered = this.options.parts.registry.registered();
    return [...this.#loading, ...registered.filter((app) => !isRunning(app)).map(({ manifest }) => manifest)];
  }

  /** Registers an application that is loaded at its first push. @throws ConfigurationError: it is not registered then. */
  addDormant(entry: AppOnPush, start: (app: OnDemandApp) => Promise<Application>): void {
    try {
      const app = new OnDemandApp(entry, start);
      this.#requireDistinct(app.manifest);
      const { registry } = this.options.parts;
      requireSoleSuccessors([...registry.registered().map(({ manifest }) => manifest), app.manifest]);
      registry.add(app);
    } catch (error) {
      if (!this.#omits(entry, idOf(entry.manifest), error)) throw error;
    }
  }

  /** Loads an application at its first push. @throws ConfigurationError or AppError: the next push tries again. */
  async wake(dormant: OnDemandApp): Promise<Application> {
    const { entry, eventAppId } = dormant;
    const { clock, parts } = this.options;
    if (!parts.registry.registered().includes(dormant)) throw new AppError(eventAppId, 'was unloaded');
    const { load, ...more } = entry;
    const loading = within(clock, START_WITHIN, 'loading its module', invoke(load));
    const definition = await unlessAborted(loading, this.#stopping.signal).catch((error: unknown) => {
      throw new AppError(eventAppId, `its module cannot be loaded: ${reasonOf(error)}`, { cause: error });
    });
    const app = { ...more, definition };
    this.#inOrder([{ ...app, optional: false }]);
    return this.load(app, dormant);
  }

  /** Applications on demand that have pushes or alarms from an earlier run of the host. */
  async awaited(): Promise<OnDemandApp[]> {
    const { registry, ledger } = this.options.parts;
    const dormant = registry.registered().filter((app) => app instanceof OnDemandApp);
    if (dormant.length === 0) return [];
    const addressed = new Set(ledger.allConfirmed().map((record) => registry.ownerOf(record)));
    const awaited: OnDemandApp[] = [];
    for (const app of dormant) {
      if (addressed.has(app) || (await this.#hasAlarms(app.manifest))) awaited.push(app);
    }
    return awaited;
  }

  async #hasAlarms(manifest: Manifest): Promise<boolean> {
    const { namespaces, records } = this.options;
    const namespace = namespaces.known(manifest, this.#expected());
    if (namespace === undefined) return false;
    for await (const _ of records.entries(alarmPrefix(namespace))) return true;
    return false;
  }

  /**
   * Stops applications, each before those whose services it needs. The registry no longer contains them at once.
   * @throws ConfigurationError when an application that stays needs one of them: none is stopped then.
   */
  async unload(leaving: readonly RegisteredApp[], changed: () => void): Promise<void> {
    const { registry } = this.options.parts;
    let left = leaving.filter(isRunning);
    requireUnused(left, registry.all());
    for (const app of leaving) registry.remove(app);
    changed();
    while (left.length > 0) {
      const remaining = left;
      const unused = remaining.filter((app) => usersOf(app, remaining).length === 0);
      await Promise.all(unused.map((app) => this.#stop(app)));
      left = remaining.filter((app) => !unused.includes(app));
    }
  }

  async #stop(app: Application): Promise<void> {
    app.scope.alarms?.stop();
    await app.stop();
    this.options.namespaces.release(app.scope.namespace);
  }

  #requireDistinct(manifest: Manifest): void {
    const other = this.options.parts.registry.conflicting(manifest);
    if (!other) return;
    throw new ConfigurationError(
      `${manifest.label} cannot be loaded beside ${other.manifest.label}: a push for one cannot be distinguished from a push for the other; declare different media types, or an iari`,
    );
  }

  async #scope(manifest: Manifest, namespace: string, permissions: AppPermissions): Promise<AppScope> {
    const { eventAppId, needs, events, order } = manifest;
    const { records, outbox, clock, limits, log } = this.options;
    const warn = (message: string) => log({ level: 'warn', app: eventAppId, message });
    const alarms = needs.includes('schedule')
      ? await Alarms.open({ namespace, records, clock, most: limits.alarms, warn })
      : undefined;
    const { storage } = permissions;
    const account = storage === undefined ? undefined : new StorageAccount(records, namespace, storage);
    const own = new AppWrites({ eventAppId, namespace, events, records, outbox, account, alarms });
    const transactions = new Transactions({
      ...{ eventAppId, events, clock, onError: warn },
      alarms: alarms !== undefined,
      exclusive: order === 'serial',
    });
    return { eventAppId, namespace, permissions, events, own, transactions, alarms, active: true };
  }

  #startAlarms(app: Application): void {
    if (!this.#started) return;
    app.scope.alarms?.start((alarm, set) => deliverAlarm(app, alarm, set, this.options.clock));
  }
}

function loadsNow(item: OrderedApp): item is Manifest & { app: AppToLoad } {
  return 'definition' in item.app;
}
