/** As whom we were called (P-Called-Party-ID, RFC 7315 4.2): a proxy has put our Contact in place of it. */

import { MalformedError } from '../../errors.js';
import type { SipRequest } from '../message/message.js';
import { parseNameAddr } from './name-addr.js';
import { parseUri, SipUri } from './uri.js';

/** The URI that the sender wrote, where the core tells it; else the Request-URI. */
export function calledIdentity({ headers, uri }: SipRequest): string {
  const called = parseNameAddr(headers.get('P-Called-Party-ID') ?? '')?.uri;
  return called !== undefined && parseUri(called) ? called : uri;
}

/** Identities that the SIP/IP core asserts (RFC 3325), and lists of those that somebody trusts. */

/** What an identity is compared by: never the display name, no URI parameter but phone-context. */
interface Identity {
  /** The URI as asserted. */
  uri: string;
  scheme: string;
  /** User part, unescaped; the number of a tel URI without visual separators. */
  user: string;
  /** Host, lower-case, with the port where there is one; of a local tel number its phone-context. */
  host: string;
}

/**
 * The asserted identities of a request, sip before tel.
 * RFC 3325 9.1: one value, or two of which one is a SIP or SIPS URI and the other a tel URI.
 * @throws MalformedError when there are more, two of a kind, or one that is no URI.
 */
export function assertedIdentities(request: SipRequest): string[] {
  return identitiesOf(request).map(({ uri }) => uri);
}

/** A list of trusted identities: URIs whose user or domain may be `*`, and `*.domain` for its subdomains. */
export class TrustList {
  readonly #patterns: readonly Identity[];

  /** @throws MalformedError naming the entry that is no SIP, SIPS or tel URI. */
  constructor(entries: readonly string[]) {
    this.#patterns = entries.map(pattern);
  }

  /** The identity of `request` that is trusted; undefined when none is. @throws MalformedError */
  trusted(request: SipRequest): string | undefined {
    return identitiesOf(request).find((asserted) =>
      this.#patterns.some((pattern) => matches(pattern, asserted)),
    )?.uri;
  }
}

function identitiesOf(request: SipRequest): Identity[] {
  const values = request.headers.getAll('P-Asserted-Identity');
  const identities = values.map((value) => {
    const nameAddr = parseNameAddr(value);
    if (!nameAddr) throw new MalformedError('P-Asserted-Identity is not a name-addr or addr-spec');
    return identity(nameAddr.uri);
  });
  const tel = identities.filter(({ scheme }) => scheme === 'tel');
  const sip = identities.filter(({ scheme }) => scheme !== 'tel');
  if (tel.length > 1 || sip.length > 1) {
    throw new MalformedError('P-Asserted-Identity holds more than one identity of a kind');
  }
  return [...sip, ...tel];
}

function identity(uri: string): Identity {
  const [, number, parameters] = /^tel:([^;]*)(.*)$/i.exec(uri) ?? [];
  if (number !== undefined) {
    // RFC 3966 5.1.5: a local number means something only together with its context.
    const context = /;phone-context=([^;]*)/i.exec(parameters ?? '')?.[1] ?? '';
    return { uri, scheme: 'tel', user: number.replace(/[-.()\s]/g, ''), host: context.toLowerCase() };
  }
  const sip = SipUri.parse(uri);
  if (!sip) throw new MalformedError(`${uri.slice(0, 100)} is not a sip, sips or tel URI`);
  const port = sip.port === undefined ? '' : `:${sip.port}`;
  return { uri, scheme: sip.scheme, user: unescaped(sip.user ?? ''), host: sip.host.toLowerCase() + port };
}

/** An identity whose domain may begin with `*`, which is no host name. */
function pattern(entry: string): Identity {
  if (!/@\*(\.|$)/.test(entry)) return identity(entry);
  const parsed = identity(entry.replace('@*', '@any'));
  return { ...parsed, host: parsed.host.replace(/^any/, '*') };
}

/** `%62ob` is `bob` (RFC 3261 19.1.4); what is not an escape stays as it is. */
function unescaped(user: string): string {
  try {
    return decodeURIComponent(user);
  } catch {
    return user;
  }
}

function matches(pattern: Identity, asserted: Identity): boolean {
  return (
    pattern.scheme === asserted.scheme &&
    (pattern.user === '*' || pattern.user === asserted.user) &&
    hostMatches(pattern.host, asserted.host)
  );
}

function hostMatches(pattern: string, host: string): boolean {
  if (pattern === '*') return true;
  if (pattern.startsWith('*.')) return host.endsWith(pattern.slice(1)) && host.length >= pattern.length;
  return pattern === host;
}
