/** A sender that stays up: the durable store, a Push Sender Agent with its directory, and an outbox. */

import { platform } from '#platform';
import '#platform/complete';
import { instanceIdOf } from './instance-id.js';
import { type LogSink, safeLogSink } from './log.js';
import type { Store } from './platform/platform.js';
import { Outbox, type OutboxLimits } from './sender/outbox/outbox.js';
import type { OutboxRecord } from './sender/outbox/record.js';
import type { PushRequest, Receipt } from './sender/push-request.js';
import { PushSenderAgent, type PushSenderOptions, type SendOptions } from './sender/sender.js';
import { Records } from './store/records.js';
import { systemClock } from './time/clock.js';

/** The options of a sender that stays up. */
export interface PushSenderHostOptions
  extends Omit<PushSenderOptions, 'records' | 'instanceId' | 'assertIdentity' | 'product'> {
  /** Whether it registers with the core; true by default. An application server does not (P-2). */
  register?: boolean;
  /** Whether to send P-Asserted-Identity (8.1.2-04); true by default. Use it only inside the core's trust domain. */
  assertIdentity?: boolean;
  /** Product token of User-Agent; `sip-push` by default. */
  product?: string;
  /** Folder of the durable store and of contents; in memory by default. */
  data?: string;
  /** Limits of the outbox. */
  outbox?: Partial<OutboxLimits>;
  /**
   * Called when a push of the outbox has another receipt or another state.
   * @param push the push.
   */
  onPush?(push: OutboxRecord): void;
  /** Called for each log line. */
  onLog?: LogSink;
}

const PRESETS = { assertIdentity: true, product: 'sip-push' };

/** A sender that stays up. `createPushSender` creates it. */
export class PushSenderHost {
  #stopped: Promise<void> | undefined;

  constructor(
    private readonly store: Store,
    private readonly records: Records,
    /** Sends pushes, and has the directory of terminals. */
    readonly agent: PushSenderAgent,
    /** Keeps pushes until they are delivered. */
    readonly outbox: Outbox,
  ) {}

  /** Sends a push without the outbox, and resolves with its receipts. Nothing is stored. */
  send(push: PushRequest, options?: SendOptions): Promise<Receipt[]> {
    return this.agent.send(push, options);
  }

  /** Stops the sender. With `data`, the next process continues with the pushes of the outbox; other pushes fail. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    try {
      await this.outbox.stop();
      await this.agent.stop();
      await this.records.close();
    } finally {
      await this.store.close();
    }
  }
}

/**
 * Creates a sender: opens the store, connects, and continues with the waiting pushes.
 * @throws ConfigurationError for an invalid option.
 */
export async function createPushSender(options: PushSenderHostOptions): Promise<PushSenderHost> {
  const { register = true, data, outbox: limits, onPush, onLog, ...sender } = options;
  const log = safeLogSink(onLog);
  const onError = (error: Error) => log({ level: 'warn', message: error.message });
  const store = await platform.openStore(data);
  const records = new Records(store, systemClock, log);
  let agent: PushSenderAgent | undefined;
  try {
    agent = new PushSenderAgent({
      onProblem: onError,
      ...PRESETS,
      ...sender,
      records,
      ...(register ? { instanceId: await instanceIdOf(store) } : {}),
    });
    await agent.start();
    const outbox = await Outbox.open({
      sender: agent,
      records,
      folder: data === undefined ? undefined : `${data}/contents`,
      limits,
      onChange: onPush,
      onError,
    });
    return new PushSenderHost(store, records, agent, outbox);
  } catch (error) {
    await agent?.stop();
    await records.close();
    await store.close();
    throw error;
  }
}
