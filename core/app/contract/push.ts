/** A push as an application receives it. */

import type { Content } from '../../content/content.js';
import type { EventSchemas, Transaction } from './transaction.js';

/**
 * How a push arrived: `pager` in a SIP MESSAGE, `session` over MSRP, `indirect` as a reference that the host retrieved.
 */
export type PushMode = 'pager' | 'session' | 'indirect';

/** A push: its content and the known facts about it. */
export interface Push {
  /** Identifies the push: the same for every delivery, even after a restart. */
  readonly id: string;
  /** event-app-id of the addressed application, in its short form (`mms.ua`). */
  readonly app: string;
  /** URI of the sender as asserted by the SIP/IP core (P-Asserted-Identity). */
  readonly from: string;
  /** URI that the push was sent to. */
  readonly to: string;
  /** How the push arrived. */
  readonly mode: PushMode;
  /**
   * The content as a stream, its media type, and its size. With `order: 'parallel'`, content of session mode is still
   * arriving when `receive` is called: its streams are provisional. They end after size and SHA-1 match the offer, and
   * error if the transfer fails.
   */
  readonly content: Content;
  /** Headers that describe the content (`content-*`, `x-wap-*`), names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Name of the file, in session mode, if the sender declared it. */
  readonly fileName?: string;
  /** When the device received the push. */
  readonly receivedAt: Date;
  /** The whole content. Rejects with a refusal of kind `size` if it has more than `maxSize` bytes. */
  bytes(): Promise<Uint8Array>;
  /**
   * The whole content as text, decoded by the charset of its media type; UTF-8 without one. Invalid sequences become
   * U+FFFD. Rejects as `bytes` does, and with a refusal of kind `type` if the platform does not know the charset.
   */
  text(): Promise<string>;
}

/** A push that is being delivered: the argument of `receive`. */
export interface ReceivedPush<Events extends EventSchemas = EventSchemas> extends Push {
  /** 1 for the first delivery. */
  readonly attempt: number;
  /** Aborted when the deadline has passed, the transfer has failed, or the application is being stopped. */
  readonly signal: AbortSignal;
  /**
   * Ends the push, and writes what `write` adds to the transaction in one atomic, synchronous batch. With it each push
   * takes effect exactly once, whatever crashes; without it at least once, always with the same `push.id`. Waits until
   * the content has arrived. Rejects, and writes nothing, if `write` throws, the transfer fails, or the push has
   * already ended.
   * @param write adds storage, alarms and events. If it returns a promise, no other transaction of the application runs
   * until this one is written.
   * @returns what `write` returns.
   */
  commit<Result = void>(write?: (tx: Transaction<Events>) => Result | Promise<Result>): Promise<Result>;
}

/** The facts about a push that are known before its content: the argument of an `order` function. */
export type PushFacts = Pick<Push, 'id' | 'app' | 'from' | 'to' | 'mode' | 'headers' | 'fileName'> & {
  /** Media type, lower-case, without parameters. */
  readonly type: string;
};

/** Describes a push for people. */
export interface PushDescription {
  /** One line. */
  title: string;
  /** A few sentences. */
  text?: string;
  /** Details, by name. Those that are undefined are left out. */
  fields?: Record<string, string | undefined>;
}

/** A file that a sender offers in session mode, before its transfer. */
export interface PushOffer {
  /** URI of the sender as asserted by the SIP/IP core. */
  readonly from: string;
  /** Media type, lower-case, without parameters. */
  readonly type: string;
  /** Size in bytes, if the sender declared it. */
  readonly size?: number;
  /** Name of the file, if the sender declared it. */
  readonly fileName?: string;
}

/** The answer of a sender to the host's capability negotiation (TS 5.1). */
export interface NegotiatedSender {
  /** URI of the sender, as in the host's configuration. */
  readonly uri: string;
  /** Whether it pushes for this application. */
  readonly supported: boolean;
}
