/** PDUs to the MMSC: posted in the background, with retries that survive a restart. */

import { encodeAcknowledge, encodeNotifyResponse, encodeReadByRecipient } from 'sip-push/formats';
import {
  Agenda,
  type AppFetch,
  type AppLog,
  printable,
  printableReason,
  requireSuccess,
  retryDelay,
} from 'sip-push/sdk';
import type { Answer, Message } from './message.js';
import type { Messages } from './messages.js';
import type { MmsOptions } from './options.js';
import { MMS_TYPE, MMSC_RETRY } from './retrieval.js';

/** Concurrent requests. Answers are small, and usually go to a single MMSC. */
const MAX_CONCURRENT = 2;
/** The MMS version of this application. Any 1.x MMSC understands it. */
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
    this.agenda = new Agenda({ task: (key) => this.step(key), atOnce: MAX_CONCURRENT, log, signal });
  }

  /** Posts the pending answers of this message. */
  resume({ key, answers }: Message): void {
    if (answers.length > 0) this.agenda.add(key);
  }

  /** Resolves when the tasks that were running when the signal was aborted have finished. */
  stop(): Promise<void> {
    return this.agenda.stop();
  }

  /** Posts the answers of a message in order. @returns milliseconds until the next attempt. */
  private async step(key: string): Promise<number | undefined> {
    for (;;) {
      const message = this.parts.messages.get(key);
      const [answer] = message?.answers ?? [];
      if (!message || !answer || this.parts.signal.aborted) return undefined;
      const wait = await this.postOne(message, answer);
      if (wait !== undefined) return wait;
    }
  }

  /** @returns milliseconds until the next attempt; undefined when the answer was accepted or dropped. */
  private async postOne(message: Message, answer: Answer): Promise<number | undefined> {
    const { messages, log, signal } = this.parts;
    const { key, transactionId, answerAttempts } = message;
    try {
      await this.post(message, answer);
    } catch (error) {
      // A stopped application posts the answer after its next start.
      if (signal.aborted) return undefined;
      const attempts = answerAttempts + 1;
      const what = `${answer.pdu} for message ${printable(transactionId)} was not posted`;
      const delay = retryDelay(MMSC_RETRY, attempts, error);
      if (delay !== undefined) {
        await messages.update(key, (known) => ({ ...known, answerAttempts: attempts }));
        log.warn(`${what}, retry in ${delay / 1000} s: ${printableReason(error)}`);
        return delay;
      }
      log.warn(`${what}, gave up: ${printableReason(error)}`);
    }
    await messages.update(key, (known) => {
      const answers = known.answers.slice(1);
      return known.state === 'finished' && answers.length === 0
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
    await requireSuccess(response);
    await response.body.cancel();
  }

  private encoded({ transactionId }: Message, answer: Answer): Uint8Array {
    const version = VERSION;
    // An absent X-Mms-Report-Allowed means yes.
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
