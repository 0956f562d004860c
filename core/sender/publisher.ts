/** The Range of an HTTP request (RFC 9110 14.1.2), as far as content is resumed by it: one range of bytes. */

import { platform } from '#platform';
import type { Content } from '../content/content.js';
import type { ContentCoding } from '../content/content-coding.js';
import { formatHttpDate } from '../content/http-headers.js';
import { formatMediaType } from '../content/media-type.js';
import type { HttpIncoming, HttpReply, Listener, TlsOptions } from '../platform/platform.js';
import { type Digest, digestOf } from './digest.js';

export interface ByteSpan {
  start: number;
  /** Inclusive. */
  end: number;
}

/** Undefined for none, for several and for what is no range of bytes: the whole is the answer to those. */
export function parseRange(value: string | undefined, size: number): ByteSpan | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/i.exec(value?.trim() ?? '');
  if (!match) return undefined;
  const [, first = '', last = ''] = match;
  if (first === '' && last === '') return undefined;
  // `-500`: the last five hundred.
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (first !== '' && last !== '' && Number(last) < start) return undefined;
  return start >= size || end < start ? 'unsatisfiable' : { start, end };
}

/** Content that terminals come for: an HTTP server of the sender's own, with URLs that nobody guesses (8.1.2-03a). */

/** The server of a sender for content by reference. */
export interface PublishOptions {
  /** Address to listen on, and of the URLs unless `url` is set. */
  host: string;
  /** Port to listen on; 0 selects a free one. */
  port: number;
  /** URL of the server for terminals, behind a proxy: `https://push.operator.test/content`. */
  url?: string;
  /** Certificate and key for https, which devices fetch by default. */
  tls?: TlsOptions;
}

/** Content at a URL, until it is withdrawn or expires. */
export interface Publication {
  readonly url: string;
  readonly size: number;
  /** SHA-1, hexadecimal. */
  readonly hash: string;
  /** Milliseconds since 1970. */
  readonly expiration: number;
  /** Times that somebody has had all of it. */
  readonly fetched: number;
  withdraw(): void;
}

interface Published extends Publication {
  fetched: number;
  readonly content: Content;
  readonly coding: ContentCoding | undefined;
  /** Answers begun. */
  begun: number;
  /** Answers under way. */
  active: number;
}

/** Octets in a URL's name, as random as the kernel has them: nobody finds one by trying. */
const NAME_BYTES = 18;

/** Answers begun for one URL: a hundred terminals of one identity, or one that resumes a hundred times. */
const MOST_ANSWERS = 100;

/** Seconds: three weeks, and what a timer of JavaScript can count. */
const MAX_LIFETIME = 21 * 86_400;

/** Connections at once: each reads from a file or from memory, a chunk at a time. */
const MAX_CONNECTIONS = 1000;

export class Publisher {
  readonly #published = new Map<string, Published>();
  readonly #digests = new WeakMap<Content, Promise<Digest>>();
  /** Called when something was fetched, withdrawn or has expired. */
  readonly #waiting = new Set<() => void>();

  private constructor(
    private readonly base: string,
    private readonly listener: Listener,
  ) {}

  /** @throws TransportError when it cannot listen there, ConfigurationError for a certificate that is none. */
  static async open({ host, port, url, tls }: PublishOptions): Promise<Publisher> {
    let publisher: Publisher | undefined;
    const listener = await platform.listenHttp(
      { host, port },
      { maxConnections: MAX_CONNECTIONS, tls },
      (incoming) => (publisher ? publisher.#answer(incoming) : { status: 503 }),
    );
    const name = host.includes(':') ? `[${host}]` : host;
    const own = `${tls ? 'https' : 'http'}://${name}:${listener.address.port}`;
    publisher = new Publisher((url ?? own).replace(/\/$/, ''), listener);
    return publisher;
  }

  /**
   * Reads the content once, for its size and hash, however often it is published; it is read again for whoever comes.
   * @param seconds until it expires.
   * @param coding of the bytes as they are.
   */
  async publish(content: Content, seconds: number, coding?: ContentCoding): Promise<Publication> {
    const { size, sha1 } = await this.#digestOf(content);
    const name = platform.randomHex(NAME_BYTES);
    const milliseconds = Math.min(seconds, MAX_LIFETIME) * 1000;
    const timer = setTimeout(() => withdraw(), milliseconds);
    const withdraw = () => {
      clearTimeout(timer);
      this.#published.delete(name);
      this.#changed();
    };
    const published: Published = {
      url: `${this.base}/${name}`,
      size,
      hash: sha1,
      expiration: Date.now() + milliseconds,
      fetched: 0,
      begun: 0,
      active: 0,
      content,
      coding,
      withdraw,
    };
    this.#published.set(name, published);
    return published;
  }

  /** Publications that nobody has fetched, or somebody is in the middle of. */
  get unsettled(): number {
    return [...this.#published.values()].filter(({ fetched, active }) => fetched === 0 || active > 0).length;
  }

  /** Resolves when nothing is left that nobody has fetched, and nobody is in the middle of it; or when `signal` is aborted. */
  async settled(signal?: AbortSignal): Promise<void> {
    const wake = () => this.#changed();
    signal?.addEventListener('abort', wake, { once: true });
    while (!signal?.aborted && this.unsettled > 0) {
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
    signal?.removeEventListener('abort', wake);
  }

  /** Ends every answer under way. */
  async close(): Promise<void> {
    for (const { withdraw } of [...this.#published.values()]) withdraw();
    await this.listener.close();
  }

  #digestOf(content: Content): Promise<Digest> {
    const known = this.#digests.get(content);
    if (known) return known;
    const digest = digestOf(content);
    this.#digests.set(content, digest);
    // What cannot be read now may be read the next time.
    digest.catch(() => this.#digests.delete(content));
    return digest;
  }

  #answer({ method, target, headers }: HttpIncoming): HttpReply {
    const published = this.#published.get(target.slice(target.lastIndexOf('/') + 1));
    // The same for what has never been and what is no more: nobody learns which names were good.
    if (!published) return { status: 404 };
    if (method === 'OPTIONS') return { status: 204, headers: PREFLIGHT };
    if (method !== 'GET' && method !== 'HEAD') return { status: 405, headers: { allow: 'GET, HEAD' } };
    const about = describe(published);
    const { size, content } = published;
    const wanted = method === 'GET' && fresh(headers['if-range'], about.etag) ? headers.range : undefined;
    const range = parseRange(wanted, size);
    if (range === 'unsatisfiable') return { status: 416, headers: { 'content-range': `bytes */${size}` } };
    const { start, end } = range ?? { start: 0, end: size - 1 };
    const head = {
      ...about,
      'content-length': String(end - start + 1),
      ...(range ? { 'content-range': `bytes ${start}-${end}/${size}` } : {}),
    };
    const status = range ? 206 : 200;
    if (method === 'HEAD') return { status, headers: head };
    if (++published.begun > MOST_ANSWERS) return { status: 410 };
    // Opened first: content that cannot be is no answer under way.
    const body = size > 0 ? { body: content.open({ start, end }) } : {};
    published.active++;
    return {
      status,
      headers: head,
      ...body,
      onSent: (whole) => {
        published.active--;
        // Whoever has the last byte has all of it, in however many parts.
        if (whole && end === size - 1) published.fetched++;
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
 * A receiver in a page of any origin: whoever knows the URL may have the content, which takes no cookies (CORS of the
 * Fetch Standard). The headers that may be asked with go on where a response broke off.
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

function describe({ content, hash, expiration, coding }: Published) {
  return {
    'content-type': formatMediaType(content.type),
    ...(coding === undefined ? {} : { 'content-encoding': coding }),
    // Strong (RFC 9110 8.8.1): the same bytes, so that a range goes on where another ended.
    etag: `"${hash}"`,
    'accept-ranges': 'bytes',
    // Private, as pushes are: no cache on the way keeps it.
    'cache-control': 'private, no-store',
    expires: formatHttpDate(expiration),
    // What it says of its type is what it is, should a browser come for it.
    'x-content-type-options': 'nosniff',
    ...ANY_ORIGIN,
  };
}

/** RFC 9110 13.1.5: a range of something else than this is answered with all of this. */
function fresh(ifRange: string | undefined, etag: string): boolean {
  return ifRange === undefined || ifRange === etag;
}
