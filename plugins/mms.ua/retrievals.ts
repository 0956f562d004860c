/** Messages on their way to this device: retrieved in the background, again where that failed, over restarts. */

import { Agenda, type AppClock, type AppLog, type Emit, printable, printableReason } from 'sip-push/sdk';
import type { Answers } from './answers.js';
import { pathsOf } from './description.js';
import { withAnswer, isExpired, type Message, finished, type RetrievedContent, withResponse } from './message.js';
import type { Messages } from './messages.js';
import {
  failureOf,
  MAX_ATTEMPTS,
  type MmscError,
  type RetrievalServices,
  retrieve,
  waitAfter,
} from './retrieval.js';

/** One that comes slowly does not hold up all others; each has a connection and a file. */
const AT_ONCE = 4;
/** What is no multimedia message three times will be none. */
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
    this.agenda = new Agenda({ task: (key) => this.step(key), atOnce: AT_ONCE, log, signal });
  }

  /** Goes on with this message wherever it is: retrieves it, waits until it is due, tells of it. */
  resume({ key, state, dueAt, reported }: Message): void {
    if (state === 'retrieving' || (state === 'retrieved' && !reported)) this.agenda.add(key);
    // Not 0, which is now: what is overdue takes its turn as everything does.
    else if (state === 'waiting' && dueAt !== undefined) this.agenda.add(key, Math.max(this.until(dueAt), 1));
  }

  /** Somebody wants it now. @returns as it is now; undefined: it is not there. */
  async request(key: string): Promise<Message | undefined> {
    const { messages } = this.parts;
    const message = await messages.update(key, (known) =>
      known.state === 'waiting' || known.state === 'failed' ? retrieving(known) : known,
    );
    if (message?.state === 'retrieving') this.agenda.add(key);
    return message;
  }

  /** When nothing is under way any more: the signal has ended it. */
  stop(): Promise<void> {
    return this.agenda.stop();
  }

  /** @returns milliseconds until the next one. */
  private async step(key: string): Promise<number | undefined> {
    const { messages } = this.parts;
    const message = messages.get(key);
    if (!message) return undefined;
    if (message.state === 'retrieved') return this.report(message);
    if (message.state === 'waiting' && message.dueAt !== undefined) await messages.update(key, retrieving);
    else if (message.state !== 'retrieving') return undefined;
    // Written down before: whatever the attempt does to this device, it is not made without end.
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
    // Those that a crash broke off have counted too.
    if (message.attempts > MAX_ATTEMPTS) return this.ended(message, 'failed', 'too many attempts');
    let content: RetrievedContent;
    try {
      content = await retrieve(message.contentLocation, this.parts);
    } catch (error) {
      // What was ended with the application is retrieved when it starts.
      if (signal.aborted) return undefined;
      // What was removed meanwhile cannot fail any more.
      if (messages.get(message.key)?.state !== 'retrieving') return undefined;
      return this.failed(message, failureOf(error));
    }
    return this.retrieved(message, content);
  }

  private async retrieved({ key }: Message, content: RetrievedContent): Promise<undefined> {
    const { messages, answers } = this.parts;
    const message = await messages.update(key, (known) =>
      known.state === 'retrieving' ? withContent(known, content) : known,
    );
    // Removed meanwhile, by a person or by others that came.
    if (message?.content !== content) {
      await messages.removeFiles(content.parts.map(({ file }) => file));
      return undefined;
    }
    answers.resume(message);
    await this.report(message);
    await messages.evict();
    return undefined;
  }

  /** Written down after: whoever dies between the two tells it twice, but never not at all. */
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
    emit('message', { transactionId, ...(subject === undefined ? {} : { subject }), parts: parts ?? [] });
    await messages.update(key, (known) => ({ ...known, reported: true }));
    return undefined;
  }

  private async failed(message: Message, failure: MmscError): Promise<number | undefined> {
    const { messages, log } = this.parts;
    const malformed = message.malformed + (failure.kind === 'malformed' ? 1 : 0);
    if (failure.kind === 'gone') return this.ended(message, 'gone', failure.message);
    if (failure.kind === 'final' || malformed >= MAX_MALFORMED || message.attempts >= MAX_ATTEMPTS) {
      return this.ended(message, 'failed', failure.message, failure.kind === 'malformed');
    }
    await messages.update(message.key, (known) => ({ ...known, malformed }));
    const wait = waitAfter(message.attempts, failure.retryAfter);
    log.warn(`${titleOf(message)} was not retrieved, again in ${wait / 1000} s: ${failure.message}`);
    // That it has expired is noticed when it has.
    return Math.max(Math.min(wait, this.until(message.expiry)), 1);
  }

  /** @param why `failed`: it may be asked for again. */
  private async ended(
    message: Message,
    why: 'gone' | 'expired' | 'failed',
    reason: string,
    unrecognised = false,
  ): Promise<undefined> {
    const { messages, answers, log, emit } = this.parts;
    const { key, transactionId, contentLocation } = message;
    log.warn(`${titleOf(message)} was not retrieved, given up: ${reason}`);
    // Before it is written down: whoever dies between the two tells it twice, but never not at all.
    emit('retrieval-failed', { transactionId, contentLocation, why, reason });
    const next = await messages.update(key, (known) => {
      if (known.state !== 'retrieving') return known;
      // The MMSC knows that it does not have it.
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
  // OMA-TS-MMS_ENC 6.4: where the MMSC gave the retrieval a transaction of its own, it waits for its end.
  if (transactionId === undefined) return retrieved;
  return withAnswer(retrieved, { pdu: 'M-Acknowledge.ind', transactionId });
}

function titleOf({ transactionId }: Message): string {
  return `message ${printable(transactionId)}`;
}
