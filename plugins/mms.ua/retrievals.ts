/** Retrieves messages: alarms do it, with retries that survive a restart. */

import { retryDelay } from 'sip-push/sdk';
import { type Context, type MmsAlarm, type MmsTransaction, reasonOf } from './context.js';
import {
  expired,
  failed,
  isExpired,
  type Message,
  partsWithPaths,
  type RetrievedContent,
  retrieving,
  withContent,
} from './message.js';
import { keyOfAlarm, type Messages, pathsOf } from './messages.js';
import type { Mmsc } from './mmsc.js';
import { failureOf, MMS_TYPE, MMSC_RETRY, retrieve } from './retrieval.js';

/** Responses that are not an MMS PDU. */
const MAX_MALFORMED = 3;

export class Retrievals {
  constructor(
    private readonly context: Context,
    private readonly messages: Messages,
    private readonly mmsc: Mmsc,
  ) {}

  /** The commit of an alarm rejects when the message was removed during the attempt. */
  async retrieve(alarm: MmsAlarm): Promise<void> {
    const { clock, fetch, files, log, storage } = this.context;
    const key = keyOfAlarm(alarm);
    // The attempt is recorded before it starts, so that one that crashes the device is not repeated without end.
    const message = await storage.transaction(async (tx) => this.begin(tx, key));
    if (!message) return;
    if (isExpired(message, clock.now())) {
      const reason = `expired at ${message.expiry}`;
      return alarm.commit(async (tx) => this.end(tx, message, 'expired', reason, expired(message)));
    }
    if (message.attempts > MMSC_RETRY.attempts) {
      const left = failed(message, 'too many attempts', 'deferred');
      return alarm.commit(async (tx) => this.end(tx, message, 'failed', 'too many attempts', left));
    }
    let content: RetrievedContent;
    try {
      content = await retrieve(this.mmsc.locationOf(message), {
        fetch,
        files,
        signal: alarm.signal,
        request: this.mmsc.request({ accept: MMS_TYPE }),
        warn: (problem) => log.warn(`message ${message.transactionId}: left out: ${problem}`),
      });
    } catch (error) {
      // The host repeats the alarm.
      if (alarm.signal.aborted) throw error;
      return alarm.commit(async (tx) => this.fail(tx, key, error));
    }
    try {
      const paths = await pathsOf(files);
      await alarm.commit(async (tx) => this.complete(tx, key, content, paths));
    } catch (error) {
      await this.messages.removeFiles(content.parts.map(({ file }) => file));
      throw error;
    }
  }

  private begin(tx: MmsTransaction, key: string): Message | undefined {
    const known = this.messages.get(key);
    if (known?.state !== 'waiting' && known?.state !== 'retrieving') return undefined;
    const message = retrieving(known);
    const begun = { ...message, attempts: message.attempts + 1 };
    this.messages.put(tx, begun);
    return begun;
  }

  private complete(
    tx: MmsTransaction,
    key: string,
    content: RetrievedContent,
    paths: ReadonlyMap<string, string>,
  ): void {
    const message = this.messages.update(tx, key, (known) => withContent(known, content));
    if (!message) return;
    const { transactionId, subject } = message;
    tx.emit('message', { transactionId, subject, parts: partsWithPaths(content, paths) });
    this.messages.makeRoom(tx, message);
  }

  private fail(tx: MmsTransaction, key: string, error: unknown): void {
    const { clock, log } = this.context;
    const message = this.messages.get(key);
    if (!message) return;
    const failure = failureOf(error);
    const reason = reasonOf(error);
    const malformed = message.malformed + (failure === 'malformed' ? 1 : 0);
    const delay = malformed < MAX_MALFORMED ? retryDelay(MMSC_RETRY, message.attempts, error) : undefined;
    if (failure === 'gone') {
      // The MMSC expects no answer for a message that it does not have.
      this.end(tx, message, 'gone', reason);
      return;
    }
    if (delay === undefined) {
      const answer = failure === 'malformed' ? 'unrecognised' : 'deferred';
      this.end(tx, message, 'failed', reason, failed(message, reason, answer));
      return;
    }
    this.messages.put(tx, { ...message, malformed });
    // Not later than its expiry, so that the expiry is reported in time.
    const next = Math.min(clock.now().getTime() + delay, Date.parse(message.expiry));
    this.messages.retrieveAt(tx, message, next);
    tx.afterCommit(() =>
      log.warn(`${nameOf(message)} was not retrieved, retry in ${delay / 1000} s: ${reason}`),
    );
  }

  /**
   * @param why `failed`: a query can retry it.
   * @param left the message after its end; absent: it is removed.
   */
  private end(
    tx: MmsTransaction,
    message: Message,
    why: 'gone' | 'expired' | 'failed',
    reason: string,
    left?: Message,
  ): void {
    const { key, transactionId, contentLocation } = message;
    if (left) this.messages.put(tx, left);
    else this.messages.remove(tx, key);
    tx.emit('retrieval-failed', { transactionId, contentLocation, why, reason });
    tx.afterCommit(() => this.context.log.warn(`${nameOf(message)} was not retrieved, gave up: ${reason}`));
  }
}

function nameOf({ transactionId }: Message): string {
  return `message ${transactionId}`;
}
