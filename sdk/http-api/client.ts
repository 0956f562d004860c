/** What a program says to the HTTP API of a sender, and hears from it. */

import type { z } from '@hono/zod-openapi';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import { SipPushError, TransportError } from '../../core/errors.js';
import type { Receipt } from '../../core/sender/push-request.js';
import type { PushBody, pushStateSchema } from './schemas.js';

export type PushState = z.infer<typeof pushStateSchema>;

/** Characters of an event: a receipt has some hundred. */
const MAX_EVENT = 1024 * 1024;

/** The sender does not take it. */
export class RefusedRequestError extends SipPushError {
  constructor(
    /** Of the HTTP response. */
    readonly status: number,
    message: string,
  ) {
    super(message);
  }

  /** It may be taken another time: too much waits there, or there is no room, or something is out of order. */
  get retryable(): boolean {
    return this.status === 429 || this.status >= 500;
  }
}

/** Somebody cancelled it: nothing more is sent. */
export class CancelledPushError extends SipPushError {}

export class SenderClient {
  readonly #url: string;

  /** @param url `http://127.0.0.1:8080` */
  constructor(
    url: string,
    private readonly key: string,
    private readonly signal?: AbortSignal,
  ) {
    this.#url = url.replace(/\/+$/, '');
  }

  /** @returns what a push calls the content by, within an hour. @throws RefusedRequest, TransportError */
  async addContent(body: ReadableStream<Uint8Array>): Promise<string> {
    const { content } = await this.#json<{ content: string }>('/contents', {
      method: 'POST',
      body,
      duplex: 'half',
    });
    return content;
  }

  /** @param key the same push under the same key is taken once. @throws RefusedRequest, TransportError */
  submit(push: PushBody, key: string): Promise<PushState> {
    return this.#json('/pushes', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify(push),
    });
  }

  /**
   * Each receipt as it comes; ends with the push.
   * @throws RefusedRequest, CancelledPush; TransportError when the connection ends first.
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
    return `${this.#url} says no more of the push ${id}. It is on the disk of the sender, which goes on with it`;
  }

  async #json<Answer>(path: string, init: RequestInit & { duplex?: 'half' }): Promise<Answer> {
    // The API is ours: it says what its description has.
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
        `no answer of ${this.#url}: ${cause instanceof Error ? cause.message : cause}`,
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
