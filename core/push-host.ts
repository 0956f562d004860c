/**
 * A push host: the store, the runtime with its applications, and a Push Receiver Agent. A program imports the other
 * features that it needs: stores, WebSocket, negotiation, an MSRP relay, workers. `host.ts` imports all of them.
 */

import { platform } from '#platform';
import type { PushDescription } from './app/contract/push.js';
import type { ApplicationEvent } from './app/contract/push-app.js';
import { DEFAULT_LIMITS } from './app/limits.js';
import {
  type AppOnPush,
  type AppToLoad,
  type DeliveryEvent,
  type LogRecord,
  PushRuntime,
  type RuntimeLimits,
} from './app/runtime.js';
import type { FetchLimits } from './content/fetch/guarded-fetch.js';
import { defined } from './defined.js';
import { instanceIdOf } from './instance-id.js';
import { safeLogSink } from './log.js';
import type { Store } from './platform/platform.js';
import type { SenderCapabilities } from './receiver/capabilities.js';
import { lateEvent, type ReceiverEvent } from './receiver/events.js';
import { PushReceiverAgent, type PushReceiverOptions } from './receiver/receiver.js';
import { reasonOf } from './text.js';
import { unlessAborted } from './time/abort-signal.js';

/** An event of a host: registration, pushes, applications, and its end. */
export type HostEvent =
  | ReceiverEvent
  | DeliveryEvent
  | ({
      /** An application emitted an event. */
      event: 'app';
    } & ApplicationEvent)
  | {
      /**
       * The disk quota of finished pushes is used up, so the oldest are forgotten before their time. A sender that retries
       * one of them delivers it twice.
       */
      event: 'forgotten';
      /** Number of pushes. */
      pushes: number;
      /** For how many seconds of the host's running time the oldest of them was known. */
      seconds: number;
    }
  | {
      /** The durable store has lost records, so confirmed pushes may be lost. At each start until `file` is deleted. */
      event: 'damaged';
      /** Folder of the store. */
      folder: string;
      /** What was noticed, and when, for people. */
      reason: string;
      /** Path of the file to delete when the damage is dealt with. */
      file: string;
    }
  | {
      /** The host has stopped. */
      event: 'stopped';
      /** Reason that was passed to `stop`. */
      reason: string;
    };

type SetByHost = 'runtime' | 'instanceId' | 'onEvent' | 'expires' | 'trust' | 'product';

/** The options that do not depend on how a device is composed. */
export interface HostBaseOptions extends Omit<PushReceiverOptions, SetByHost | keyof ComposedFeatures> {
  /** Folder of the durable store; in memory by default. */
  data?: string;
  /** What the device can fetch over HTTP; public https addresses by default. */
  fetch?: FetchLimits;
  /** Session mode: largest file in bytes; 1 GiB by default. */
  maxSize?: number;
  /**
   * Disk quota of finished pushes in bytes, 64 for each. They are known for 31 days of running time, so that a push that
   * is sent again is not delivered again. 20 GiB by default; 4 MiB without `data`.
   */
  finishedBytes?: number;
  /** Confirmed pushes that wait for their applications. */
  inbox?: PushSpace;
  /** Confirmed pushes that their applications do not accept. */
  deadLetters?: PushSpace & {
    /** Their content in files (session mode), in bytes; 1 GiB by default. */
    fileBytes?: number;
  };
  /** `urn:uuid:…`; by default created once and kept in the store (6.1-06). */
  instanceId?: string;
  /** Seconds of a registration; 3600 by default. */
  expires?: number;
  /** Trusted senders, `sip:psa@domain.test` or `sip:*@domain.test`; none by default. */
  trust?: readonly string[];
  /** Product token of User-Agent; `sip-push` by default. */
  product?: string;
  /**
   * Called for each event. An error that it throws is logged. An event of an application's transaction is delivered until
   * `onEvent` returns, or its promise resolves, within 30 seconds.
   */
  onEvent?: (event: HostEvent) => unknown;
  /** Called for each log line of the host and its applications. */
  onLog?: (record: LogRecord) => void;
  /** Ends the start: the applications that have started are stopped. Without effect after the start. */
  signal?: AbortSignal;
}

/**
 * Limits of pushes on disk, for all applications together. One application uses at most half of what the others leave,
 * and at least a sixteenth is always its own. Its pushes beyond that are refused before they are confirmed.
 */
export interface PushSpace {
  /** Number of pushes; 10,000 by default. */
  count?: number;
  /** Content and metadata in bytes; 256 MiB by default. */
  bytes?: number;
}

type ComposedFeatures = Pick<PushReceiverOptions, 'negotiate' | 'profile' | 'registrationEvents' | 'relay'>;

/** The options of a device whose features the program composes. */
export interface ComposedHostOptions extends HostBaseOptions, ComposedFeatures {
  /** Applications. If a push names several of them, the sender's order decides. */
  apps: readonly (AppToLoad | AppOnPush)[];
}

const NO_TRUST =
  'no sender is trusted, so every push is refused with 403: name the identities of senders in "trust"';

/** The quota of finished pushes of a store in memory, where each needs several times as much as on disk. */
const MEMORY_FINISHED_BYTES = 4 * 1024 * 1024;

const PRESETS = { expires: 3600, trust: [], product: 'sip-push' };

/** A running device. `createPushReceiver` creates it. */
export class PushHost {
  #stopped: Promise<void> | undefined;

  constructor(
    private readonly store: Store,
    /** Loads and unloads applications, and lists dead letters. */
    readonly runtime: PushRuntime,
    private readonly agent: PushReceiverAgent,
    private readonly onEvent: ((event: HostEvent) => void) | undefined,
  ) {}

  /** The current registration; undefined if the device is not registered. */
  get registration() {
    return this.agent.registration;
  }

  /** What Push Sender Agents support, by their URIs. */
  get senders(): ReadonlyMap<string, SenderCapabilities> {
    return this.agent.senders;
  }

  /** Describes an accepted push for people. */
  describe(pushId: string): Promise<PushDescription | undefined> {
    return this.runtime.describe(pushId);
  }

  /** Sends a query to an application. @throws ConfigurationError or AppError naming the application. */
  query(eventAppId: string, name: string, args?: unknown): Promise<unknown> {
    return this.runtime.query(eventAppId, name, args);
  }

  /** De-registers, stops the applications, and closes the store. Further calls return the same promise. */
  stop(reason: string): Promise<void> {
    this.#stopped ??= this.#stop(reason);
    return this.#stopped;
  }

  async #stop(reason: string): Promise<void> {
    try {
      await this.agent.stop();
      await this.runtime.stop();
    } finally {
      await this.store.close();
    }
    this.onEvent?.({ event: 'stopped', reason });
  }
}

/**
 * Opens the store, loads every application, redelivers the pushes in the inbox, and starts to register.
 * @throws ConfigurationError or AppError naming the application that cannot be loaded; the reason of `signal`.
 */
export async function openPushHost(options: ComposedHostOptions): Promise<PushHost> {
  const { apps, data, fetch, maxSize, finishedBytes, inbox, deadLetters, onLog, signal, ...receiver } =
    options;
  // Without a listener, no event is made: events need digests and descriptions.
  const onEvent = options.onEvent && safeListener(options);
  let damage: string | undefined;
  const store = await platform.openStore(data, (problem) => {
    damage = problem;
  });
  let runtime: PushRuntime | undefined;
  let agent: PushReceiverAgent | undefined;
  try {
    runtime = await PushRuntime.open({
      store,
      // Not `onEvent`, which catches errors: an event of a transaction is delivered again if the listener fails.
      emit: options.onEvent && ((event) => options.onEvent?.({ event: 'app', ...event })),
      onRetrieved: onEvent && ((end) => onEvent(lateEvent(end))),
      fetch: { ...fetch, ...defined({ ca: options.tls?.ca }) },
      damage,
      // Beside the store, in the folder of the host.
      run: data && `${data}/run`,
      spool: data && `${data}/spool`,
      files: data && `${data}/files`,
      transfers: data && `${data}/transfers`,
      onForgotten: ({ pushes, age }) =>
        onEvent?.({ event: 'forgotten', pushes, seconds: Math.round(age / 1000) }),
      onDelivery: onEvent,
      limits: limitsOf(options),
      log: onLog,
    });
    await unlessAborted(runtime.loadAll(apps), signal);
    if ((options.trust ?? []).length === 0) safeLogSink(onLog)({ level: 'warn', message: NO_TRUST });
    const instanceId = options.instanceId ?? (await instanceIdOf(store));
    agent = new PushReceiverAgent({ ...PRESETS, ...defined(receiver), instanceId, runtime, onEvent });
    reportDamage(runtime, options, onEvent);
    const host = new PushHost(store, runtime, agent, onEvent);
    await runtime.start();
    await agent.start();
    return host;
  } catch (error) {
    await agent?.stop();
    await runtime?.stop();
    await store.close();
    throw error;
  }
}

function reportDamage(
  { damage }: PushRuntime,
  { data = '', onLog }: HostBaseOptions,
  onEvent: ((event: HostEvent) => void) | undefined,
): void {
  if (damage === undefined) return;
  const file = `${data}/run/damage`;
  const message = `the store in ${data} is damaged, and confirmed pushes may be lost:\n${damage}\nCopy the folder if you want to examine it, and let senders repeat what they sent before. Delete ${file} to end this message`;
  safeLogSink(onLog)({ level: 'error', message });
  onEvent?.({ event: 'damaged', folder: data, reason: damage, file });
}

function limitsOf(options: ComposedHostOptions): Partial<RuntimeLimits> {
  const { data, maxSize, finishedBytes, inbox, deadLetters } = options;
  return defined({
    transferSize: maxSize,
    // A sender's share, half of all, has space for the largest file.
    transferBytes: maxSize === undefined ? undefined : Math.max(DEFAULT_LIMITS.transferBytes, 2 * maxSize),
    finishedBytes: finishedBytes ?? (data === undefined ? MEMORY_FINISHED_BYTES : undefined),
    inboxCount: inbox?.count,
    inboxBytes: inbox?.bytes,
    deadLetterCount: deadLetters?.count,
    deadLetterBytes: deadLetters?.bytes,
    deadLetterFileBytes: deadLetters?.fileBytes,
  });
}

/** An error of the listener is logged: it must not interrupt the registration or the push that the event is about. */
function safeListener({ onEvent, onLog }: HostBaseOptions): (event: HostEvent) => void {
  const log = safeLogSink(onLog);
  return (event) => {
    const failed = (error: unknown) =>
      log({
        level: 'error',
        message: `the listener failed on the event "${event.event}": ${reasonOf(error)}`,
      });
    try {
      Promise.resolve(onEvent?.(event)).catch(failed);
    } catch (error) {
      failed(error);
    }
  };
}
