/** A Push Initiator: submits pushes to a Push Proxy Gateway over HTTP, and asks for their state. */

import { platform } from '#platform';
import { encodeBase64 } from '../content/binary-text.js';
import { type Content, readAll } from '../content/content.js';
import { formatMediaType } from '../content/media-type.js';
import type { ContentPart } from '../content/multipart/part.js';
import { defined } from '../defined.js';
import { ConfigurationError, SipPushError, TimeoutError } from '../errors.js';
import type { HttpResponse } from '../platform/http.js';
import type { TlsOptions } from '../platform/sockets.js';
import { digestAnswers } from '../sip/authentication/challenge-answers.js';
import { LinkedSignal } from '../time/abort-signal.js';
import { resultInWords } from './attributes.js';
import type { CancelMessage, CancelResponse } from './cancellation.js';
import type { CapabilityQueryMessage, CapabilityQueryResponse } from './capability-query.js';
import { type PapMessage, writePapDocument } from './document.js';
import { type OutgoingPackage, type PapPackage, readPapPackage, writePapPackage } from './package.js';
import type { StatusQueryMessage, StatusQueryResponse } from './status-query.js';
import type { PushMessage, PushResponse } from './submission.js';
import type { PapVersion } from './version.js';

/** The user of HTTP authentication. */
export interface PapCredentials {
  /** Name of the user. */
  readonly username: string;
  /** Its password. */
  readonly password: string;
  /** Whether Basic is sent without a challenge (RFC 7617 §2.2). Kannel delays an initiator whose first request has none. */
  readonly basic?: boolean;
}

/** Options of a client. */
export interface PapClientOptions {
  /** URL of the gateway, e.g. `https://ppg.example/pap`. */
  readonly url: string;
  /** The answer to a Basic or Digest challenge (RFC 7617, RFC 7616). */
  readonly credentials?: PapCredentials;
  /** Authorities to trust, and the certificate of the Push Initiator. */
  readonly tls?: TlsOptions;
  /** Version of the documents; 2.1 by default. */
  readonly version?: PapVersion;
  /** Attribute `product-name` of the documents. */
  readonly productName?: string;
  /** Milliseconds in which the gateway must answer; 60,000 by default. */
  readonly timeout?: number;
  /** Aborts all exchanges. */
  readonly signal?: AbortSignal;
}

/**
 * The gateway refused the HTTP request, could not read the message (`badmessage-response`), or answered with a message of
 * another kind.
 */
export class PapRefusedError extends SipPushError {
  static {
    PapRefusedError.prototype.name = 'PapRefusedError';
  }

  /**
   * Creates an error.
   * @param message what is wrong with the answer.
   */
  constructor(
    message: string,
    /** Code of the `badmessage-response`; undefined without one. */
    readonly code: number | undefined,
    /** HTTP status. */
    readonly status: number,
  ) {
    super(message);
  }
}

/** Bytes of a profile, which has a few KiB. */
const MAX_PROFILE = 1024 * 1024;
const TIMEOUT_MS = 60_000;

/**
 * A client of one gateway. The methods reject with PapRefusedError, TransportError, TimeoutError, MalformedError for an
 * invalid answer, or ConfigurationError for a message that cannot be written.
 */
export class PapClient {
  readonly #url: URL;
  readonly #digest: ReturnType<typeof digestAnswers>;

  /** @throws ConfigurationError for an invalid URL. */
  constructor(private readonly options: PapClientOptions) {
    this.#url = gatewayUrl(options.url);
    this.#digest = digestAnswers(options.credentials, 'POST');
  }

  /**
   * Submits a push.
   * @param message the push, with its recipients.
   * @param content the content with its headers, such as `X-Wap-Application-Id`. It is opened again to answer a challenge.
   * @param capabilities the capabilities that the Push Initiator assumes (UAProf).
   * @returns the answer. Code 1001: accepted, 1000: delivered, others: refused.
   */
  async submit(
    message: Omit<PushMessage, 'kind'>,
    content: ContentPart,
    capabilities?: Content,
  ): Promise<PushResponse> {
    const parts = capabilities ? [content, { headers: [], content: capabilities }] : [content];
    return await this.#ask({ ...message, kind: 'push-message' }, 'push-response', parts);
  }

  /** Cancels a push for some recipients, or for all. @param message the push, and the recipients. */
  async cancel(message: Omit<CancelMessage, 'kind'>): Promise<CancelResponse> {
    return await this.#ask({ ...message, kind: 'cancel-message' }, 'cancel-response');
  }

  /** Asks for the state of a push for some recipients, or for all. @param message the push, and the recipients. */
  async queryStatus(message: Omit<StatusQueryMessage, 'kind'>): Promise<StatusQueryResponse> {
    return await this.#ask({ ...message, kind: 'statusquery-message' }, 'statusquery-response');
  }

  /**
   * Asks for the capabilities of a recipient.
   * @param message the recipient.
   * @returns its profile (UAProf) with the answer, if the gateway has one.
   */
  async queryCapabilities(message: Omit<CapabilityQueryMessage, 'kind'>): Promise<
    CapabilityQueryResponse & {
      /** The profile of the recipient (UAProf). */
      readonly profile?: Uint8Array;
    }
  > {
    return await this.#exchange({ ...message, kind: 'ccq-message' }, [], async (answer) => {
      const response = this.#expect(answer, 'ccq-response');
      const next = await answer.parts?.next();
      return { ...response, profile: next?.value && (await readAll(next.value.body, MAX_PROFILE)) };
    });
  }

  async #ask<Kind extends PapMessage['kind']>(
    message: PapMessage,
    kind: Kind,
    parts: readonly ContentPart[] = [],
  ): Promise<Extract<PapMessage, { kind: Kind }>> {
    return await this.#exchange(message, parts, async (answer) => this.#expect(answer, kind));
  }

  #expect<Kind extends PapMessage['kind']>(
    { message, status }: Answer,
    kind: Kind,
  ): Extract<PapMessage, { kind: Kind }> {
    if (hasKind(message, kind)) return message;
    if (message.kind === 'badmessage-response') {
      const fragment = message.fragment === '' ? '' : ` (${JSON.stringify(message.fragment.slice(0, 200))})`;
      throw new PapRefusedError(
        `${this.#url.host} could not read the message: ${resultInWords(message)}${fragment}`,
        message.code,
        status,
      );
    }
    throw new PapRefusedError(
      `invalid answer of ${this.#url.host}: expected ${kind}, not ${message.kind}`,
      undefined,
      status,
    );
  }

  /** @param read reads the answer within the deadline. */
  async #exchange<T>(
    message: PapMessage,
    parts: readonly ContentPart[],
    read: (answer: Answer) => Promise<T>,
  ): Promise<T> {
    const { timeout = TIMEOUT_MS, signal } = this.options;
    const outgoing = writePapPackage(writePapDocument(message, this.options), parts);
    const deadline = AbortSignal.timeout(timeout);
    const limit = new LinkedSignal(signal, deadline);
    try {
      const answer = await this.#answerTo(outgoing, limit.signal);
      try {
        return await read(answer);
      } finally {
        await answer.parts?.return();
      }
    } catch (error) {
      signal?.throwIfAborted();
      if (!deadline.aborted) throw error;
      throw new TimeoutError(`${this.#url.host} did not answer within ${timeout / 1000} s`, { cause: error });
    } finally {
      limit.release();
    }
  }

  async #answerTo(outgoing: OutgoingPackage, signal: AbortSignal): Promise<Answer> {
    const basic = this.options.credentials?.basic ? this.#basic() : undefined;
    let response = await this.#post(outgoing, signal, basic);
    if (response.status === 401 && basic === undefined) {
      const authorization = this.#answerChallenge(response.headers['www-authenticate'] ?? '');
      if (authorization !== undefined) {
        await response.body.cancel();
        response = await this.#post(outgoing, signal, authorization);
      }
    }
    const { status, headers, body } = response;
    if (status >= 200 && status < 300) {
      try {
        return { ...(await readPapPackage(headers['content-type'] ?? '', body)), status };
      } catch (error) {
        // Otherwise the connection stays open until the gateway ends its answer.
        if (!body.locked) await body.cancel().catch(() => {});
        throw error;
      }
    }
    await body.cancel();
    const advice = status === 401 ? ': expected valid credentials' : '';
    throw new PapRefusedError(`${this.#url.href} answered HTTP ${status}${advice}`, undefined, status);
  }

  async #post(outgoing: OutgoingPackage, signal: AbortSignal, authorization?: string): Promise<HttpResponse> {
    return await platform.request({
      method: 'POST',
      url: this.#url,
      headers: defined({
        'content-type': formatMediaType(outgoing.type),
        'content-length': outgoing.size?.toString(),
        accept: 'application/xml, multipart/related',
        authorization,
      }),
      body: outgoing.open(),
      tls: this.options.tls,
      signal,
    });
  }

  /** Digest, which does not reveal the password, if the gateway offers it; else Basic. */
  #answerChallenge(challenge: string): string | undefined {
    const digest = this.#digest([challenge], this.#url.pathname + this.#url.search);
    return digest ?? (/(?:^|,)\s*Basic\b/i.test(challenge) ? this.#basic() : undefined);
  }

  #basic(): string | undefined {
    const { credentials } = this.options;
    if (!credentials) return undefined;
    const pair = `${credentials.username}:${credentials.password}`;
    return `Basic ${encodeBase64(new TextEncoder().encode(pair))}`;
  }
}

function gatewayUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && /^https?:$/.test(url.protocol)) return url;
  throw new ConfigurationError(
    `invalid url "${text}" of a gateway: expected an http or https URL, e.g. https://ppg.example/pap`,
  );
}

type Answer = PapPackage & { readonly status: number };

function hasKind<Kind extends PapMessage['kind']>(
  message: PapMessage,
  kind: Kind,
): message is Extract<PapMessage, { kind: Kind }> {
  return message.kind === kind;
}
