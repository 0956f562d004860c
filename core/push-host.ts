/**
 * A push host: the store, the runtime with its applications, and a Push Receiver Agent, as one. A program composes what
 * else it needs by import: stores, WebSocket, negotiation, an MSRP relay, workers. `host.ts` has all of them.
 */

import { platform } from '#platform';
import type { AppEvent, PushDescription } from './app/contract/push-app.js';
import { type AppOnPush, type AppToLoad, type LogRecord, PushRuntime } from './app/runtime.js';
import type { FetchLimits } from './content/fetch/guarded-fetch.js';
import { instanceIdOf } from './instance-id.js';
import { safeLogSink } from './log.js';
import type { Store } from './platform/platform.js';
import type { SenderCapabilities } from './receiver/capabilities.js';
import { lateEvent, type ReceiverEvent } from './receiver/events.js';
import { PushReceiverAgent, type PushReceiverOptions } from './receiver/receiver.js';
import { reasonOf } from './text.js';

/** What a host tells: of its registration and of pushes, of its applications, and that it has stopped. */
export type HostEvent = ReceiverEvent | ({ event: 'app' } & AppEvent) | { event: 'stopped'; reason: string };

/** A device: who it is, where its core is, and which applications it has. */
export interface ComposedHostOptions
  extends Omit<PushReceiverOptions, 'runtime' | 'instanceId' | 'onEvent' | 'expires' | 'trust' | 'product'> {
  /** Applications in order; where several take a push, the sender's order decides. */
  apps: readonly (AppToLoad | AppOnPush)[];
  /** Folder of the durable store; absent: in memory, lost at the end. */
  data?: string;
  /** What may be fetched by HTTP; absent: public https addresses. */
  fetch?: FetchLimits;
  /** Session mode: largest file that is taken, bytes; 1 GiB when absent. */
  maxSize?: number;
  /** `urn:uuid:…`; absent: made once and kept in the store (6.1-06). */
  instanceId?: string;
  /** Seconds to register for, 3600 when absent. */
  expires?: number;
  /** Identities whose pushes are taken, `sip:psa@domain.test` or `sip:*@domain.test`; nobody's when absent. */
  trust?: readonly string[];
  /** Product token for User-Agent, `sip-push` when absent. */
  product?: string;
  /** What it throws is logged. */
  onEvent?(event: HostEvent): void;
  /** Diagnostics of the host and of its applications. */
  onLog?(record: LogRecord): void;
}

const PRESETS = { expires: 3600, trust: [], product: 'sip-push' };

/** A running device. */
export class PushHost {
  #stopped: Promise<void> | undefined;

  constructor(
    private readonly store: Store,
    readonly runtime: PushRuntime,
    private readonly agent: PushReceiverAgent,
    private readonly onEvent: ((event: HostEvent) => void) | undefined,
  ) {}

  get registration() {
    return this.agent.registration;
  }

  /** What Push Sender Agents said that they support, by their URIs. */
  get senders(): ReadonlyMap<string, SenderCapabilities> {
    return this.agent.senders;
  }

  /** What a person would like to read of a push that was taken. */
  describe(pushId: string): Promise<PushDescription | undefined> {
    return this.runtime.describe(pushId);
  }

  /** What an application says of its state. @throws ConfigurationError or AppError naming the application. */
  query(eventAppId: string, name: string, args?: unknown): Promise<unknown> {
    return this.runtime.query(eventAppId, name, args);
  }

  /** De-registers, stops the applications, and closes the store; once, whoever else says so. */
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
 * Opens the store, loads every application, redelivers what the inbox holds, and starts to register.
 * @throws ConfigurationError or AppError naming the application that cannot be loaded.
 */
export async function openPushHost(options: ComposedHostOptions): Promise<PushHost> {
  const { apps, data, fetch, maxSize, onLog, ...receiver } = options;
  // Without a listener, no event is made: events need digests and descriptions.
  const onEvent = options.onEvent && safeListener(options);
  const store = await platform.openStore(data);
  let runtime: PushRuntime | undefined;
  let agent: PushReceiverAgent | undefined;
  try {
    runtime = await PushRuntime.open({
      store,
      emit: onEvent && ((event) => onEvent({ event: 'app', ...event })),
      onRetrieved: onEvent && ((end) => onEvent(lateEvent(end))),
      fetch: { ...fetch, ...(options.tls?.ca === undefined ? {} : { ca: options.tls.ca }) },
      // Beside the store, in the one folder that is the host's.
      ...(data === undefined
        ? {}
        : { spool: `${data}/spool`, files: `${data}/files`, transfers: `${data}/transfers` }),
      ...(maxSize === undefined ? {} : { limits: { transferSize: maxSize } }),
      ...(onLog ? { log: onLog } : {}),
    });
    await runtime.loadAll(apps);
    const instanceId = options.instanceId ?? (await instanceIdOf(store));
    agent = new PushReceiverAgent({ ...PRESETS, ...receiver, instanceId, runtime, onEvent });
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

/** Events are told in the middle of things, of a REGISTER or a push, which are not to end by what a listener throws. */
function safeListener({ onEvent, onLog }: ComposedHostOptions): (event: HostEvent) => void {
  const log = safeLogSink(onLog);
  return (event) => {
    try {
      onEvent?.(event);
    } catch (error) {
      log({ level: 'error', message: `the host did not take the event ${event.event}: ${reasonOf(error)}` });
    }
  };
}
