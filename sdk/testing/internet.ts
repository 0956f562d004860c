/** HTTP in a test: servers that applications fetch from, and the content of indirect pushes. */

import { platform } from '#platform';
import type { MediaType } from '../../core/content/content.js';
import type { GuardedFetchOptions } from '../../core/content/fetch/guarded-fetch.js';
import { TransportError } from '../../core/errors.js';
import type { HttpRequest, HttpResponse } from '../../core/platform/http.js';
import type { ContentReference } from '../../core/sender/push-request.js';

/** Answers the HTTP requests of applications like a web server. */
export type TestServer = (request: Request) => Response | Promise<Response>;

/** Origin of the content of indirect pushes. */
const CONTENT_ORIGIN = 'https://content.domain.test';

/** A public address: the addresses for documentation (RFC 5737) do not count as public. The test host never connects to it. */
const ADDRESS = '8.8.8.8';

export class Internet {
  readonly #published = new Map<string, Uint8Array>();

  constructor(
    private readonly server: TestServer | undefined,
    private readonly allow: readonly string[] | undefined,
  ) {}

  /** The `fetch` of the runtime, with all of its checks, but without a network. */
  get options(): GuardedFetchOptions {
    return {
      allow: this.allow ? [...this.allow, CONTENT_ORIGIN] : ['https://*:*', 'http://*:*'],
      resolve: async () => [ADDRESS],
      request: (request) => this.#answer(request),
    };
  }

  publish(type: MediaType, octets: Uint8Array): ContentReference {
    const url = `${CONTENT_ORIGIN}/${this.#published.size + 1}`;
    this.#published.set(url, octets);
    return { url, type, size: octets.length, hash: platform.hash('sha-1', octets) };
  }

  async #answer({ method, url, headers, body, signal }: HttpRequest): Promise<HttpResponse> {
    const published = this.#published.get(url.href);
    if (published) return httpResponse(new Response(Uint8Array.from(published)));
    if (!this.server) {
      throw new TransportError(`no server for ${url.origin}: pass a "server" to startTestHost`);
    }
    const request = new Request(url, {
      method,
      signal,
      headers: headers === undefined ? undefined : { ...headers },
      ...(body instanceof ReadableStream
        ? { body, duplex: 'half' as const }
        : { body: body && Uint8Array.from(body) }),
    });
    return httpResponse(await this.server(request));
  }
}

function httpResponse(response: Response): HttpResponse {
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: response.body ?? new Blob([]).stream(),
  };
}
