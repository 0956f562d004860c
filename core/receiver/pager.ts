/** Pager mode at the receiver: a push in a SIP MESSAGE (TS 8.1.1). */

import { platform } from '#platform';
import type { IncomingPush, IncomingReference, Outcome, PushRuntime } from '../app/runtime.js';
import { CONTENT_CODINGS, UnknownCodingError } from '../content/content-coding.js';
import { EXTERNAL_BODY } from '../content/external-body.js';
import { LimitError, MalformedError } from '../errors.js';
import type { RefusedRequest, SipRequest } from '../sip/message/message.js';
import type { ServerTransaction } from '../sip/transactions/server-machine.js';
import { fromUri } from '../sip/user-agent-server.js';
import { calledIdentity, type TrustList } from '../sip/values/asserted-identity.js';
import { buildResponse } from '../sip/wire/writer.js';
import { addressedResource, RequestRefused, trustedSender } from './admission.js';
import { type CarriedContent, contentOf, readCarried } from './content-headers.js';
import { type EndedPush, pushEvent, type ReceiverEvent } from './events.js';
import { messageAnswer } from './outcome.js';

export interface PagerOptions {
  runtime: PushRuntime;
  trust: TrustList;
  onEvent(event: ReceiverEvent): void;
}

export class PagerReceiver {
  readonly #underWay = new Set<Promise<void>>();

  constructor(private readonly options: PagerOptions) {}

  /** When every push that came has been answered. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#underWay);
  }

  /** Answers the transaction when the push has been taken or refused; never throws. */
  receive(transaction: ServerTransaction): Promise<void> {
    const answered = this.#receive(transaction).finally(() => this.#underWay.delete(answered));
    this.#underWay.add(answered);
    return answered;
  }

  async #receive(transaction: ServerTransaction): Promise<void> {
    const { request } = transaction;
    try {
      await this.#deliver(transaction);
    } catch (error) {
      const refused = this.#refuse(request, error);
      transaction.respond(refused.response);
      this.options.onEvent({ event: 'refused', ...refused.event });
    }
  }

  async #deliver(transaction: ServerTransaction): Promise<void> {
    const { request } = transaction;
    const { app, from, carried } = await this.#check(request);
    const { headers } = request;
    const push = {
      app,
      // A retransmission that arrives after a restart, or by another branch of a fork, is the same push.
      key: `${from}\n${headers.get('Call-ID')}\n${headers.get('CSeq')}`,
      from,
      to: calledIdentity(request),
      headers: carried.headers,
    };
    const { reference } = carried;
    if (reference) await this.#retrieve(transaction, { ...push, reference });
    else await this.#dispatch(transaction, push, carried);
  }

  async #dispatch(
    transaction: ServerTransaction,
    push: Omit<IncomingPush, 'mode' | 'content'>,
    carried: CarriedContent,
  ): Promise<void> {
    const content = await contentOf(transaction.request, carried, push.app.maxSize);
    const outcome = await this.options.runtime.dispatch({ ...push, mode: 'pager', content });
    const bytes = await content.bytes(Number.POSITIVE_INFINITY);
    const had = { size: bytes.length, sha256: platform.hash('sha-256', bytes) };
    this.#conclude(transaction, { push, mode: 'pager', type: content.type, outcome, ...had });
  }

  async #retrieve(transaction: ServerTransaction, incoming: IncomingReference): Promise<void> {
    const { outcome, retrieved, later } = await this.options.runtime.retrieve(incoming);
    if (retrieved) {
      const { type } = incoming.reference;
      this.#conclude(transaction, { push: incoming, mode: 'indirect', type, outcome, ...retrieved });
    } else if (later) {
      // How it ends is told when it does.
      this.#answer(transaction, outcome);
    } else if (!outcome.taken) {
      // No application has seen anything of it.
      throw new RequestRefused(outcome.kind, outcome.reason, outcome);
    }
  }

  #answer(transaction: ServerTransaction, outcome: Outcome): number {
    const { request } = transaction;
    const answer = messageAnswer(outcome, acceptedInMessages(this.options.runtime));
    transaction.respond(buildResponse(request, answer.status, answer));
    return answer.status;
  }

  #conclude(transaction: ServerTransaction, ended: Omit<EndedPush, 'status'>): void {
    const status = this.#answer(transaction, ended.outcome);
    this.options.onEvent(pushEvent({ ...ended, status }));
  }

  /** The checks of 8.1.1 in the specification's order, then those of RFC 3261 8.2.3 for the content. */
  async #check(request: SipRequest) {
    const { runtime, trust } = this.options;
    const { eventAppIds, iari } = addressedResource(request, runtime);
    const from = trustedSender(request, trust);
    const carried = await readCarried(request);
    const app = carried && runtime.resolve(eventAppIds, carried.type.type, iari);
    if (!app || typeof app === 'string') {
      const type = carried?.type.type ?? request.headers.get('Content-Type') ?? 'no content';
      throw new RequestRefused('type', `no application takes ${type}`);
    }
    return { app, from, carried };
  }

  #refuse(
    request: SipRequest,
    error: unknown,
  ): { response: ReturnType<typeof buildResponse>; event: RefusedRequest } {
    const answer = this.#refusalAnswer(error);
    return {
      response: buildResponse(request, answer.status, answer),
      event: {
        method: request.method,
        status: answer.status,
        reason: error instanceof Error ? error.message : String(error),
        from: fromUri(request),
      },
    };
  }

  #refusalAnswer(error: unknown) {
    const accepted = acceptedInMessages(this.options.runtime);
    if (error instanceof RequestRefused) {
      const { kind, message: reason, retryAfter } = error;
      const wait = retryAfter === undefined ? {} : { retryAfter };
      return messageAnswer({ taken: false, kind, reason, ...wait }, accepted);
    }
    // RFC 3261 8.2.3: the encodings we understand; identity may be listed (20.2).
    if (error instanceof UnknownCodingError) {
      return {
        status: 415,
        headers: [['Accept-Encoding', CONTENT_CODINGS.join(', ')]] satisfies [string, string][],
      };
    }
    if (error instanceof MalformedError) return { status: 400 };
    const kind = error instanceof LimitError ? 'size' : 'failed';
    return messageAnswer({ taken: false, kind, reason: String(error) }, accepted);
  }
}

/** Media types for an Accept: what the applications take, and references to it (RFC 4483 5.1). */
export function acceptedInMessages(runtime: PushRuntime): string[] {
  return [...runtime.acceptedTypes(), EXTERNAL_BODY];
}
