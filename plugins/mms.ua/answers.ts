/** What the MMSC is told: posted in the background, again where that failed, over restarts. */

import { encodeAcknowledge, encodeNotifyResponse, encodeReadByRecipient } from 'sip-push/formats';
import { Agenda, type AppFetch, type AppLog, FetchError, printable } from 'sip-push/sdk';
import type { Answer, Message } from './message.js';
import type { Messages } from './messages.js';
import type { MmsOptions } from './options.js';
import { failureOf, MAX_ATTEMPTS, MMS_TYPE, waitAfter } from './retrieval.js';

/** They are small, and their MMSC is one, as a rule. */
const AT_ONCE = 2;
/** What this application speaks; an MMSC of any 1.x understands it. */
const VERSION = '1.2';

interface Parts {
  readonly messages: Messages;
  readonly options: MmsOptions;
  readonly fetch: AppFetch;
  readonly log: AppLog;
  readonly signal: AbortSignal;
}

export class Answers {
  private readonly agenda: Agenda;

  constructor(private readonly parts: Parts) {
    const { log, signal } = parts;
    this.agenda = new Agenda({ task: (key) => this.step(key), atOnce: AT_ONCE, log, signal });
  }

  /** Posts the answers that this message still has to post. */
  resume({ key, answers }: Message): void {
    if (answers.length > 0) this.agenda.add(key);
  }

  /** When nothing is under way any more: the signal has ended it. */
  stop(): Promise<void> {
    return this.agenda.stop();
  }

  /** @returns milliseconds until the next one. */
  private async step(key: string): Promise<number | undefined> {
    for (;;) {
      const message = this.parts.messages.get(key);
      const [answer] = message?.answers ?? [];
      if (!message || !answer || this.parts.signal.aborted) return undefined;
      const wait = await this.postOne(message, answer);
      if (wait !== undefined) return wait;
    }
  }

  /** @returns milliseconds until it is posted again; undefined: that is over. */
  private async postOne(message: Message, answer: Answer): Promise<number | undefined> {
    const { messages, log, signal } = this.parts;
    const { key, transactionId, answerAttempts } = message;
    try {
      await this.post(message, answer);
    } catch (error) {
      // What was ended with the application is posted when it starts.
      if (signal.aborted) return undefined;
      const failure = failureOf(error);
      const attempts = answerAttempts + 1;
      const what = `${answer.pdu} for message ${printable(transactionId)} was not posted`;
      if (failure.kind === 'transient' && attempts < MAX_ATTEMPTS) {
        await messages.update(key, (known) => ({ ...known, answerAttempts: attempts }));
        const wait = waitAfter(attempts, failure.retryAfter);
        log.warn(`${what}, again in ${wait / 1000} s: ${failure.message}`);
        return wait;
      }
      log.warn(`${what}, given up: ${failure.message}`);
    }
    await messages.update(key, (known) => {
      const answers = known.answers.slice(1);
      return known.state === 'over' && answers.length === 0
        ? undefined
        : { ...known, answers, answerAttempts: 0 };
    });
    return undefined;
  }

  private async post(message: Message, answer: Answer): Promise<void> {
    const { options, fetch, signal } = this.parts;
    const url = options.mmsc ?? message.contentLocation;
    const body = this.encoded(message, answer);
    const headers = { 'content-type': MMS_TYPE };
    const response = await fetch(url, { method: 'POST', headers, body, signal });
    await response.body.cancel();
    if (response.status < 200 || response.status > 299) {
      throw FetchError.ofStatus(response);
    }
  }

  private encoded({ transactionId }: Message, answer: Answer): Uint8Array {
    const version = VERSION;
    // Absent, it is allowed.
    const report = this.parts.options.reportAllowed ? {} : { reportAllowed: false };
    switch (answer.pdu) {
      case 'M-NotifyResp.ind':
        return encodeNotifyResponse({ transactionId, version, status: answer.status, ...report });
      case 'M-Acknowledge.ind':
        return encodeAcknowledge({ transactionId: answer.transactionId, version, ...report });
      case 'M-Read-Rec.ind': {
        const { messageId, to, date } = answer;
        const from = 'insert-address';
        const readStatus = 'read';
        return encodeReadByRecipient({ version, messageId, to, from, date: new Date(date), readStatus });
      }
    }
  }
}
