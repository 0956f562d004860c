/** HTTP requests to URLs from untrusted senders: to allowed origins only, with limits of size and time. */

import { platform } from '#platform';
import { TransportError } from '../../errors.js';
import type { HttpRequest, HttpResponse } from '../../platform/http.js';
import { AllowList, hostOf, isPublicAddress } from './allow-list.js';
import { ExchangeGuard } from './exchange-guard.js';
import { FetchError } from './fetch-error.js';

/** The limits that a host configures. */
export interface FetchLimits {
  /** Origins, `https://*.operator.test`; absent: https on its default port, public addresses only. */
  allow?: readonly string[];
  /** Size limit of one body in bytes, encoded and decoded. */
  maxSize?: number;
  /** Seconds without a byte after which a request fails. */
  timeout?: number;
}

export interface FetchRequest {
  method?: HttpRequest['method'];
  headers?: Readonly<Record<string, string>>;
  body?: Uint8Array;
  /** URL of an HTTP proxy, `http://10.0.0.1:8080`. */
  proxy?: string;
  /** Bytes; at most the limit of the fetcher. */
  maxSize?: number;
  /** A further restriction: the request must match both allow lists. */
  restrictTo?: AllowList;
  signal?: AbortSignal;
}

export interface FetchResponse extends HttpResponse {
  /** The URL after redirects. */
  url: string;
}

export interface GuardedFetchOptions extends FetchLimits {
  /** PEM of additional certificate authorities. */
  ca?: string | Uint8Array;
  /** By default the platform's; tests replace it. */
  resolve?(host: string): Promise<readonly string[] | undefined>;
  /** By default the platform's; tests replace it. */
  request?(request: HttpRequest): Promise<HttpResponse>;
}

const DEFAULT_MAX_SIZE = 10 * 1024 * 1024;
const DEFAULT_TIMEOUT = 10;

/** Twice the usual redirects: to https, to a name with www, to a mirror. */
const MAX_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** Headers that are kept when a redirect leads to another origin. Others can identify the user or the device. */
const PUBLIC_HEADERS = /^(accept(-.+)?|content-type|if-.+|range|user-agent)$/i;

export class GuardedFetch {
  readonly maxSize: number;
  readonly #allow: AllowList;
  readonly #milliseconds: number;

  /** @throws ConfigurationError if an entry of `allow` is not an origin. */
  constructor(private readonly options: GuardedFetchOptions = {}) {
    this.maxSize = options.maxSize ?? DEFAULT_MAX_SIZE;
    this.#allow = new AllowList(options.allow);
    this.#milliseconds = (options.timeout ?? DEFAULT_TIMEOUT) * 1000;
  }

  /**
   * Sends a request, and follows the redirects of a GET. Every URL is checked against `allow`, and every name is resolved
   * once, so that the checked address is the one that is connected to. The body is not decoded; its stream errors like
   * `fetch`.
   * @throws FetchError, or the reason of `signal` if it was aborted.
   */
  async fetch(text: string, request: FetchRequest = {}): Promise<FetchResponse> {
    let url = parse(text);
    let { headers = {} } = request;
    for (let redirects = 0; ; redirects++) {
      const response = await this.#exchange(url, { ...request, headers });
      if (response.status === 0) {
        throw new FetchError('redirects', `${url.host} redirects, which is not supported in a browser`);
      }
      const { location } = response.headers;
      if (!REDIRECTS.has(response.status) || request.method === 'POST' || location === undefined)
        return response;
      await response.body.cancel();
      if (redirects === MAX_REDIRECTS) {
        throw new FetchError(
          'redirects',
          `more than ${MAX_REDIRECTS} redirects, the last to ${location.slice(0, 200)}`,
        );
      }
      const next = parse(location, url);
      if (next.origin !== url.origin) headers = publicHeaders(headers);
      url = next;
    }
  }

  async #exchange(url: URL, request: FetchRequest): Promise<FetchResponse> {
    const { method = 'GET', headers = {}, body, maxSize = this.maxSize, restrictTo, signal } = request;
    const proxy = request.proxy ? parseProxy(request.proxy) : undefined;
    const guard = new ExchangeGuard(this.#milliseconds, url.host, signal);
    try {
      for (const target of proxy ? [url, proxy] : [url]) {
        if (!restrictTo || restrictTo.permission(target)) continue;
        throw new FetchError(
          'not-allowed',
          `${target.origin} is not an origin that the application may fetch from`,
        );
      }
      if (proxy) this.#requireNamed(url);
      const addresses = await guard.wait(this.#addresses(proxy ?? url));
      const response = await guard.wait(
        (this.options.request ?? platform.request)({
          method,
          url,
          headers,
          signal: guard.signal,
          addresses,
          proxy,
          body,
          ca: this.options.ca,
        }),
      );
      const limit = Math.min(maxSize, this.maxSize);
      return { ...response, url: url.href, body: guard.limitBody(response.body, limit) };
    } catch (error) {
      guard.end();
      if (!(error instanceof TransportError)) throw error;
      throw new FetchError('unreachable', error.message, { cause: error });
    }
  }

  /** The proxy resolves the name, so that its address cannot be checked. */
  #requireNamed(url: URL): void {
    if (this.#allow.permission(url) === 'named') return;
    throw new FetchError(
      'not-allowed',
      `the address of ${url.host} behind a proxy is unknown: add ${url.origin} without a wildcard to fetch.allow`,
    );
  }

  /** The permitted addresses of the URL's host; undefined if the platform does not resolve names. */
  async #addresses(url: URL): Promise<readonly string[] | undefined> {
    const permission = this.#allow.permission(url);
    if (!permission) {
      throw new FetchError('not-allowed', `${url.origin} is not an allowed origin: add it to fetch.allow`);
    }
    const host = hostOf(url);
    const addresses = isLiteral(url) ? [host] : await this.#resolve(host);
    if (permission === 'named') return addresses;
    if (!addresses) {
      throw new FetchError(
        'not-allowed',
        `the address of ${host} is unknown: add ${url.origin} without a wildcard to fetch.allow`,
      );
    }
    const forbidden = addresses.find((address) => !isPublicAddress(address));
    if (forbidden !== undefined) {
      throw new FetchError(
        'forbidden-address',
        `${host} resolves to ${forbidden}, which is not a public address`,
      );
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
  if (!URL.canParse(text, base))
    throw new FetchError('malformed', `invalid URL "${text.slice(0, 200)}": expected an absolute URL`);
  return new URL(text, base);
}

function parseProxy(text: string): URL {
  const url = parse(text);
  if (url.protocol === 'http:') return url;
  throw new FetchError(
    'malformed',
    `invalid proxy "${text.slice(0, 200)}": expected a URL like http://10.0.0.1:8080`,
  );
}

/** URLs normalise IPv4 addresses, and write IPv6 addresses in brackets. */
function isLiteral({ hostname }: URL): boolean {
  return hostname.startsWith('[') || /^\d+\.\d+\.\d+\.\d+$/.test(hostname);
}

function publicHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => PUBLIC_HEADERS.test(name)));
}
