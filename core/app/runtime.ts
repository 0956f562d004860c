/** The application-dispatch runtime: applications come and go, pushes are given to them. It knows no SIP. */

import { GuardedFetch, type GuardedFetchOptions } from '../content/fetch/guarded-fetch.js';
import { ConfigurationError } from '../errors.js';
import { type LogSink, safeLogSink } from '../log.js';
import type { Store } from '../platform/platform.js';
import { ContentFiles } from '../store/content-files.js';
import { Records } from '../store/records.js';
import { reasonOf } from '../text.js';
import { type Clock, systemClock } from '../time/clock.js';
import type { AppHandle } from './application/application.js';
import { describePush, notifyNegotiated, queryApplication } from './application/hooks.js';
import { type AppOnPush, whenAwake } from './application/on-demand-app.js';
import { isRunning } from './application/registry.js';
import { type Composition, compose } from './container.js';
import { canonicalEventAppId } from './contract/event-app-id.js';
import type { Outcome, Refusal } from './contract/outcome.js';
import type { AppPermissions } from './contract/permissions.js';
import type { PushAppDefinition, PushDescription, PushOffer } from './contract/push-app.js';
import type { IncomingPush } from './delivery/dispatcher.js';
import { dropDeadLetter, redeliverDeadLetter } from './delivery/durable-delivery.js';
import type { ShownPush } from './delivery/recent.js';
import { type EventSink, safeEventSink } from './foundations.js';
import type { DeadLetter } from './inbox/dead-letters.js';
import { pushOf } from './inbox/push-record.js';
import { DEFAULT_LIMITS, type RuntimeLimits } from './limits.js';
import { type AppToLoad, Loader } from './loading/loader.js';
import { Namespaces } from './loading/namespaces.js';
import {
  type IncomingReference,
  type LateEnd,
  type ReferenceAnswer,
  RetrievalSpool,
} from './retrieval/retrievals.js';
import { AppFolders } from './services/files-service.js';
import type { IncomingTransfer, TransferAnswer } from './transfer/transfer.js';

export type { LogLevel, LogRecord } from '../log.js';
export type { Clock } from '../time/clock.js';
export type { AppHandle } from './application/application.js';
export type { AppOnPush } from './application/on-demand-app.js';
export type { StaticManifest } from './contract/manifest.js';
export type { Outcome, Refusal } from './contract/outcome.js';
export type { AppPermissions } from './contract/permissions.js';
export type { IncomingPush } from './delivery/dispatcher.js';
export type { DeadLetter } from './inbox/dead-letters.js';
export type { RuntimeLimits } from './limits.js';
export type { AppToLoad } from './loading/loader.js';
export type { IncomingReference, LateEnd, ReferenceAnswer } from './retrieval/retrievals.js';
export type { IncomingTransfer, Transfer, TransferAnswer, TransferOutcome } from './transfer/transfer.js';

/** What a runtime works with. */
export interface PushRuntimeOptions {
  /** Opened and closed by the caller, after `stop`. */
  store: Store;
  log?: LogSink;
  emit?: EventSink;
  clock?: Clock;
  limits?: Partial<RuntimeLimits>;
  /** What may be fetched, for references and for applications that need `fetch`. */
  fetch?: GuardedFetchOptions;
  /** Folder for content that is too large for memory, emptied at the start; a temporary one when absent. */
  spool?: string;
  /** Folder for what applications keep in files; a temporary one, gone with the runtime, when absent. */
  files?: string;
  /**
   * Folder for content that comes in session mode; what may be resumed, or was confirmed, outlives the process. A
   * temporary one, gone with the runtime, when absent.
   */
  transfers?: string;
  /** Told how a push by reference ended whose sender was answered before. */
  onRetrieved?(end: LateEnd): void;
}

/** Applications come and go, pushes are given to them. It knows no SIP: an agent brings it what arrives. */
export class PushRuntime {
  readonly #listeners = new Set<() => void>();
  /** Loading and unloading happen one after another. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly parts: Composition,
    private readonly records: Records,
    private readonly loader: Loader,
    private readonly files: AppFolders,
    private readonly transfers: ContentFiles,
    private readonly clock: Clock,
    private readonly log: LogSink,
  ) {}

  /** Reads what the store holds. @throws StoreError, or ConfigurationError for `fetch`. */
  static async open(options: PushRuntimeOptions): Promise<PushRuntime> {
    const { store, clock = systemClock } = options;
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    const log = safeLogSink(options.log);
    const events = safeEventSink(options.emit, log);
    const records = new Records(store, clock, log);
    const fetcher = new GuardedFetch(options.fetch);
    const room = new RetrievalSpool(options.spool);
    if (options.spool !== undefined) await room.open();
    const retrieved = (end: LateEnd) => options.onRetrieved?.(end);
    const files = new AppFolders(options.files, limits);
    const transfers = new ContentFiles(options.transfers, limits, log);
    const parts = await compose({
      records,
      clock,
      limits,
      log,
      events,
      fetcher,
      room,
      files,
      transfers,
      retrieved,
    });
    await parts.transfers.open();
    const namespaces = await Namespaces.open(records, log);
    const loader = new Loader({ parts, records, namespaces, clock, limits, log });
    return new PushRuntime(parts, records, loader, files, transfers, clock, log);
  }

  /**
   * Gives what the inbox holds to the applications that are loaded; those loaded later get theirs then. Goes on to
   * retrieve what references point at.
   */
  async start(): Promise<void> {
    this.parts.deliveries.start();
    this.parts.retrievals.start();
    this.loader.start();
    for (const app of await this.loader.awaited()) {
      app.wake().catch((error: unknown) => {
        this.log({
          level: 'error',
          app: app.eventAppId,
          message: `has something to do, but: ${reasonOf(error)}`,
        });
      });
    }
  }

  /** Stops every application. What is in the inbox stays there. Nothing touches the store afterwards. */
  async stop(): Promise<void> {
    await this.#inTurn(async () => {
      this.parts.deliveries.stop();
      const retrieved = this.parts.retrievals.stop();
      const transferred = this.parts.transfers.stop();
      await this.#unloadAll();
      await retrieved;
      await transferred;
      await this.parts.dispatcher.idle();
      await this.files.close();
      await this.transfers.close();
      await this.records.close();
    });
  }

  /**
   * Checks an application, starts it, and gives it what the inbox holds for it.
   * @throws ConfigurationError when its manifest or its options are wrong, it needs a service that nobody provides, or
   * nothing tells it from an application that is loaded; AppError when it does not start. Nothing of it stays then.
   */
  load(definition: PushAppDefinition, options?: unknown, permissions?: AppPermissions): Promise<void> {
    return this.loadAll([{ definition, options, permissions }]);
  }

  /**
   * As `load`, one after another: those that provide services before those that need them. Those that are to be
   * loaded when a push for them comes are known from now on by their manifests.
   * @throws as `load`, and ConfigurationError when some need each other in a circle. Those loaded before stay.
   */
  loadAll(apps: readonly (AppToLoad | AppOnPush)[]): Promise<void> {
    return this.#inTurn(async () => {
      for (const app of this.loader.inOrder(apps.filter((app) => 'definition' in app))) {
        await this.loader.load(app);
        this.#changed();
      }
      for (const app of apps) {
        if ('definition' in app) continue;
        this.loader.addDormant(app, (dormant) => this.#inTurn(() => this.loader.wake(dormant)));
        this.#changed();
      }
    });
  }

  /**
   * Stops an application; its pushes in the inbox wait until it is loaded again.
   * @param iari tells one of several with this event-app-id; absent: all of them.
   * @throws ConfigurationError when there is none, or another application needs a service of it.
   */
  unload(eventAppId: string, iari?: string): Promise<void> {
    return this.#inTurn(async () => {
      const apps = this.parts.registry.ofId(eventAppId, iari);
      if (apps.length === 0) throw this.#notLoaded(eventAppId);
      await this.loader.unload(apps, () => this.#changed());
    });
  }

  /** As `unload`, all there are: those that need others before these. */
  unloadAll(): Promise<void> {
    return this.#inTurn(() => this.#unloadAll());
  }

  /** Of loaded applications: canonical, sorted. */
  get eventAppIds(): readonly string[] {
    return this.parts.registry.eventAppIds;
  }

  /** Of those among them that are instances of an application (TS appendix D), sorted. */
  get iaris(): readonly string[] {
    return this.parts.registry.iaris;
  }

  /** Media types and ranges of the applications that these ids and this IARI address, or of all. */
  acceptedTypes(eventAppIds?: readonly string[], iari?: string): string[] {
    return this.parts.registry.acceptedTypes(eventAppIds, iari);
  }

  /** Calls `listener` after an application came or went; the function that it returns ends that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The applications that these ids and this IARI address, in the order of the ids. */
  addressed(eventAppIds: readonly string[], iari?: string): readonly AppHandle[] {
    return this.parts.registry.addressed(eventAppIds, iari);
  }

  /**
   * The first addressed application that accepts the media type; 'unknown' if no application has one of the ids, 'type'
   * if none accepts the type.
   */
  resolve(eventAppIds: readonly string[], mediaType: string, iari?: string): AppHandle | 'unknown' | 'type' {
    return this.parts.registry.resolve(eventAppIds, mediaType, iari);
  }

  /** Resolves within 16 s, and never rejects. */
  dispatch(incoming: IncomingPush): Promise<Outcome> {
    return whenAwake(
      incoming.app,
      this.clock,
      () => this.parts.dispatcher.dispatch(incoming),
      (refusal) => ({ taken: false, ...refusal }),
    );
  }

  /** Retrieves what a push refers to, and dispatches it. Resolves within 16 s, and never rejects. */
  retrieve(incoming: IncomingReference): Promise<ReferenceAnswer> {
    return whenAwake(
      incoming.app,
      this.clock,
      () => this.parts.retrievals.receive(incoming),
      (refusal) => ({ outcome: { taken: false, ...refusal } }),
    );
  }

  /**
   * Asks an application about a file that is offered in session mode, ahead of delivery; its size is held against the
   * limits first. Undefined: it would take it. Resolves within 3 s, and never rejects.
   */
  consider(app: AppHandle, offer: PushOffer): Promise<Refusal | undefined> {
    return whenAwake<Refusal | undefined>(
      app,
      this.clock,
      () => this.parts.transfers.consider(app, offer),
      (refusal) => refusal,
    );
  }

  /** Begins, or resumes, what comes in session mode. Never rejects. */
  transfer(incoming: IncomingTransfer): Promise<TransferAnswer> {
    return whenAwake<TransferAnswer>(
      incoming.app,
      this.clock,
      () => this.parts.transfers.begin(incoming),
      (refusal) => ({ refused: { taken: false, ...refusal } }),
    );
  }

  /** Bytes of the largest content that is taken in session mode for this application. */
  largestTransfer(app: AppHandle): number {
    return this.parts.transfers.largest(app);
  }

  /** What a person would like to read of a push; undefined when it is neither recent nor in the inbox. */
  async describe(pushId: string): Promise<PushDescription | undefined> {
    const shown = this.parts.recent.get(pushId) ?? (await this.#held(pushId).catch(() => undefined));
    if (!shown) return undefined;
    const { record, content } = shown;
    return describePush(pushOf(record, content), this.parts.registry.ofRecord(record), this.clock);
  }

  /**
   * Asks a loaded application about its state; which questions it answers is its own to say.
   * @throws ConfigurationError when it is not loaded, or answers none; AppError when it throws, or takes too long.
   */
  async query(eventAppId: string, name: string, args?: unknown): Promise<unknown> {
    const known = this.parts.registry.ofId(eventAppId);
    const apps = await Promise.all(known.map((app) => (isRunning(app) ? app : app.wake())));
    const app = apps.find(({ instance }) => instance.query) ?? apps[0];
    if (!app) throw this.#notLoaded(eventAppId);
    return queryApplication(app, name, args, this.clock);
  }

  /** Tells every loaded application whether a sender pushes for it. @param supported canonical event-app-ids. */
  negotiated(sender: string, supported: readonly string[]): void {
    const { parts, clock, log } = this;
    notifyNegotiated(parts.registry.all(), sender, supported, { clock, log });
  }

  /** Pushes that were confirmed and that no application could be made to take, the oldest first. */
  setAside(): Promise<DeadLetter[]> {
    return this.parts.aside.list();
  }

  /**
   * Gives a push that was set aside to its application again, with as many attempts as any other.
   * @returns false where there is no such push.
   * @throws LimitError when the inbox is full, StoreError: it is set aside still.
   */
  giveAgain(pushId: string): Promise<boolean> {
    return redeliverDeadLetter(pushId, this.parts);
  }

  /** Drops a push that was set aside, for good. @returns false where there is none. @throws StoreError */
  dropSetAside(pushId: string): Promise<boolean> {
    const { parts, records, transfers } = this;
    return dropDeadLetter(pushId, { aside: parts.aside, records, room: transfers });
  }

  async #held(pushId: string): Promise<ShownPush | undefined> {
    const { inbox } = this.parts;
    const record = inbox.get(pushId)?.record;
    const content = record && (await inbox.content(record));
    return content && { record, content };
  }

  #unloadAll(): Promise<void> {
    return this.loader.unload(this.parts.registry.registered(), () => this.#changed());
  }

  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(task);
    this.#turn = result.catch(() => {});
    return result;
  }

  #notLoaded(eventAppId: string): ConfigurationError {
    const loaded = this.eventAppIds.join(', ') || 'none';
    return new ConfigurationError(`${canonicalEventAppId(eventAppId)} is not loaded; loaded are: ${loaded}`);
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener();
      } catch (error) {
        this.log({ level: 'error', message: `a listener to changes failed: ${reasonOf(error)}` });
      }
    }
  }
}
