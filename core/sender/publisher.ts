/** The HTTP server of published content, at URLs that cannot be guessed (8.1.2-03a). */

import { platform } from '#platform';
import { formatHttpDate } from '../content/http-headers.js';
import { defined } from '../defined.js';
import type { HttpIncoming, HttpReply } from '../platform/http.js';
import type { Listener, TlsOptions } from '../platform/sockets.js';
import type { Records } from '../store/records.js';
import { Waiters } from '../time/waiters.js';
import { SenderContents } from './outbox/contents.js';
import type { Publication } from './publication.js';
import { type NewPublication, Publications, type RemovedPublication } from './publications.js';

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
  /**
   * The largest number of publications; half of the number of contents (10,000) if absent. Beyond it, retrieved ones
   * are removed, then the oldest ones.
   */
  count?: number;
  /** Bytes of published content; half of the bytes of all contents (5 GiB) if absent. */
  bytes?: number;
}

/** The parts that a publisher shares with its sender. */
export interface PublisherParts {
  /** Where content is kept; a temporary folder if absent. */
  contents?: SenderContents;
  /** Keeps the publications over restarts. */
  records?: Records;
  onRemoved?(removed: RemovedPublication): void;
  onError?(error: Error): void;
}

/** Responses for one URL: enough for 100 terminals of one identity, or one terminal that resumes 100 times. */
const MAX_RESPONSES = 100;

/** Concurrent connections. Each reads a file or memory chunk by chunk. */
const MAX_CONNECTIONS = 1000;

export class Publisher {
  /** Called when content was retrieved, withdrawn or has expired. */
  readonly #changes = new Waiters<void>();
  readonly #publications: Publications;

  private constructor(
    base: string,
    private readonly listener: Listener,
    contents: SenderContents,
    { count, bytes }: PublishOptions,
    { records, onRemoved = () => {}, onError = () => {} }: PublisherParts,
    private readonly closeContents: () => Promise<void>,
  ) {
    this.#publications = new Publications({
      base,
      contents,
      records,
      limits: { count, bytes },
      onChange: () => this.#changes.resolve(),
      onRemoved,
      onError,
    });
  }

  /**
   * @throws TransportError when it cannot listen at the address, ConfigurationError for an invalid certificate, StoreError,
   * SipPushError when there is no folder for content.
   */
  static async open(options: PublishOptions, parts: PublisherParts = {}): Promise<Publisher> {
    const { host, port, url, tls } = options;
    const { onError = () => {} } = parts;
    const contents = parts.contents ?? (await SenderContents.open({ onError }));
    const closeContents = async () => {
      if (contents !== parts.contents) await contents.close();
    };
    let publisher: Publisher | undefined;
    let listener: Listener | undefined;
    try {
      listener = await platform.listenHttp(
        { host, port },
        { limits: { connections: MAX_CONNECTIONS, connectionsPerAddress: MAX_CONNECTIONS / 2 }, tls },
        (incoming) => (publisher ? publisher.#respond(incoming) : { status: 503 }),
      );
      const name = host.includes(':') ? `[${host}]` : host;
      const own = `${tls ? 'https' : 'http'}://${name}:${listener.address.port}`;
      const base = (url ?? own).replace(/\/$/, '');
      const opened = new Publisher(base, listener, contents, options, parts, closeContents);
      await opened.#publications.load();
      publisher = opened;
      return opened;
    } catch (error) {
      await listener?.close();
      await closeContents();
      throw error;
    }
  }

  /** See `Publications.publish`. */
  publish(publication: NewPublication): Promise<Publication> {
    return this.#publications.publish(publication);
  }

  /** The number of publications that were never retrieved as a whole, or are being retrieved. */
  get unsettled(): number {
    return this.#publications.unsettled;
  }

  /** Resolves when every publication was retrieved and no response is in progress, or when `signal` is aborted. */
  async settled(signal?: AbortSignal): Promise<void> {
    while (!signal?.aborted && this.unsettled > 0) await this.#changes.wait(signal).catch(() => {});
  }

  /** Aborts the responses in progress. With a store, the next process continues to serve the content. */
  async close(): Promise<void> {
    this.#publications.close();
    await this.listener.close();
    await this.closeContents();
  }

  #respond({ method, target, headers }: HttpIncoming): HttpReply {
    const publication = this.#publications.get(target.slice(target.lastIndexOf('/') + 1));
    // The same for unknown and withdrawn names, so that the response does not reveal valid names.
    if (!publication) return { status: 404 };
    if (method === 'OPTIONS') return { status: 204, headers: PREFLIGHT };
    if (method !== 'GET' && method !== 'HEAD') return { status: 405, headers: { allow: 'GET, HEAD' } };
    const headersOfContent = describe(publication);
    const { content, size } = publication;
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
    if (++publication.started > MAX_RESPONSES) return { status: 410 };
    // Opened before counting, because opening can fail.
    const body = size > 0 ? { body: content.open({ start, end }) } : {};
    publication.active++;
    return {
      status,
      headers: head,
      ...body,
      onSent: (whole) => {
        publication.active--;
        // A terminal resumes in order, so the last byte completes the content.
        if (whole && end === size - 1) this.#publications.setRetrieved(publication);
        this.#changes.resolve();
      },
    };
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

function describe({ record, coding }: Publication) {
  const { type, sha1, expiration } = record;
  return {
    'content-type': type,
    ...defined({ 'content-encoding': coding }),
    // A strong validator (RFC 9110 §8.8.1), so that ranges can be combined.
    etag: `"${sha1}"`,
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
