/** Pager mode at the receiver: a push in a SIP MESSAGE (TS 8.1.1). */

import { platform } from '#platform';
import { senderReason } from '../app/index.js';
import type { IncomingReference, Outcome, PushRuntime, Refusal } from '../app/runtime.js';
import type { Content } from '../content/content.js';
import { CONTENT_CODINGS, UnknownCodingError } from '../content/content-coding.js';
import { EXTERNAL_BODY } from '../content/external-body.js';
import { LimitError, MalformedError } from '../errors.js';
import { buildResponse } from '../sip/message/writer.js';
import type { ServerTransaction } from '../sip/transactions/server-machine.js';
import { fromUri } from '../sip/user-agent-server.js';
import type { TrustList } from '../sip/values/asserted-identity.js';
import { reasonOf } from '../text.js';
import {
  type AdmittedPush,
  addressedApps,
  admitMessage,
  pushResource,
  RequestRefusedError,
} from './admission.js';
import { type EndedPush, pushEvent, type ReceiverEvent } from './events.js';
import { messageAnswer } from './outcome.js';

export interface PagerOptions {
  runtime: PushRuntime;
  trust: TrustList;
  onEvent?(event: ReceiverEvent): void;
}

export class PagerReceiver {
  readonly #pending = new Set<Promise<void>>();

  constructor(private readonly options: PagerOptions) {}

  /** Resolves when every received push is answered. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#pending);
  }

  /** Answers the transaction when the push is accepted or refused. Never rejects. */
  receive(transaction: ServerTransaction): Promise<void> {
    const answered = this.#receive(transaction).finally(() => this.#pending.delete(answered));
    this.#pending.add(answered);
    return answered;
  }

  async #receive(transaction: ServerTransaction): Promise<void> {
    try {
      const admitted = await admitMessage(transaction.request, this.options);
      if ('content' in admitted) await this.#deliver(transaction, admitted.push, admitted.content);
      else await this.#retrieve(transaction, { ...admitted.push, reference: admitted.reference });
    } catch (error) {
      this.#refuse(transaction, error);
    }
  }

  async #deliver(transaction: ServerTransaction, push: AdmittedPush, content: Content): Promise<void> {
    const mode = 'pager';
    const outcome = await this.options.runtime.dispatch({ ...push, mode, content });
    const status = this.#answer(transaction, outcome);
    if (!this.options.onEvent) return;
    const bytes = await content.bytes(Number.POSITIVE_INFINITY);
    const sha256 = platform.hash('sha-256', bytes);
    this.#notify({ push, mode, type: content.type, outcome, size: bytes.length, sha256, status });
  }

  async #retrieve(transaction: ServerTransaction, incoming: IncomingReference): Promise<void> {
    const { outcome, retrieved, later } = await this.options.runtime.retrieve(incoming);
    // No application saw it.
    if (!retrieved && !later && !outcome.accepted)
      throw new RequestRefusedError(outcome.kind, senderReason(outcome), outcome);
    const status = this.#answer(transaction, outcome);
    // The runtime reports the end of a later retrieval.
    if (!retrieved) return;
    const { type } = incoming.reference;
    this.#notify({ push: incoming, mode: 'indirect', type, outcome, ...retrieved, status });
  }

  #answer(transaction: ServerTransaction, outcome: Outcome): number {
    const answer = messageAnswer(outcome, () => this.#accepted(transaction));
    transaction.respond(buildResponse(transaction.request, answer.status, answer));
    return answer.status;
  }

  #notify(push: EndedPush): void {
    this.options.onEvent?.(pushEvent(push));
  }

  #refuse(transaction: ServerTransaction, error: unknown): void {
    const { request } = transaction;
    const answer = this.#refusalAnswer(transaction, error);
    const { status } = answer;
    transaction.respond(buildResponse(request, status, answer));
    const reason = reasonOf(error);
    this.options.onEvent?.({
      event: 'refused',
      method: request.method,
      status,
      reason,
      from: fromUri(request),
      apps: addressedApps(request, error),
    });
  }

  #refusalAnswer(transaction: ServerTransaction, error: unknown) {
    // RFC 3261 §8.2.3: the encodings that the receiver supports.
    if (error instanceof UnknownCodingError) {
      const supported: [string, string] = ['Accept-Encoding', CONTENT_CODINGS.join(', ')];
      return { status: 415, headers: [supported] };
    }
    if (error instanceof MalformedError) return { status: 400 };
    return messageAnswer({ accepted: false, ...refusalOf(error) }, () => this.#accepted(transaction));
  }

  /** Media types for the Accept of a 415: those of the addressed applications. */
  #accepted({ request }: ServerTransaction): string[] {
    const { eventAppIds, iari } = pushResource(request);
    return acceptedInMessages(this.options.runtime, eventAppIds, iari);
  }
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof RequestRefusedError) return error.refusal;
  return { kind: error instanceof LimitError ? 'size' : 'failed', reason: reasonOf(error) };
}

/** Media types for an Accept: those that these or all applications accept, and references to content (RFC 4483 §5.1). */
export function acceptedInMessages(
  runtime: PushRuntime,
  eventAppIds?: readonly string[],
  iari?: string,
): string[] {
  return [...runtime.acceptedTypes(eventAppIds, iari), EXTERNAL_BODY];
}
