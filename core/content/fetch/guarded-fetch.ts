/** HTTP for content that strangers point at: only where it may go, only so much, and not for ever. */

import { platform } from '#platform';
import { TransportError } from '../../errors.js';
import type { HttpRequest, HttpResponse } from '../../platform/http.js';
import { AllowList, hostOf, isPublicAddress } from './allow-list.js';
import { ExchangeGuard } from './exchange-guard.js';
import { FetchError } from './fetch-error.js';

/** As in the configuration of a host. */
export interface FetchLimits {
  /** Origins, `https://*.operator.test`; absent: https at its usual port, public addresses only. */
  allow?: readonly string[];
  /** Bytes of one body, and of what it unfolds to. */
  maxSize?: number;
  /** Seconds until an answer begins, and of silence within it. */
  timeout?: number;
}

export interface FetchRequest {
  method?: HttpRequest['method'];
  headers?: Readonly<Record<string, string>>;
  body?: Uint8Array;
  /** Less than the fetcher's own, bytes. */
  maxSize?: number;
  /** Origins beside those that the fetcher allows: both have to. */
  restrictTo?: AllowList;
  signal?: AbortSignal;
}

export interface FetchResponse extends HttpResponse {
  /** Where it came from in the end. */
  url: string;
}

export interface GuardedFetchOptions extends FetchLimits {
  /** PEM of authorities to trust beside the system's. */
  ca?: string | Uint8Array;
  /** The platform's when absent; tests bring their own. */
  resolve?(host: string): Promise<readonly string[] | undefined>;
  /** Likewise. */
  request?(request: HttpRequest): Promise<HttpResponse>;
}

const DEFAULT_MAX_SIZE = 10 * 1024 * 1024;
const DEFAULT_TIMEOUT = 10;

/** http to https, to a name with www, to a mirror, and as many again. */
const MAX_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** Not for another origin than the one they were meant for. */
const PRIVATE_HEADERS = new Set(['authorization', 'cookie']);

export class GuardedFetch {
  readonly maxSize: number;
  readonly #allow: AllowList;
  readonly #milliseconds: number;

  /** @throws ConfigurationError for an entry of `allow` that is no origin. */
  constructor(private readonly options: GuardedFetchOptions = {}) {
    this.maxSize = options.maxSize ?? DEFAULT_MAX_SIZE;
    this.#allow = new AllowList(options.allow);
    this.#milliseconds = (options.timeout ?? DEFAULT_TIMEOUT) * 1000;
  }

  /**
   * One request, and the redirects that follow a GET. Every URL on the way is held against `allow`, and every name is
   * resolved once: what was checked is what is connected to. The body is as it is on the wire; it errors as `fetch`
   * rejects.
   * @throws FetchError with its reason by name; the reason of `signal` when that ended it.
   */
  async fetch(text: string, request: FetchRequest = {}): Promise<FetchResponse> {
    let url = parse(text);
    let { headers = {} } = request;
    for (let redirects = 0; ; redirects++) {
      const response = await this.#exchange(url, { ...request, headers });
      if (response.status === 0) {
        throw new FetchError('redirects', `${url.host} redirects, and a browser does not say where to`);
      }
      const { location } = response.headers;
      if (!REDIRECTS.has(response.status) || request.method === 'POST' || location === undefined)
        return response;
      await response.body.cancel();
      if (redirects === MAX_REDIRECTS) {
        throw new FetchError(
          'redirects',
          `more than ${MAX_REDIRECTS}, the last to ${location.slice(0, 200)}`,
        );
      }
      const next = parse(location, url);
      if (next.origin !== url.origin) headers = publicHeaders(headers);
      url = next;
    }
  }

  async #exchange(url: URL, request: FetchRequest): Promise<FetchResponse> {
    const { method = 'GET', headers = {}, body, maxSize = this.maxSize, restrictTo, signal } = request;
    const patience = new ExchangeGuard(this.#milliseconds, url.host, signal);
    const { ca } = this.options;
    try {
      if (restrictTo && !restrictTo.permission(url)) {
        throw new FetchError('not-allowed', `${url.origin} is not among the origins that it may fetch from`);
      }
      const addresses = await patience.wait(this.#addresses(url));
      const response = await patience.wait(
        (this.options.request ?? platform.request)({
          method,
          url,
          headers,
          signal: patience.signal,
          addresses,
          body,
          ...(ca ? { ca } : {}),
        }),
      );
      const limit = Math.min(maxSize, this.maxSize);
      return { ...response, url: url.href, body: patience.limitBody(response.body, limit) };
    } catch (error) {
      patience.end();
      if (!(error instanceof TransportError)) throw error;
      throw new FetchError('unreachable', error.message, { cause: error });
    }
  }

  /** The addresses to connect to, each of which the URL's host may have; undefined where only the name can be given. */
  async #addresses(url: URL): Promise<readonly string[] | undefined> {
    const permission = this.#allow.permission(url);
    if (!permission) {
      throw new FetchError(
        'not-allowed',
        `${url.origin} is not among the origins allowed: fetch.allow does not name it`,
      );
    }
    const host = hostOf(url);
    const addresses = isLiteral(url) ? [host] : await this.#resolve(host);
    if (permission === 'named') return addresses;
    if (!addresses) {
      throw new FetchError(
        'not-allowed',
        `nobody tells which address ${host} has: fetch.allow has to name ${url.origin} itself`,
      );
    }
    const forbidden = addresses.find((address) => !isPublicAddress(address));
    if (forbidden !== undefined) {
      throw new FetchError('forbidden-address', `${host} is ${forbidden}, which is not a public address`);
    }
    return addresses;
  }

  async #resolve(host: string): Promise<readonly string[] | undefined> {
    try {
      const addresses = await (this.options.resolve ?? platform.resolve)(host);
      if (addresses?.length !== 0) return addresses;
    } catch (error) {
      throw new FetchError('unresolved', `${host} does not resolve`, { cause: error });
    }
    throw new FetchError('unresolved', `${host} has no address`);
  }
}

function parse(text: string, base?: URL): URL {
  if (!URL.canParse(text, base)) throw new FetchError('malformed', `${text.slice(0, 200)} is no URL`);
  return new URL(text, base);
}

/** URLs write an IPv4 address in one way only, and IPv6 in brackets. */
function isLiteral({ hostname }: URL): boolean {
  return hostname.startsWith('[') || /^\d+\.\d+\.\d+\.\d+$/.test(hostname);
}

function publicHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !PRIVATE_HEADERS.has(name.toLowerCase())),
  );
}
