/** Pager mode at the receiver: a push in a SIP MESSAGE (TS 8.1.1). */

import { platform } from '#platform';
import type { PushRuntime } from '../app/runtime.js';
import { formatMediaType, parseMediaType } from '../content/media-type.js';
import { memoryContent } from '../content/memory-content.js';
import { MalformedError, type RefusalKind } from '../errors.js';
import type { SipRequest } from '../sip/message.js';
import type { RefusedRequest } from '../sip/refused-request.js';
import { fromUri } from '../sip/server.js';
import type { ServerTransaction } from '../sip/transactions/server.js';
import { buildResponse } from '../sip/writer.js';
import { assertedIdentities, type TrustList } from './authorisation.js';
import type { ReceiverEvent } from './events.js';
import { messageAnswer } from './outcome.js';
import { pushResource } from './resource.js';

/** Headers of a MESSAGE that describe its content, beside Content-* (Push Message headers). */
const PUSH_HEADERS = /^(content-|x-wap-|x-oma-)/i;

export interface PagerOptions {
  runtime: PushRuntime;
  trust: TrustList;
  onEvent(event: ReceiverEvent): void;
}

/** A MESSAGE that is turned away before any application sees it. */
class Refusal extends Error {
  constructor(
    readonly kind: RefusalKind | 'malformed' | 'encoding',
    reason: string,
  ) {
    super(reason);
  }
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
    const { runtime, onEvent } = this.options;
    const { request } = transaction;
    const { app, from, type } = this.#check(request);
    const { headers, body } = request;
    const outcome = await runtime.dispatch({
      app,
      // A retransmission that arrives after a restart, or by another branch of a fork, is the same push.
      key: `${from}\n${headers.get('Call-ID')}\n${headers.get('CSeq')}`,
      from,
      to: request.uri,
      mode: 'pager',
      content: memoryContent(type, body),
      headers: describingHeaders(request),
    });
    const answer = messageAnswer(outcome, runtime.acceptedTypes());
    transaction.respond(buildResponse(request, answer.status, answer));
    onEvent({
      event: 'push',
      id: outcome.pushId ?? '',
      app: app.eventAppId,
      mode: 'pager',
      from,
      contentType: formatMediaType(type),
      size: body.length,
      sha256: platform.hash('sha-256', body),
      outcome: outcome.taken ? 'accepted' : outcome.kind === 'failed' ? 'failed' : 'refused',
      status: answer.status,
    });
  }

  /** The checks of 8.1.1 in the specification's order, then those of RFC 3261 8.2.3 for the content. */
  #check(request: SipRequest) {
    const { runtime, trust } = this.options;
    const { eventAppIds, iari } = pushResource(request);
    if (eventAppIds.length === 0) {
      throw new Refusal('forbidden', 'no push resource identifier in Accept-Contact (8.1.1-01)');
    }
    const type = parseMediaType(request.headers.get('Content-Type') ?? '');
    const app = runtime.resolve(eventAppIds, type?.type ?? '', iari);
    if (app === 'unknown') {
      throw new Refusal('forbidden', `no application for ${eventAppIds.join(', ')} (8.1.1-01)`);
    }
    const from = trust.trusted(request);
    if (from === undefined) {
      const asserted = assertedIdentities(request).join(', ') || 'no identity';
      throw new Refusal('forbidden', `${asserted} is not trusted (8.1.1-02)`);
    }
    if (!type || app === 'type') {
      throw new Refusal(
        'type',
        `no application takes ${request.headers.get('Content-Type') ?? 'no content'}`,
      );
    }
    const encodings = request.headers.getAll('Content-Encoding');
    if (encodings.some((encoding) => encoding.toLowerCase() !== 'identity')) {
      throw new Refusal('encoding', `content encoding ${encodings.join(', ')}`);
    }
    return { app, from, type };
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
    if (error instanceof Refusal && error.kind !== 'malformed' && error.kind !== 'encoding') {
      const outcome = { taken: false as const, kind: error.kind, reason: error.message };
      return messageAnswer(outcome, this.options.runtime.acceptedTypes());
    }
    // RFC 3261 8.2.3: the encodings we understand; identity may be listed (20.2).
    if (error instanceof Refusal && error.kind === 'encoding') {
      return { status: 415, headers: [['Accept-Encoding', 'identity']] satisfies [string, string][] };
    }
    if (error instanceof MalformedError) return { status: 400 };
    return messageAnswer({ taken: false, kind: 'failed', reason: String(error) }, []);
  }
}

function describingHeaders(request: SipRequest): Record<string, string> {
  const described: Record<string, string> = {};
  for (const [name, value] of request.headers.entries()) {
    if (PUSH_HEADERS.test(name)) described[name.toLowerCase()] = value;
  }
  return described;
}
