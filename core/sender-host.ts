/** A long-running sender: a Push Sender Agent with its directory, an outbox, and their durable store. */

import { platform } from '#platform';
import '#platform/complete';
import { instanceIdOf } from './instance-id.js';
import { type LogSink, safeLogSink } from './log.js';
import type { Store } from './platform/platform.js';
import { SenderContents } from './sender/outbox/contents.js';
import type { Outbox, OutboxLimits } from './sender/outbox/outbox.js';
import type { OutboxRecord } from './sender/outbox/record.js';
import type { PushRequest, Receipt } from './sender/push-request.js';
import { PushSenderAgent, type PushSenderOptions, type SendOptions } from './sender/sender.js';
import { Records } from './store/records.js';
import { systemClock } from './time/clock.js';

/** Options of a long-running sender. */
export interface PushSenderHostOptions
  extends Omit<PushSenderOptions, 'records' | 'contents' | 'instanceId' | 'assertIdentity' | 'product'> {
  /** Whether the sender registers, true if absent; an application server does not register (P-2). */
  register?: boolean;
  /** Whether to send P-Asserted-Identity (8.1.2-04), true if absent. Only allowed inside the core's trust domain. */
  assertIdentity?: boolean;
  /** Product token of User-Agent, `sip-push` if absent. */
  product?: string;
  /** Folder of the durable store and of contents, published ones too. If absent, they are in memory or temporary. */
  data?: string;
  /** Limits of the outbox. */
  outbox?: Partial<OutboxLimits>;
  /**
   * Called after each new receipt and each change of state of a push in the outbox.
   * @param push the push.
   */
  onPush?(push: OutboxRecord): void;
  /** Called for each log line. */
  onLog?: LogSink;
}

/** A running sender. Create one with `createPushSender`. */
export class PushSenderHost {
  #stopped: Promise<void> | undefined;

  constructor(
    private readonly store: Store,
    private readonly records: Records,
    private readonly contents: SenderContents,
    /** Sends pushes, and keeps the directory of terminals. */
    readonly agent: PushSenderAgent,
    /** Stores pushes until each has its final receipts. */
    readonly outbox: Outbox,
  ) {}

  /** Sends a push without the outbox. Nothing is stored. */
  send(push: PushRequest, options?: SendOptions): Promise<Receipt[]> {
    return this.agent.send(push, options);
  }

  /** Stops the sender. With `data`, the next process continues the waiting pushes of the outbox. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    try {
      await this.outbox.stop();
      await this.agent.stop();
      await this.contents.close();
      await this.records.close();
    } finally {
      await this.store.close();
    }
  }
}

/**
 * Creates a sender: opens the store, starts to connect, and continues the waiting pushes.
 * @throws ConfigurationError for an invalid option.
 */
export async function createPushSender(options: PushSenderHostOptions): Promise<PushSenderHost> {
  const { register = true, assertIdentity = true, product = 'sip-push', ...rest } = options;
  const { data, outbox: limits, onPush, onLog, ...sender } = rest;
  const log = safeLogSink(onLog);
  const onError = (error: Error) => log({ level: 'warn', message: error.message });
  const store = await platform.openStore(data);
  const records = new Records(store, systemClock, log);
  let agent: PushSenderAgent | undefined;
  let contents: SenderContents | undefined;
  try {
    const path = data === undefined ? undefined : `${data}/contents`;
    contents = await SenderContents.open({ path, limits, onError });
    agent = new PushSenderAgent({
      onProblem: onError,
      ...sender,
      assertIdentity,
      product,
      records,
      contents,
      instanceId: register ? await instanceIdOf(store) : undefined,
    });
    await agent.start();
    // Loaded here, so that devices start without zod.
    const { Outbox } = await import('./sender/outbox/outbox.js');
    const outbox = await Outbox.open({
      sender: agent,
      records,
      contents,
      limits,
      onChange: onPush,
      onError,
    });
    return new PushSenderHost(store, records, contents, agent, outbox);
  } catch (error) {
    await agent?.stop();
    await contents?.close();
    await records.close();
    await store.close();
    throw error;
  }
}
