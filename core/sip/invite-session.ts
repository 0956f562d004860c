/** Sessions set up by INVITE, at either end: in-dialog requests both ways, until a BYE (RFC 3261 13 to 15). */

import { Dialog, dialogKeyOf } from './dialog.js';
import type { SipRequest, SipResponse } from './message.js';
import type { ServerTransaction } from './transactions/server.js';
import { buildResponse } from './writer.js';

export interface SessionHandlers {
  /** The peer hung up; its BYE was answered. */
  onBye(): void;
  /** The peer wants to change the session: `respond` with a 2xx (`untilAcknowledged`) or a refusal. */
  onReinvite(transaction: ServerTransaction): void;
}

/**
 * Sends a request of a dialog and gives its final response.
 * @param onAccepted for each 2xx to an INVITE, sent again or not.
 */
export type InDialogSender = (
  request: SipRequest,
  nextCSeq: () => number,
  onAccepted?: (response: SipResponse) => void,
) => Promise<SipResponse>;

export class InviteSession {
  handlers: SessionHandlers = {
    onBye: () => {},
    // RFC 3261 14.2: a change that nobody here knows what to do with.
    onReinvite: (transaction) => transaction.respond(buildResponse(transaction.request, 488)),
  };
  #ended = false;

  constructor(
    readonly dialog: Dialog,
    /** What the peer said in its INVITE, or in its answer. */
    readonly remote: SipRequest | SipResponse,
    private readonly send: InDialogSender,
    private readonly sendAck: (ack: SipRequest) => void,
    private readonly onEnd: (session: InviteSession) => void,
  ) {}

  get ended(): boolean {
    return this.#ended;
  }

  /** A re-INVITE; a 2xx is acknowledged here. */
  async reinvite(body: Uint8Array, headers: readonly (readonly [string, string])[]): Promise<SipResponse> {
    const request = this.dialog.request('INVITE');
    for (const [name, value] of headers) request.headers.append(name, value);
    request.body = body;
    return await this.send(
      request,
      () => this.dialog.nextCSeq(),
      (response) => {
        this.dialog.refreshTarget(response);
        this.acknowledge(response);
      },
    );
  }

  /** The ACK of a 2xx, also of each one sent again (13.2.2.4). */
  acknowledge(response: SipResponse): void {
    const cseq = Number.parseInt(response.headers.get('CSeq') ?? '', 10);
    this.sendAck(this.dialog.request('ACK', cseq));
  }

  /** Hangs up. Resolves with the answer; undefined when the session had ended. */
  async bye(): Promise<SipResponse | undefined> {
    if (this.#ended) return undefined;
    this.#end();
    return await this.send(this.dialog.request('BYE'), () => this.dialog.nextCSeq());
  }

  /** A request of the peer within this dialog. */
  receive(transaction: ServerTransaction): void {
    const { request } = transaction;
    if (!this.dialog.receive(request)) {
      transaction.respond(buildResponse(request, 500, { headers: [['Retry-After', '1']] }));
    } else if (request.method === 'BYE') {
      transaction.respond(buildResponse(request, 200));
      this.#end();
      this.handlers.onBye();
    } else if (request.method === 'INVITE') {
      this.dialog.refreshTarget(request);
      this.handlers.onReinvite(transaction);
    } else {
      transaction.respond(buildResponse(request, 405, { headers: [['Allow', 'INVITE, ACK, BYE']] }));
    }
  }

  #end(): void {
    this.#ended = true;
    this.onEnd(this);
  }
}

/** The sessions of an agent, by dialog. */
export class InviteSessions {
  readonly #sessions = new Map<string, InviteSession>();

  constructor(
    private readonly send: InDialogSender,
    private readonly sendAck: (ack: SipRequest) => void,
  ) {}

  /** The session a request of the peer belongs to. */
  of(request: SipRequest): InviteSession | undefined {
    return this.#sessions.get(dialogKeyOf(request));
  }

  /** The session that a 2xx to our INVITE makes. */
  answered(request: SipRequest, response: SipResponse): InviteSession {
    return this.#add(Dialog.ofClient(request, response), response);
  }

  /** Answers an INVITE with `response`, a 2xx with Contact and tag, until it is acknowledged. */
  accept(transaction: ServerTransaction, response: SipResponse): InviteSession {
    const session = this.#add(Dialog.ofServer(transaction.request, response), transaction.request);
    // RFC 3261 13.3.1.4: a 2xx that is never acknowledged ends the session by BYE.
    transaction.onTimeout = () => void session.bye().catch(() => {});
    transaction.respond(response, { untilAcknowledged: true });
    return session;
  }

  #add(dialog: Dialog, remote: SipRequest | SipResponse): InviteSession {
    const session = new InviteSession(dialog, remote, this.send, this.sendAck, () =>
      this.#sessions.delete(dialog.key),
    );
    this.#sessions.set(dialog.key, session);
    return session;
  }
}
