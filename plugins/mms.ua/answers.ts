/** PDUs to the MMSC: alarms post them, with retries that survive a restart. */

import { encodeAcknowledge, encodeNotifyResponse, encodeReadByRecipient } from 'sip-push/formats';
import { FetchError, retryDelay } from 'sip-push/sdk';
import { type Context, type MmsAlarm, reasonOf } from './context.js';
import type { Answer, Message } from './message.js';
import { keyOfAlarm, type Messages } from './messages.js';
import type { Mmsc } from './mmsc.js';
import { MMS_TYPE, MMSC_RETRY } from './retrieval.js';

/** The MMS version of this application. Any 1.x MMSC understands it. */
const VERSION = '1.2';

export class Answers {
  constructor(
    private readonly context: Context,
    private readonly messages: Messages,
    private readonly mmsc: Mmsc,
  ) {}

  /** Posts the next answer of a message. */
  async post(alarm: MmsAlarm): Promise<void> {
    const { clock, log } = this.context;
    const key = keyOfAlarm(alarm);
    const message = this.messages.get(key);
    const [answer] = message?.answers ?? [];
    if (!message || !answer) return;
    try {
      await this.send(message, answer, alarm.signal);
    } catch (error) {
      // The host repeats the alarm.
      if (alarm.signal.aborted) throw error;
      const attempts = message.answerAttempts + 1;
      const what = `${answer.pdu} for message ${message.transactionId} was not posted`;
      const delay = retryDelay(MMSC_RETRY, attempts, error);
      if (delay !== undefined) {
        await alarm.commit(async (tx) => {
          this.messages.update(tx, key, (known) => ({ ...known, answerAttempts: attempts }));
          tx.setAlarm(alarm.key, clock.now().getTime() + delay);
        });
        log.warn(`${what}, retry in ${delay / 1000} s: ${reasonOf(error)}`);
        return;
      }
      log.warn(`${what}, gave up: ${reasonOf(error)}`);
    }
    await alarm.commit(async (tx) => {
      const next = this.messages.update(tx, key, (known) => ({
        ...known,
        answers: known.answers.slice(1),
        answerAttempts: 0,
      }));
      if (next?.answers.length) tx.setAlarm(alarm.key, clock.now());
    });
  }

  private async send(message: Message, answer: Answer, signal: AbortSignal): Promise<void> {
    const { fetch } = this.context;
    const body = this.encoded(message, answer);
    const request = this.mmsc.request({ 'content-type': MMS_TYPE });
    const url = this.mmsc.answerLocationOf(message);
    const response = await fetch(url, { ...request, method: 'POST', body, signal });
    await response.body.cancel();
    if (response.status >= 300) throw FetchError.ofStatus(response);
  }

  private encoded({ transactionId }: Message, answer: Answer): Uint8Array {
    const version = VERSION;
    // An absent X-Mms-Report-Allowed means yes.
    const reportAllowed = this.context.options.reportAllowed ? undefined : false;
    switch (answer.pdu) {
      case 'M-NotifyResp.ind':
        return encodeNotifyResponse({ transactionId, version, status: answer.status, reportAllowed });
      case 'M-Acknowledge.ind':
        return encodeAcknowledge({ transactionId: answer.transactionId, version, reportAllowed });
      case 'M-Read-Rec.ind': {
        const { messageId, to, date } = answer;
        const from = 'insert-address';
        const readStatus = 'read';
        return encodeReadByRecipient({ version, messageId, to, from, date: new Date(date), readStatus });
      }
    }
  }
}
