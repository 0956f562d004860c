/** The INVITE client transaction (RFC 3261 §17.1.1, as changed by RFC 6026), with its ACK and CANCEL. */

import { NO_BODY, SipHeaders, type SipRequest, type SipResponse } from '../message/message.js';
import { writeMessage } from '../message/writer.js';
import { ClientMachine } from './client-machine.js';
import { Retransmission } from './timers.js';

type Headers = Iterable<readonly [name: string, value: string]>;

export class InviteClient extends ClientMachine {
  #state: 'calling' | 'proceeding' | 'accepted' | 'completed' = 'calling';
  /** Headers of a CANCEL that waits for a provisional response. */
  #cancel: Headers | undefined;
  #cancelled = false;
  #ack: Uint8Array | undefined;

  start(): void {
    const { flow, timers } = this.setup;
    new Retransmission(this.timer, {
      // Timer B (RFC 3261 §17.1.1.2).
      deadline: timers.timeout,
      // Timer A (RFC 3261 §17.1.1.2).
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
      // RFC 6026 §7.2: each 2xx is reported, whether retransmitted or from another branch of a fork.
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
    // RFC 3261 §9.1: not before a provisional response, or the CANCEL could overtake the INVITE.
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
      // Timers A and B end here: the call can ring for minutes.
      this.timer.clear();
      if (this.#cancel) this.#sendCancel(this.#cancel);
    }
    this.handlers.onResponse(response);
  }

  #sendCancel(headers: Headers): void {
    this.#cancelled = true;
    // RFC 3261 §9.1: a server of RFC 2543 answers only the CANCEL, and the INVITE ends at this timer.
    this.timer.set(this.setup.timers.timeout, () => this.timedOut());
    this.setup.sendCancel(cancelOf(this.request, headers));
  }

  #accept(): void {
    this.#state = 'accepted';
    // Timer M (RFC 6026 §7.2).
    this.timer.set(this.setup.timers.timeout, () => this.terminate());
  }

  #complete(response: SipResponse): void {
    this.#state = 'completed';
    const ack = writeMessage(acknowledge(this.request, response));
    this.transmit(ack);
    // Timer D (RFC 3261 §17.1.1.2).
    if (this.setup.flow.reliable) {
      this.terminate();
    } else {
      this.#ack = ack;
      this.timer.set(this.setup.timers.D, () => this.terminate());
    }
  }
}

/** The ACK of a final response other than 2xx (RFC 3261 §17.1.1.3): its To is that of the response. */
function acknowledge(invite: SipRequest, response: SipResponse): SipRequest {
  return sameBranch(invite, 'ACK', response.headers.get('To'));
}

/** The CANCEL of an INVITE (RFC 3261 §9.1). */
function cancelOf(invite: SipRequest, headers: Headers): SipRequest {
  const cancel = sameBranch(invite, 'CANCEL', invite.headers.get('To'));
  for (const [name, value] of headers) cancel.headers.append(name, value);
  return cancel;
}

/** ACK and CANCEL have the top Via of the INVITE, with its branch, and its Route. */
function sameBranch({ uri, headers }: SipRequest, method: 'ACK' | 'CANCEL', to = ''): SipRequest {
  return {
    method,
    uri,
    headers: new SipHeaders()
      .set('Via', headers.get('Via') ?? '')
      .set('Max-Forwards', '70')
      .set('Route', headers.getAll('Route'))
      .set('From', headers.get('From') ?? '')
      .set('To', to)
      .set('Call-ID', headers.get('Call-ID') ?? '')
      .set('CSeq', `${headers.cseq?.number ?? 0} ${method}`),
    body: NO_BODY,
  };
}
