/** Serves published content by HTTP, at URLs that cannot be guessed (8.1.2-03a). */

import { platform } from '#platform';
import type { Content } from '../content/content.js';
import type { ContentCoding } from '../content/content-coding.js';
import { formatHttpDate } from '../content/http-headers.js';
import { formatMediaType } from '../content/media-type.js';
import { defined } from '../defined.js';
import type { HttpIncoming, HttpReply } from '../platform/http.js';
import type { Listener, TlsOptions } from '../platform/sockets.js';
import type { Records } from '../store/records.js';
import { type Digest, digestOf } from './digest.js';

/** Where a sender serves content by reference. */
export interface PublishOptions {
  /** Address to listen on, and host of the URLs unless `url` is set. */
  host: string;
  /** Port to listen on; 0 selects a free one. */
  port: number;
  /** Base of the URLs if the server is behind a proxy or a firewall, e.g. `https://push.operator.test/content`. */
  url?: string;
  /** Certificate and key for https. By default, devices fetch only from https URLs. */
  tls?: TlsOptions;
}

/** Content to publish. */
export interface PublicationOptions {
  /** The lifetime. */
  seconds: number;
  /** The content coding of the bytes. */
  coding?: ContentCoding;
  /** Selects the URL: the same one in each process with the same secret. A random URL if absent. */
  name?: string;
}

/** Content at a URL, until it is withdrawn or expires. */
export interface Publication {
  readonly url: string;
  readonly size: number;
  /** SHA-1 in hexadecimal. */
  readonly hash: string;
  /** Milliseconds since 1970. */
  readonly expiration: number;
  /** How often the whole content was retrieved. */
  readonly timesFetched: number;
  /** Resolves when the whole content was retrieved, or is no longer published. */
  readonly ended: Promise<void>;
  withdraw(): void;
}

interface PublishedContent extends Publication {
  timesFetched: number;
  readonly end: () => void;
  readonly content: Content;
  readonly coding: ContentCoding | undefined;
  /** Responses started. */
  started: number;
  /** Responses in progress. */
  active: number;
}

/** Octets in the path of a URL, so that it cannot be guessed. */
const NAME_BYTES = 18;
const SECRET_BYTES = 32;
/** The secret in the store of the sender. */
const SECRET_KEY = 'push/publisher';

/** The secret of the URLs, created once and kept in the store. @throws StoreError */
export async function publisherSecret(records: Records): Promise<string> {
  const known = await records.get(SECRET_KEY);
  if (known !== undefined) return new TextDecoder().decode(known);
  const secret = platform.randomHex(SECRET_BYTES);
  await records.write([{ type: 'put', key: SECRET_KEY, value: new TextEncoder().encode(secret) }], 'synced');
  return secret;
}

/** Responses for one URL: enough for 100 terminals of one identity, or one terminal that resumes 100 times. */
const MAX_RESPONSES = 100;

/** Three weeks in seconds; a JavaScript timer is limited to 24 days. */
const MAX_LIFETIME = 21 * 86_400;

/** Concurrent connections. Each reads a file or memory chunk by chunk. */
const MAX_CONNECTIONS = 1000;

export class Publisher {
  readonly #published = new Map<string, PublishedContent>();
  readonly #digests = new WeakMap<Content, Promise<Digest>>();
  /** Called when content was retrieved, withdrawn or has expired. */
  readonly #waiting = new Set<() => void>();
  /** Content of an earlier process that is not published again yet. */
  #restoring = 0;

  private constructor(
    private readonly base: string,
    private readonly listener: Listener,
    private readonly secret: string,
  ) {}

  /**
   * @param secret makes URLs that cannot be guessed.
   * @throws TransportError when it cannot listen at the address, ConfigurationError for an invalid certificate.
   */
  static async open(
    { host, port, url, tls }: PublishOptions,
    secret = platform.randomHex(SECRET_BYTES),
  ): Promise<Publisher> {
    let publisher: Publisher | undefined;
    const listener = await platform.listenHttp(
      { host, port },
      { limits: { connections: MAX_CONNECTIONS, connectionsPerAddress: MAX_CONNECTIONS / 2 }, tls },
      (incoming) => (publisher ? publisher.#respond(incoming) : { status: 503 }),
    );
    const name = host.includes(':') ? `[${host}]` : host;
    const own = `${tls ? 'https' : 'http'}://${name}:${listener.address.port}`;
    publisher = new Publisher((url ?? own).replace(/\/$/, ''), listener, secret);
    return publisher;
  }

  /**
   * Publishes content. Its size and hash are computed once, even if it is published several times. Content with the name of
   * an earlier publication replaces it.
   */
  async publish(
    content: Content,
    { seconds, coding, name: known }: PublicationOptions,
  ): Promise<Publication> {
    const { size, sha1 } = await this.#digestOf(content);
    const name =
      known === undefined
        ? platform.randomHex(NAME_BYTES)
        : platform.hash('sha-256', `${this.secret} ${known}`).slice(0, 2 * NAME_BYTES);
    this.#published.get(name)?.withdraw();
    const milliseconds = Math.min(seconds, MAX_LIFETIME) * 1000;
    const timer = setTimeout(() => withdraw(), milliseconds);
    let end = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const withdraw = () => {
      clearTimeout(timer);
      if (this.#published.get(name) === published) this.#published.delete(name);
      end();
      this.#changed();
    };
    const published: PublishedContent = {
      url: `${this.base}/${name}`,
      size,
      hash: sha1,
      expiration: Date.now() + milliseconds,
      timesFetched: 0,
      started: 0,
      active: 0,
      content,
      coding,
      ended,
      end,
      withdraw,
    };
    this.#published.set(name, published);
    return published;
  }

  /** Until `publishing` settles, content that is not known may be published: a receiver tries again. */
  restoring(publishing: Promise<unknown>): void {
    this.#restoring++;
    const end = () => {
      this.#restoring--;
    };
    publishing.then(end, end);
  }

  /** The number of publications that were never retrieved as a whole, or are being retrieved. */
  get unsettled(): number {
    return [...this.#published.values()].filter(
      ({ timesFetched, active }) => timesFetched === 0 || active > 0,
    ).length;
  }

  /** Resolves when every publication was retrieved and no response is in progress, or when `signal` is aborted. */
  async settled(signal?: AbortSignal): Promise<void> {
    const wake = () => this.#changed();
    signal?.addEventListener('abort', wake, { once: true });
    while (!signal?.aborted && this.unsettled > 0) {
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
    signal?.removeEventListener('abort', wake);
  }

  /** Withdraws all content and aborts the responses in progress. */
  async close(): Promise<void> {
    for (const { withdraw } of [...this.#published.values()]) withdraw();
    await this.listener.close();
  }

  #digestOf(content: Content): Promise<Digest> {
    const known = this.#digests.get(content);
    if (known) return known;
    const digest = digestOf(content);
    this.#digests.set(content, digest);
    // The next publication reads the content again.
    digest.catch(() => this.#digests.delete(content));
    return digest;
  }

  #respond({ method, target, headers }: HttpIncoming): HttpReply {
    const published = this.#published.get(target.slice(target.lastIndexOf('/') + 1));
    // The same for unknown and withdrawn names, so that the response does not reveal valid names.
    if (!published)
      return this.#restoring > 0 ? { status: 503, headers: { 'retry-after': '1' } } : { status: 404 };
    if (method === 'OPTIONS') return { status: 204, headers: PREFLIGHT };
    if (method !== 'GET' && method !== 'HEAD') return { status: 405, headers: { allow: 'GET, HEAD' } };
    const headersOfContent = describe(published);
    const { size, content } = published;
    const requested =
      method === 'GET' && isCurrent(headers['if-range'], headersOfContent.etag) ? headers.range : undefined;
    const range = parseByteRange(requested, size);
    if (range === 'unsatisfiable') return { status: 416, headers: { 'content-range': `bytes */${size}` } };
    const { start, end } = range ?? { start: 0, end: size - 1 };
    const head = defined({
      ...headersOfContent,
      'content-length': String(end - start + 1),
      'content-range': range && `bytes ${start}-${end}/${size}`,
    });
    const status = range ? 206 : 200;
    if (method === 'HEAD') return { status, headers: head };
    if (++published.started > MAX_RESPONSES) return { status: 410 };
    // Opened before counting, because opening can fail.
    const body = size > 0 ? { body: content.open({ start, end }) } : {};
    published.active++;
    return {
      status,
      headers: head,
      ...body,
      onSent: (whole) => {
        published.active--;
        // A terminal resumes in order, so the last byte completes the content.
        if (whole && end === size - 1) {
          published.timesFetched++;
          published.end();
        }
        this.#changed();
      },
    };
  }

  #changed(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resume of waiting) resume();
  }
}

/**
 * CORS headers of the Fetch Standard, for receivers in web pages. Any origin may read the content, because the URL is
 * the only credential. The allowed request headers serve resumption.
 */
const ANY_ORIGIN = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'accept-ranges, content-range, etag',
};
const PREFLIGHT = {
  ...ANY_ORIGIN,
  'access-control-allow-methods': 'GET, HEAD',
  'access-control-allow-headers': 'if-range, range',
};

function describe({ content, hash, expiration, coding }: PublishedContent) {
  return {
    'content-type': formatMediaType(content.type),
    ...defined({ 'content-encoding': coding }),
    // A strong validator (RFC 9110 §8.8.1), so that ranges can be combined.
    etag: `"${hash}"`,
    'accept-ranges': 'bytes',
    // Pushes are private: no cache may store them.
    'cache-control': 'private, no-store',
    expires: formatHttpDate(expiration),
    // A browser must not guess another type.
    'x-content-type-options': 'nosniff',
    ...ANY_ORIGIN,
  };
}

/** A range of an outdated representation is answered with the whole content (RFC 9110 §13.1.5). */
function isCurrent(ifRange: string | undefined, etag: string): boolean {
  return ifRange === undefined || ifRange === etag;
}

export interface ByteSpan {
  start: number;
  /** Inclusive. */
  end: number;
}

/**
 * Parses a Range header of one byte range (RFC 9110 §14.1.2).
 * @returns undefined for an absent or invalid header and for several ranges: the response is the whole content.
 */
export function parseByteRange(
  value: string | undefined,
  size: number,
): ByteSpan | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/i.exec(value?.trim() ?? '');
  if (!match) return undefined;
  const [, first = '', last = ''] = match;
  if (first === '' && last === '') return undefined;
  // `-500` is the last 500 bytes.
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (first !== '' && last !== '' && Number(last) < start) return undefined;
  return start >= size || end < start ? 'unsatisfiable' : { start, end };
}
