/** A client of the HTTP API of a sender. */

import type { z } from '@hono/zod-openapi';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import { SipPushError, TransportError } from '../../core/errors.js';
import type { Receipt } from '../../core/sender/push-request.js';
import type { PushBody, pushStateSchema } from './schemas.js';

export type PushState = z.infer<typeof pushStateSchema>;

/** Limit of an event in characters. A receipt has a few hundred. */
const MAX_EVENT = 1024 * 1024;

/** The sender rejected the request. */
export class RefusedRequestError extends SipPushError {
  static {
    RefusedRequestError.prototype.name = 'RefusedRequestError';
  }

  constructor(
    /** Status of the HTTP response. */
    readonly status: number,
    message: string,
  ) {
    super(message);
  }

  /** Whether a retry can succeed: too many pushes wait, the disk is full, or the server failed. */
  get retryable(): boolean {
    return this.status === 429 || this.status >= 500;
  }
}

/** The push was cancelled by another client. */
export class CancelledPushError extends SipPushError {
  static {
    CancelledPushError.prototype.name = 'CancelledPushError';
  }
}

export class SenderClient {
  readonly #url: string;

  /** @param url URL of the API, e.g. `http://127.0.0.1:8080`. */
  constructor(
    url: string,
    private readonly key: string,
    private readonly signal?: AbortSignal,
  ) {
    this.#url = url.replace(/\/+$/, '');
  }

  /** Uploads content for a push within an hour. @returns its id. @throws RefusedRequestError, TransportError */
  async addContent(body: ReadableStream<Uint8Array>): Promise<string> {
    const { content } = await this.#json<{ content: string }>('/contents', {
      method: 'POST',
      body,
      duplex: 'half',
    });
    return content;
  }

  /** @param key Idempotency-Key: the same push under the same key is accepted once. @throws RefusedRequestError, TransportError */
  submit(push: PushBody, key: string): Promise<PushState> {
    return this.#json('/pushes', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify(push),
    });
  }

  /**
   * Yields each receipt as it arrives, until the push ends.
   * @throws RefusedRequestError, CancelledPushError; TransportError if the connection is lost before the end.
   */
  async *receipts(id: string): AsyncGenerator<Receipt> {
    const { body } = await this.#request(`/pushes/${encodeURIComponent(id)}/receipts`);
    const events = (body ?? new Blob([]).stream())
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new EventSourceParserStream({ maxBufferSize: MAX_EVENT }));
    try {
      for await (const { event, data } of events) {
        if (event === 'receipt') yield JSON.parse(data);
        if (event !== 'end') continue;
        if (JSON.parse(data).state === 'cancelled')
          throw new CancelledPushError(`the push ${id} was cancelled`);
        return;
      }
    } catch (error) {
      if (error instanceof CancelledPushError) throw error;
      this.signal?.throwIfAborted();
      throw new TransportError(this.#lost(id), { cause: error });
    }
    throw new TransportError(this.#lost(id));
  }

  #lost(id: string): string {
    return `lost the connection to ${this.#url}. The sender has the push ${id} on disk and continues with it`;
  }

  async #json<Answer>(path: string, init: RequestInit & { duplex?: 'half' }): Promise<Answer> {
    // The response conforms to our own OpenAPI description.
    return (await (await this.#request(path, init)).json()) as Answer;
  }

  async #request(path: string, init: RequestInit & { duplex?: 'half' } = {}): Promise<Response> {
    const headers = { ...init.headers, authorization: `Bearer ${this.key}` };
    let response: Response;
    try {
      response = await fetch(this.#url + path, {
        ...init,
        headers,
        signal: this.signal,
      });
    } catch (error) {
      this.signal?.throwIfAborted();
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      throw new TransportError(
        `no response from ${this.#url}: ${cause instanceof Error ? cause.message : cause}`,
        {
          cause: error,
        },
      );
    }
    if (response.ok) return response;
    throw new RefusedRequestError(
      response.status,
      `${this.#url}: ${response.status} ${await detailOf(response)}`,
    );
  }
}

async function detailOf(response: Response): Promise<string> {
  const problem: unknown = await response.json().catch(() => undefined);
  const detail = typeof problem === 'object' && problem && 'detail' in problem ? problem.detail : undefined;
  return typeof detail === 'string' ? detail : response.statusText;
}
