/** The two requests that belong to an INVITE's own transaction, made of its headers. */

import { NO_BODY, SipHeaders, type SipRequest, type SipResponse } from '../message/message.js';
import { parseCSeq } from '../wire/parser.js';
import { writeMessage } from '../wire/writer.js';
import { ClientMachine } from './client-machine.js';
import { Retransmission, TIMER_D, transactionTimeout } from './timers.js';

/** The ACK to a final response other than 2xx (RFC 3261 17.1.1.3): To comes from the response. */
export function acknowledge(invite: SipRequest, response: SipResponse): SipRequest {
  return sibling(invite, 'ACK', response.headers.get('To'));
}

/** The CANCEL of an INVITE (RFC 3261 9.1). */
export function cancelOf(
  invite: SipRequest,
  headers: Iterable<readonly [name: string, value: string]>,
): SipRequest {
  const cancel = sibling(invite, 'CANCEL', invite.headers.get('To'));
  for (const [name, value] of headers) cancel.headers.append(name, value);
  return cancel;
}

/** Both have the INVITE's top Via, and so its branch, and travel along its Route. */
function sibling(invite: SipRequest, method: string, to = ''): SipRequest {
  const { headers } = invite;
  const number = parseCSeq(headers.get('CSeq') ?? '')?.number ?? 0;
  return {
    method,
    uri: invite.uri,
    headers: new SipHeaders()
      .set('Via', headers.get('Via') ?? '')
      .set('Max-Forwards', '70')
      .set('Route', headers.getAll('Route'))
      .set('From', headers.get('From') ?? '')
      .set('To', to)
      .set('Call-ID', headers.get('Call-ID') ?? '')
      .set('CSeq', `${number} ${method}`),
    body: NO_BODY,
  };
}

/** The INVITE client transaction (RFC 3261 17.1.1, as changed by RFC 6026). */

type Headers = Iterable<readonly [name: string, value: string]>;

export class InviteClient extends ClientMachine {
  #state: 'calling' | 'proceeding' | 'accepted' | 'completed' = 'calling';
  #cancel: Headers | undefined;
  #cancelled = false;
  #ack: Uint8Array | undefined;

  start(): void {
    const { flow, timers } = this.setup;
    // Timers A and B.
    new Retransmission(this.alarm, {
      deadline: transactionTimeout(timers),
      interval: flow.reliable ? undefined : timers.T1,
      next: (interval) => 2 * interval,
      retransmit: () => this.transmit(),
      expire: () => this.timedOut(),
    });
    this.transmit();
  }

  receive(response: SipResponse): void {
    const { status } = response;
    if (this.#state === 'accepted') {
      // RFC 6026 7.2: each 2xx goes up, retransmitted or of another branch of a fork.
      if (status >= 200 && status < 300) this.handlers.onResponse(response);
    } else if (this.#state === 'completed') {
      if (status >= 300 && this.#ack) this.transmit(this.#ack);
    } else if (status < 200) {
      this.#receiveProvisional(response);
    } else {
      const { handlers } = this;
      if (status < 300) this.#accept();
      else this.#complete(response);
      handlers.onResponse(response);
    }
  }

  cancel(headers: Headers = []): void {
    if (!this.pending || this.#cancelled || this.#cancel) return;
    this.#cancel = headers;
    // RFC 3261 9.1: not before a provisional response, or the CANCEL could overtake the INVITE.
    if (this.#state === 'proceeding') this.#sendCancel(headers);
  }

  abandon(): void {
    this.mute();
  }

  protected get pending(): boolean {
    return this.#state === 'calling' || this.#state === 'proceeding';
  }

  #receiveProvisional(response: SipResponse): void {
    if (this.#state === 'calling') {
      this.#state = 'proceeding';
      // From here on it may ring for long: timers A and B are off.
      this.alarm.clear();
      if (this.#cancel) this.#sendCancel(this.#cancel);
    }
    this.handlers.onResponse(response);
  }

  #sendCancel(headers: Headers): void {
    this.#cancelled = true;
    // RFC 3261 9.1: a server of RFC 2543 answers only the CANCEL; the INVITE then ends by itself.
    this.alarm.set(transactionTimeout(this.setup.timers), () => this.timedOut());
    this.setup.sendCancel(cancelOf(this.request, headers));
  }

  #accept(): void {
    this.#state = 'accepted';
    // Timer M.
    this.alarm.set(transactionTimeout(this.setup.timers), () => this.terminate());
  }

  #complete(response: SipResponse): void {
    this.#state = 'completed';
    const ack = writeMessage(acknowledge(this.request, response));
    this.transmit(ack);
    // Timer D.
    if (this.setup.flow.reliable) {
      this.terminate();
    } else {
      this.#ack = ack;
      this.alarm.set(TIMER_D, () => this.terminate());
    }
  }
}
