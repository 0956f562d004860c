/** Redirection (RFC 3261 §8.1.3.4) within the trust domain: to users of the domain of the target, or of our own. */

import type { SipResponse } from './message/message.js';
import { parseNameAddr } from './values/name-addr.js';
import { isSecure, SipUri } from './values/uri.js';

/** Not 305, which names a proxy, nor 380, which describes another service in its body. */
const REDIRECTS = new Set([300, 301, 302]);

/** Requests for one push, including the first: a bound for servers that redirect without end. */
const MAX_ATTEMPTS = 5;

export class Redirection {
  readonly #tried: Set<string>;
  readonly #domains: ReadonlySet<string>;
  readonly #secure: boolean;
  /** The most preferred first. */
  #targets: string[] = [];

  /** @param uri the Request-URI of the first request. */
  constructor(uri: string, identity: string) {
    this.#tried = new Set([uri]);
    this.#secure = isSecure(uri);
    this.#domains = new Set([uri, identity].flatMap((each) => SipUri.parse(each)?.host.toLowerCase() ?? []));
  }

  /** The next target after a final response; undefined if there is none, and the response is the result. */
  next(response: SipResponse): string | undefined {
    // RFC 3261 §8.1.3.4: a 6xx ends the search.
    if (response.status < 300 || response.status >= 600) return undefined;
    if (REDIRECTS.has(response.status)) this.#targets = [...this.#contacts(response), ...this.#targets];
    const target = this.#targets.find((uri) => !this.#tried.has(uri));
    if (target === undefined || this.#tried.size === MAX_ATTEMPTS) return undefined;
    this.#tried.add(target);
    return target;
  }

  #contacts({ headers }: SipResponse): string[] {
    const contacts = headers.getAll('Contact').flatMap((value) => {
      const contact = parseNameAddr(value);
      const uri = SipUri.parse(contact?.uri ?? '');
      if (!uri || !this.#domains.has(uri.host.toLowerCase())) return [];
      // RFC 3261 §26.2.2: a request to a sips URI stays secure.
      if (this.#secure && uri.scheme !== 'sips') return [];
      // RFC 3261 §19.1.1: not allowed in a Request-URI.
      uri.parameters.delete('method');
      delete uri.headers;
      return [{ uri: uri.toString(), q: Number(contact?.parameters.get('q') ?? 1) || 0 }];
    });
    return contacts.sort((a, b) => b.q - a.q).map(({ uri }) => uri);
  }
}
