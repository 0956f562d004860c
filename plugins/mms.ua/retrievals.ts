/** Retrieves messages in the background, with retries that survive a restart. */

import {
  Agenda,
  type AppClock,
  type AppLog,
  type Emit,
  printable,
  printableReason,
  retryDelay,
} from 'sip-push/sdk';
import type { Answers } from './answers.js';
import {
  finished,
  isExpired,
  type Message,
  type RetrievedContent,
  withAnswer,
  withResponse,
} from './message.js';
import { type Messages, pathsOf } from './messages.js';
import { failureOf, MMSC_RETRY, type RetrievalServices, retrieve } from './retrieval.js';

/** Several, so that a slow message does not delay all others. Each uses a connection and a file. */
const MAX_CONCURRENT = 4;
/** Responses that are not an MMS PDU. */
const MAX_MALFORMED = 3;

interface Parts extends RetrievalServices {
  readonly messages: Messages;
  readonly answers: Answers;
  readonly clock: AppClock;
  readonly log: AppLog;
  readonly emit: Emit;
}

export class Retrievals {
  private readonly agenda: Agenda;

  constructor(private readonly parts: Parts) {
    const { log, signal } = parts;
    this.agenda = new Agenda({ task: (key) => this.step(key), atOnce: MAX_CONCURRENT, log, signal });
  }

  /** Continues with a message according to its state: retrieves it, waits until it is due, or emits its event. */
  resume({ key, state, dueAt, reported }: Message): void {
    if (state === 'retrieving' || (state === 'retrieved' && !reported)) this.agenda.add(key);
    // At least 1, because 0 would run an overdue message before the ones that are queued.
    else if (state === 'waiting' && dueAt !== undefined) this.agenda.add(key, Math.max(this.until(dueAt), 1));
  }

  /** Retrieves a message now. @returns its new state; undefined if it does not exist. */
  async request(key: string): Promise<Message | undefined> {
    const { messages } = this.parts;
    const message = await messages.update(key, (known) =>
      known.state === 'waiting' || known.state === 'failed' ? retrieving(known) : known,
    );
    if (message?.state === 'retrieving') this.agenda.add(key);
    return message;
  }

  /** Resolves when the tasks that were running when the signal was aborted have finished. */
  stop(): Promise<void> {
    return this.agenda.stop();
  }

  /** @returns milliseconds until the next step of this message. */
  private async step(key: string): Promise<number | undefined> {
    const { messages } = this.parts;
    const message = messages.get(key);
    if (!message) return undefined;
    if (message.state === 'retrieved') return this.report(message);
    if (message.state === 'waiting' && message.dueAt !== undefined) await messages.update(key, retrieving);
    else if (message.state !== 'retrieving') return undefined;
    // The attempt is recorded before it starts, so that one that crashes the device is not repeated without end.
    const begun = await messages.update(key, (known) =>
      known.state === 'retrieving' ? { ...known, attempts: known.attempts + 1 } : known,
    );
    return begun?.state === 'retrieving' ? this.attempt(begun) : undefined;
  }

  private async attempt(message: Message): Promise<number | undefined> {
    const { messages, clock, signal } = this.parts;
    if (isExpired(message, clock.now())) {
      return this.ended(message, 'expired', `expired at ${message.expiry}`);
    }
    // Attempts that a crash interrupted count too.
    if (message.attempts > MMSC_RETRY.attempts) return this.ended(message, 'failed', 'too many attempts');
    let content: RetrievedContent;
    try {
      content = await retrieve(message.contentLocation, this.parts);
    } catch (error) {
      // A stopped application retrieves the message after its next start.
      if (signal.aborted) return undefined;
      // The message was removed during the attempt.
      if (messages.get(message.key)?.state !== 'retrieving') return undefined;
      return this.failed(message, error);
    }
    return this.retrieved(message, content);
  }

  private async retrieved({ key }: Message, content: RetrievedContent): Promise<undefined> {
    const { messages, answers } = this.parts;
    const message = await messages.update(key, (known) =>
      known.state === 'retrieving' ? withContent(known, content) : known,
    );
    // The message was removed or evicted during the attempt.
    if (message?.content !== content) {
      await messages.removeFiles(content.parts.map(({ file }) => file));
      return undefined;
    }
    answers.resume(message);
    await this.report(message);
    await messages.evict();
    return undefined;
  }

  /** Emits the event before it is recorded: a crash between the two repeats the event and never loses it. */
  private async report({ key, transactionId, subject, content }: Message): Promise<undefined> {
    const { messages, emit, files, log } = this.parts;
    const paths = await pathsOf(files).catch((error: unknown) => {
      log.warn(`files: ${printableReason(error)}`);
      return new Map<string, string>();
    });
    const parts = content?.parts.map(({ contentType, name, size, sha256, file }) => {
      const path = paths.get(file);
      return { contentType, name, size, sha256, path };
    });
    emit('message', { transactionId, subject, parts: parts ?? [] });
    await messages.update(key, (known) => ({ ...known, reported: true }));
    return undefined;
  }

  private async failed(message: Message, error: unknown): Promise<number | undefined> {
    const { messages, log } = this.parts;
    const failure = failureOf(error);
    const reason = printableReason(error);
    if (failure === 'gone') return this.ended(message, 'gone', reason);
    const malformed = message.malformed + (failure === 'malformed' ? 1 : 0);
    const delay = malformed < MAX_MALFORMED ? retryDelay(MMSC_RETRY, message.attempts, error) : undefined;
    if (delay === undefined) return this.ended(message, 'failed', reason, failure === 'malformed');
    await messages.update(message.key, (known) => ({ ...known, malformed }));
    log.warn(`${nameOf(message)} was not retrieved, retry in ${delay / 1000} s: ${reason}`);
    // Not later than its expiry, so that the expiry is reported in time.
    return Math.max(Math.min(delay, this.until(message.expiry)), 1);
  }

  /** @param why `failed`: a query can retry it. */
  private async ended(
    message: Message,
    why: 'gone' | 'expired' | 'failed',
    reason: string,
    unrecognised = false,
  ): Promise<undefined> {
    const { messages, answers, log, emit } = this.parts;
    const { key, transactionId, contentLocation } = message;
    log.warn(`${nameOf(message)} was not retrieved, gave up: ${reason}`);
    // The event is emitted before it is recorded: a crash between the two repeats the event and never loses it.
    emit('retrieval-failed', { transactionId, contentLocation, why, reason });
    const next = await messages.update(key, (known) => {
      if (known.state !== 'retrieving') return known;
      // The MMSC expects no answer for a message that it does not have.
      if (why === 'gone') return undefined;
      if (why === 'expired') return finished(withResponse(known, 'expired'));
      const failed: Message = { ...known, state: 'failed', reason };
      return withResponse(failed, unrecognised ? 'unrecognised' : 'deferred');
    });
    if (next) answers.resume(next);
    return undefined;
  }

  private until(time: string): number {
    return Date.parse(time) - this.parts.clock.now().getTime();
  }
}

function retrieving({ reason: _, dueAt: __, ...message }: Message): Message {
  return { ...message, state: 'retrieving', attempts: 0, malformed: 0 };
}

function withContent(message: Message, content: RetrievedContent): Message {
  const { from = message.from, subject = message.subject, transactionId } = content;
  const retrieved: Message = {
    ...message,
    state: 'retrieved',
    content,
    from,
    subject,
  };
  if (!message.responded) return withResponse(retrieved, 'retrieved');
  // OMA-TS-MMS_ENC 6.4: an M-Retrieve.conf with a Transaction-Id is acknowledged.
  if (transactionId === undefined) return retrieved;
  return withAnswer(retrieved, { pdu: 'M-Acknowledge.ind', transactionId });
}

function nameOf({ transactionId }: Message): string {
  return `message ${printable(transactionId)}`;
}
