/** A sender that stays up: the durable store, a Push Sender Agent with its directory, and an outbox, as one. */

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

/** A sender that stays up: who it is, where its core is, and what it keeps. */
export interface PushSenderHostOptions
  extends Omit<PushSenderOptions, 'records' | 'instanceId' | 'assertIdentity' | 'product'> {
  /** Whether it registers with the core, true when absent; an application server does not (P-2). */
  register?: boolean;
  /** Whether to send P-Asserted-Identity (8.1.2-04), true when absent; right only inside the core's trust domain. */
  assertIdentity?: boolean;
  /** Product token for User-Agent, `sip-push` when absent. */
  product?: string;
  /** Folder of the durable store and of contents; absent: in memory, lost at the end. */
  data?: string;
  outbox?: Partial<OutboxLimits>;
  /** Whenever a push has another receipt, or another state. */
  onPush?(push: OutboxRecord): void;
  onLog?: LogSink;
}

const PRESETS = { assertIdentity: true, product: 'sip-push' };

/** Made by `createPushSender`. */
export class PushSenderHost {
  #stopped: Promise<void> | undefined;

  constructor(
    private readonly store: Store,
    private readonly records: Records,
    readonly agent: PushSenderAgent,
    readonly outbox: Outbox,
  ) {}

  /** One push, without the outbox: its receipts come, or a reason why there is none, and nothing of it is kept. */
  send(push: PushRequest, options?: SendOptions): Promise<Receipt[]> {
    return this.agent.send(push, options);
  }

  /** Pushes of the outbox that are under way go on with the next process, where `data` keeps them; others fail. */
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
 * A sender in a program of yours: opens the store, begins to connect, and goes on with the pushes that wait.
 * @throws ConfigurationError
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
