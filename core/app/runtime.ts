/** The application runtime: loads applications and delivers pushes to them. It knows no SIP. */

import { GuardedFetch, type GuardedFetchOptions } from '../content/fetch/guarded-fetch.js';
import { defined } from '../defined.js';
import { type LogSink, safeLogSink } from '../log.js';
import type { Store } from '../platform/platform.js';
import { ContentFiles } from '../store/content-files.js';
import { Records } from '../store/records.js';
import { RunRecord } from '../store/run-record.js';
import { type Clock, systemClock } from '../time/clock.js';
import type { AppHandle } from './application/application.js';
import { describePush, notifyNegotiated, queryApplication } from './application/hooks.js';
import { LoadedApps } from './application/loaded-apps.js';
import { type AppToLoad, Loader } from './application/loader.js';
import { Namespaces } from './application/namespaces.js';
import { type AppOnPush, OnDemandApp } from './application/on-demand-app.js';
import { isRunning } from './application/registry.js';
import { type WaitingPushes, waitingPushes } from './application/waiting-pushes.js';
import { type Composition, compose } from './container.js';
import type { Outcome, Refusal } from './contract/outcome.js';
import type { AppPermissions } from './contract/permissions.js';
import type { PushDescription, PushOffer } from './contract/push.js';
import type { PushAppDefinition } from './contract/push-app.js';
import type { IncomingPush } from './delivery/dispatcher.js';
import type { DescribablePush } from './delivery/recent.js';
import {
  type IncomingReference,
  type LateEnd,
  type ReferenceAnswer,
  RetrievalSpool,
} from './delivery/retrievals.js';
import type { DeadLetter } from './ledger/dead-letters.js';
import type { DeliveryEvent } from './ledger/delivery-event.js';
import { pushOf } from './ledger/entry.js';
import type { ForgottenPushes } from './ledger/finished-pushes.js';
import { DEFAULT_LIMITS, type RuntimeLimits } from './limits.js';
import { type EventListener, EventOutbox } from './services/event-outbox.js';
import { AppFolders } from './services/files-service.js';
import type { IncomingTransfer, TransferAnswer } from './transfer/transfer.js';

export type { LogLevel, LogRecord } from '../log.js';
export type { Clock } from '../time/clock.js';
export type { AppHandle } from './application/application.js';
export type { AppToLoad } from './application/loader.js';
export type { AppOnPush } from './application/on-demand-app.js';
export type { WaitingPushes } from './application/waiting-pushes.js';
export type { Outcome, Refusal } from './contract/outcome.js';
export type { AppPermissions } from './contract/permissions.js';
export type { StaticManifest } from './contract/static-manifest.js';
export type { IncomingPush } from './delivery/dispatcher.js';
export type { IncomingReference, LateEnd, ReferenceAnswer } from './delivery/retrievals.js';
export type { DeadLetter } from './ledger/dead-letters.js';
export type { DeliveryEvent } from './ledger/delivery-event.js';
export type { ForgottenPushes } from './ledger/finished-pushes.js';
export type { RuntimeLimits } from './limits.js';
export type { IncomingTransfer, Transfer, TransferAnswer, TransferOutcome } from './transfer/transfer.js';

/** The options of a runtime. */
export interface PushRuntimeOptions {
  /** The durable store. The caller opens it, and closes it after `stop`. */
  store: Store;
  log?: LogSink;
  /**
   * Receives the events of applications. If it throws, rejects, or does not return within 30 seconds, an event of a
   * transaction is delivered again, with the same `id`. While many events of an application wait for it, pushes of this
   * application wait, too.
   */
  emit?: EventListener;
  clock?: Clock;
  limits?: Partial<RuntimeLimits>;
  /** Limits of HTTP requests, for references and for the service `fetch`. */
  fetch?: GuardedFetchOptions;
  /** Folder for content that is too large for memory, emptied at start; a temporary one by default. */
  spool?: string;
  /** Folder for the files of applications; by default a temporary one, removed with the runtime. */
  files?: string;
  /**
   * Folder for content of session mode, which survives restarts; by default a temporary one, removed with the runtime.
   */
  transfers?: string;
  /** Folder of a file that names the last run, so that a store that has lost writes is noticed; absent: it is not. */
  run?: string;
  /** Damage that the store reported when it was opened. */
  damage?: string;
  /** Called at the end of a push by reference that was confirmed before its content was retrieved. */
  onRetrieved?(end: LateEnd): void;
  /** Called when the disk quota of finished pushes makes the runtime forget some before their time. */
  onForgotten?(forgotten: ForgottenPushes): void;
  /** Called for each failed delivery of a confirmed push, each dead letter, and each application without space. */
  onDelivery?(event: DeliveryEvent): void;
}

/** Loads applications and delivers pushes to them. It knows no SIP: an agent passes it what arrives. */
export class PushRuntime {
  private constructor(
    private readonly parts: Composition,
    private readonly records: Records,
    private readonly run: RunRecord,
    private readonly apps: LoadedApps,
    private readonly files: AppFolders,
    private readonly transfers: ContentFiles,
    private readonly outbox: EventOutbox,
    private readonly clock: Clock,
    private readonly log: LogSink,
  ) {}

  /** Creates a runtime and reads its store. @throws StoreError; ConfigurationError for an invalid `fetch`. */
  static async open(options: PushRuntimeOptions): Promise<PushRuntime> {
    const { store, clock = systemClock } = options;
    const limits = { ...DEFAULT_LIMITS, ...defined(options.limits ?? {}) };
    const log = safeLogSink(options.log);
    const records = new Records(store, clock, log);
    const run = await RunRecord.begin({
      records,
      folder: options.run,
      reported: options.damage,
      now: clock.now,
      log,
    });
    const { killed } = run;
    const outbox = await EventOutbox.open({ records, clock, log, listener: options.emit });
    const fetcher = new GuardedFetch(options.fetch);
    const retrievalSpool = new RetrievalSpool(options.spool);
    if (options.spool !== undefined) await retrievalSpool.open();
    const retrieved = (end: LateEnd) => options.onRetrieved?.(end);
    const files = new AppFolders(options.files, limits);
    const transfers = new ContentFiles(options.transfers, limits, log);
    const parts = await compose({
      records,
      clock,
      limits,
      log,
      outbox,
      fetcher,
      retrievalSpool,
      files,
      transfers,
      retrieved,
      killed,
      forgotten: (pushes) => options.onForgotten?.(pushes),
      delivery: (event) => options.onDelivery?.(event),
    });
    await parts.transfers.open();
    const namespaces = await Namespaces.open(records, log);
    const loader = new Loader({ parts, records, namespaces, outbox, clock, limits, log });
    const apps = new LoadedApps(loader, parts.registry, log);
    return new PushRuntime(parts, records, run, apps, files, transfers, outbox, clock, log);
  }

  /**
   * Starts to redeliver the pushes in the inbox, and to retrieve the content of stored references. An application that
   * is loaded later receives its pushes then.
   */
  async start(): Promise<void> {
    this.outbox.start();
    this.parts.deliveries.start();
    this.parts.retrievals.start();
    await this.apps.start();
  }

  /**
   * Stops all applications, including those that are starting. Pushes stay in the inbox. The runtime no longer uses the store
   * afterwards.
   */
  async stop(): Promise<void> {
    const { deliveries, retrievals, transfers, dispatcher } = this.parts;
    this.apps.stop();
    let stopped: Promise<unknown>;
    await this.apps.unloadAll(
      () => {
        deliveries.stop();
        stopped = Promise.all([retrievals.stop(), transfers.stop()]);
      },
      async () => {
        await stopped;
        await dispatcher.idle();
        await this.outbox.stop();
        await this.files.close();
        await this.transfers.close();
        await this.parts.ledger.close();
        await this.run.end();
        await this.records.close();
      },
    );
  }

  /**
   * Loads an application and delivers its pushes from the inbox.
   * @param definition the application.
   * @param options options for its schema; `{}` by default.
   * @param permissions its permissions; by default only the limits of the host apply.
   * @throws ConfigurationError if its definition or its options are invalid, a service has no provider, or a loaded
   * application cannot be distinguished from it; AppError if it does not start.
   */
  load(definition: PushAppDefinition, options?: unknown, permissions?: AppPermissions): Promise<void> {
    return this.loadAll([{ definition, options, permissions }]);
  }

  /**
   * Loads several applications at the same time, each after those whose services it needs. An application with a
   * manifest and `load` is known by its manifest until its first push. An error of an optional application is logged.
   * @throws as `load`; ConfigurationError if the needs of applications are circular. Applications that have started stay
   * loaded.
   */
  loadAll(apps: readonly (AppToLoad | AppOnPush)[]): Promise<void> {
    return this.apps.loadAll(apps);
  }

  /**
   * Stops an application. Its pushes stay in the inbox until it is loaded again.
   * @param eventAppId event-app-id of the application.
   * @param iari selects one of several with this event-app-id; all of them by default.
   * @throws ConfigurationError if there is none, or another application needs its service.
   */
  unload(eventAppId: string, iari?: string): Promise<void> {
    return this.apps.unload(eventAppId, iari);
  }

  /** Stops all applications, each before those whose services it needs. */
  unloadAll(): Promise<void> {
    return this.apps.unloadAll();
  }

  /** Damage of the store, until it is acknowledged: by the removal of the file `damage` from the folder `run`. */
  get damage(): string | undefined {
    return this.run.damage;
  }

  /** event-app-ids of the loaded applications in their short form, sorted. */
  get eventAppIds(): readonly string[] {
    return this.parts.registry.eventAppIds;
  }

  /** IARIs of the loaded applications (TS appendix D), sorted. */
  get iaris(): readonly string[] {
    return this.parts.registry.iaris;
  }

  /** Accepted media types of the applications that these ids and this IARI address, or of all. */
  acceptedTypes(eventAppIds?: readonly string[], iari?: string): string[] {
    return this.parts.registry.acceptedTypes(eventAppIds, iari);
  }

  /**
   * Runs `change`, which loads and unloads applications. Listeners of `onChange` are called once, when it has ended, so
   * that a device registers once.
   */
  asOneChange(change: () => Promise<void>): Promise<void> {
    return this.apps.asOneChange(change);
  }

  /** Calls `listener` after an application was loaded or unloaded. The returned function removes it. */
  onChange(listener: () => void): () => void {
    return this.apps.onChange(listener);
  }

  /** The applications that these ids and this IARI address, in the order of the ids. */
  addressed(eventAppIds: readonly string[], iari?: string): readonly AppHandle[] {
    return this.parts.registry.addressed(eventAppIds, iari);
  }

  /**
   * The first of the listed applications that accepts the media type; 'unknown' if none of the ids is loaded, 'type' if
   * none accepts the type.
   */
  resolve(eventAppIds: readonly string[], mediaType: string, iari?: string): AppHandle | 'unknown' | 'type' {
    return this.parts.registry.resolve(eventAppIds, mediaType, iari);
  }

  /** Delivers a push. Resolves within 16 seconds and never rejects. */
  dispatch(incoming: IncomingPush): Promise<Outcome> {
    return this.whenAwake(
      incoming.app,
      () => this.parts.dispatcher.dispatch(incoming),
      (refusal) => ({ accepted: false, ...refusal }),
    );
  }

  /** Retrieves the content of a reference and delivers the push. Resolves within 16 seconds and never rejects. */
  retrieve(incoming: IncomingReference): Promise<ReferenceAnswer> {
    return this.whenAwake(
      incoming.app,
      () => this.parts.retrievals.receive(incoming),
      (refusal) => ({ outcome: { accepted: false, ...refusal } }),
    );
  }

  /**
   * Asks an application whether it accepts a file that is offered in session mode, after checking the size. Undefined
   * means yes, or that the file was accepted before. Resolves within 3 seconds and never rejects.
   * @param app the application, from `addressed` or `resolve`.
   * @param offer the file.
   * @param key identifies the file, as in `transfer`.
   */
  consider(app: AppHandle, offer: PushOffer, key?: string): Promise<Refusal | undefined> {
    return this.whenAwake<Refusal | undefined>(
      app,
      () => this.parts.transfers.consider(app, offer, key),
      (refusal) => refusal,
    );
  }

  /** Begins or resumes a transfer in session mode. Never rejects. */
  transfer(incoming: IncomingTransfer): Promise<TransferAnswer> {
    return this.whenAwake<TransferAnswer>(
      incoming.app,
      () => this.parts.transfers.begin(incoming),
      (refusal) => ({ refused: { accepted: false, ...refusal } }),
    );
  }

  private whenAwake<T>(app: AppHandle, run: () => Promise<T>, refuse: (refusal: Refusal) => T): Promise<T> {
    if (!(app instanceof OnDemandApp) || app.awake) return run();
    return app.whenAwake(this.clock, run, refuse);
  }

  /** Largest content in session mode for this application, in bytes. */
  largestTransfer(app: AppHandle): number {
    return this.parts.transfers.largest(app);
  }

  /** Describes a push for people; undefined if it is neither recent nor in the inbox. */
  async describe(pushId: string): Promise<PushDescription | undefined> {
    const shown = this.parts.recent.get(pushId) ?? (await this.#received(pushId).catch(() => undefined));
    if (!shown) return undefined;
    const { record, content } = shown;
    const app = this.parts.registry.ofRecord(record);
    return describePush(pushOf(record, content, app?.maxSize), app, this.clock);
  }

  /**
   * Sends a query to a loaded application, which defines its queries.
   * @throws ConfigurationError if it is not loaded; AppError if it has no such query, or throws, or is too slow.
   */
  async query(eventAppId: string, name: string, args?: unknown): Promise<unknown> {
    const known = this.parts.registry.ofId(eventAppId);
    const apps = await Promise.all(known.map((app) => (isRunning(app) ? app : app.wake())));
    const app = apps.find(({ instance }) => Object.hasOwn({ ...instance.queries }, name)) ?? apps[0];
    if (!app) throw this.apps.notLoaded(eventAppId);
    return queryApplication(app, name, args, this.clock);
  }

  /**
   * Notifies each loaded application whether a sender pushes for it.
   * @param sender URI of the sender.
   * @param supported event-app-ids in their short form.
   */
  negotiated(sender: string, supported: readonly string[]): void {
    const { parts, clock, log } = this;
    notifyNegotiated(parts.registry.all(), sender, supported, { clock, log });
  }

  /** Pushes in the inbox that no loaded application accepts: one item for each application that they wait for. */
  waitingPushes(): WaitingPushes[] {
    return waitingPushes(this.parts.ledger, this.parts.registry);
  }

  /** Pushes that were confirmed and that their application does not accept, the oldest first. */
  deadLetters(): DeadLetter[] {
    return this.parts.deadLetters.list();
  }

  /**
   * Delivers a dead letter to its application again, with as many attempts as any other push.
   * @returns false when there is no such dead letter.
   * @throws LimitError when the inbox is full, StoreError: the push is still a dead letter.
   */
  async redeliver(pushId: string): Promise<boolean> {
    const entry = await this.parts.deadLetters.revive(pushId);
    if (entry) this.parts.deliveries.resume(entry);
    return entry !== undefined;
  }

  /** Deletes a dead letter. @returns false when there is no such dead letter. @throws StoreError */
  dropDeadLetter(pushId: string): Promise<boolean> {
    return this.parts.deadLetters.drop(pushId);
  }

  async #received(pushId: string): Promise<DescribablePush | undefined> {
    const { ledger } = this.parts;
    const record = ledger.received(pushId)?.record;
    const content = record && (await ledger.content(record));
    return content && { record, content };
  }
}
