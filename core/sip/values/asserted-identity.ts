/** Identities of a request: those that the SIP/IP core asserts (RFC 3325), which of them are trusted, and the called one. */

import { MalformedError } from '../../errors.js';
import type { SipRequest } from '../message/message.js';
import { parseNameAddr } from './name-addr.js';
import { parseUri, SipUri } from './uri.js';

/** P-Called-Party-ID (RFC 7315 §4.2), because a proxy replaces the Request-URI by our Contact; else the Request-URI. */
export function calledIdentity({ headers, uri }: SipRequest): string {
  const called = parseNameAddr(headers.get('P-Called-Party-ID') ?? '')?.uri;
  return called !== undefined && parseUri(called) ? called : uri;
}

/** The parts by which identities are compared: no display name, and no URI parameter except phone-context. */
interface Identity {
  /** The URI as asserted. */
  uri: string;
  scheme: string;
  /** User part, unescaped; of a tel URI the number without visual separators. */
  user: string;
  /** Host in lower case, with the port if there is one; of a local tel number its phone-context. */
  host: string;
}

/**
 * The asserted identities of a request: the first SIP or SIPS URI, then the first tel URI (RFC 3325 §9.1). Surplus values
 * and other schemes are ignored (RFC 5876 §4.5).
 * @throws MalformedError if one of them is malformed.
 */
export function assertedIdentities(request: SipRequest): string[] {
  return identitiesOf(request).map(({ uri }) => uri);
}

/**
 * A list of trusted identities: URIs whose user or domain may be `*`, and `*.domain` for its subdomains. A `sip` entry also
 * matches the `sips` URI of the same user.
 */
export class TrustList {
  readonly #patterns: readonly Identity[];

  /** @throws MalformedError naming an entry that is not a SIP, SIPS or tel URI. */
  constructor(entries: readonly string[]) {
    this.#patterns = entries.map(pattern);
  }

  /** The trusted identity of `request`; undefined if none is trusted. @throws MalformedError */
  trusted(request: SipRequest): string | undefined {
    return identitiesOf(request).find((asserted) =>
      this.#patterns.some((pattern) => matches(pattern, asserted)),
    )?.uri;
  }
}

function identitiesOf(request: SipRequest): Identity[] {
  let sip: Identity | undefined;
  let tel: Identity | undefined;
  for (const value of request.headers.getAll('P-Asserted-Identity')) {
    const uri = parseNameAddr(value)?.uri;
    // Behind a SIP identity, such a value is surplus; before it, it may be the one that the core asserts.
    if (uri === undefined && sip) continue;
    if (uri === undefined) {
      throw new MalformedError('invalid P-Asserted-Identity: expected a name-addr or addr-spec');
    }
    if (/^sips?:/i.test(uri)) sip ??= identity(uri);
    else if (/^tel:/i.test(uri)) tel ??= identity(uri);
    if (sip && tel) break;
  }
  return [sip, tel].filter((each) => each !== undefined);
}

function identity(uri: string): Identity {
  const [, number, parameters] = /^tel:([^;]*)(.*)$/i.exec(uri) ?? [];
  if (number !== undefined) {
    // RFC 3966 §5.1.5: a local number is only unique within its context.
    const context = /;phone-context=([^;]*)/i.exec(parameters ?? '')?.[1] ?? '';
    return { uri, scheme: 'tel', user: number.replace(/[-.()\s]/g, ''), host: context.toLowerCase() };
  }
  const sip = SipUri.parse(uri);
  if (!sip)
    throw new MalformedError(
      `invalid identity ${JSON.stringify(uri.slice(0, 100))}: expected a sip, sips or tel URI`,
    );
  const port = sip.port === undefined ? '' : `:${sip.port}`;
  return { uri, scheme: sip.scheme, user: unescaped(sip.user ?? ''), host: sip.host.toLowerCase() + port };
}

/** An identity whose domain may start with `*`, which is not a host name. */
function pattern(entry: string): Identity {
  if (!/@\*(\.|$)/.test(entry)) return identity(entry);
  const parsed = identity(entry.replace('@*', '@any'));
  return { ...parsed, host: parsed.host.replace(/^any/, '*') };
}

/** `%62ob` is `bob` (RFC 3261 §19.1.4). Text that is not an escape is unchanged. */
function unescaped(user: string): string {
  try {
    return decodeURIComponent(user);
  } catch {
    return user;
  }
}

function matches(pattern: Identity, asserted: Identity): boolean {
  return (
    (pattern.scheme === asserted.scheme || (pattern.scheme === 'sip' && asserted.scheme === 'sips')) &&
    (pattern.user === '*' || pattern.user === asserted.user) &&
    hostMatches(pattern.host, asserted.host)
  );
}

function hostMatches(pattern: string, host: string): boolean {
  if (pattern === '*') return true;
  if (pattern.startsWith('*.')) return host.endsWith(pattern.slice(1)) && host.length >= pattern.length;
  return pattern === host;
}
