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
 * The asserted identities of a request, sip before tel. RFC 3325 §9.1 allows one value, or a SIP or SIPS URI and a tel
 * URI.
 * @throws MalformedError for more values, two of a kind, or an invalid URI.
 */
export function assertedIdentities(request: SipRequest): string[] {
  return identitiesOf(request).map(({ uri }) => uri);
}

/** A list of trusted identities: URIs whose user or domain may be `*`, and `*.domain` for its subdomains. */
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
  const values = request.headers.getAll('P-Asserted-Identity');
  if (values.length > MAX_IDENTITIES) throw tooMany();
  const identities = values.map((value) => {
    const nameAddr = parseNameAddr(value);
    if (!nameAddr) throw new MalformedError('invalid P-Asserted-Identity: expected a name-addr or addr-spec');
    return identity(nameAddr.uri);
  });
  const tel = identities.filter(({ scheme }) => scheme === 'tel');
  const sip = identities.filter(({ scheme }) => scheme !== 'tel');
  if (tel.length > 1 || sip.length > 1) throw tooMany();
  return [...sip, ...tel];
}

/** RFC 3325 §9.1. */
const MAX_IDENTITIES = 2;

function tooMany(): MalformedError {
  return new MalformedError('invalid P-Asserted-Identity: expected one SIP and one tel identity at most');
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
