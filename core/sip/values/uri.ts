/** SIP and SIPS URIs (RFC 3261 §19.1), and other URIs that are allowed in their place. */

const SCHEME = /^([A-Za-z][A-Za-z0-9+.-]*):/;

/** `_` is not allowed in a host name, but container names with it are common. */
const HOST_NAME = /^[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_.])?$/;
const IPV6_REFERENCE = /^\[[0-9A-Fa-f:.]{2,45}\]$/;

/** RFC 3261 §25.1: unreserved and escaped characters, and the others that each part allows. */
const USER = /^(?:[A-Za-z0-9\-_.!~*'()&=+$,;?/]|%[0-9A-Fa-f]{2})+$/;
const PASSWORD = /^(?:[A-Za-z0-9\-_.!~*'()&=+$,]|%[0-9A-Fa-f]{2})*$/;
const PARAMETER = /^(?:[A-Za-z0-9\-_.!~*'()[\]/:&+$]|%[0-9A-Fa-f]{2})+$/;
const HEADERS = /^(?:[A-Za-z0-9\-_.!~*'()[\]/?:+$&=]|%[0-9A-Fa-f]{2})+$/;

const NOT_USER = /[^A-Za-z0-9\-_.!~*'()&=+$,;?/%]|%(?![0-9A-Fa-f]{2})/gu;
const NOT_PASSWORD = /[^A-Za-z0-9\-_.!~*'()&=+$,%]|%(?![0-9A-Fa-f]{2})/gu;
const NOT_PARAMETER = /[^A-Za-z0-9\-_.!~*'()[\]/:&+$%]|%(?![0-9A-Fa-f]{2})/gu;

const UNRESERVED = /^[A-Za-z0-9\-_.!~*'()]$/;
const USER_CHARACTER = /^[A-Za-z0-9\-_.!~*'()&=+$,;?/]$/;

/** RFC 3261 §19.1.4: these change the destination, so a URI without one differs from a URI with it. */
const NEVER_IGNORED = ['user', 'ttl', 'method', 'maddr', 'transport'];

export interface OtherUri {
  /** In lower case, without the colon. */
  scheme: string;
  text: string;
}

export interface SipUriParts {
  scheme?: 'sip' | 'sips';
  user?: string;
  password?: string;
  host: string;
  port?: number;
  parameters?: Iterable<readonly [string, string | undefined]>;
  headers?: string;
}

/**
 * Parts are kept as written, except that escapes of unreserved characters are decoded (`%6C%72` is `lr`, RFC 4475
 * §3.1.1.3). Other escapes stay: `%3B` and `;` are not equivalent (RFC 3261 §19.1.4). Output escapes characters as needed.
 */
export class SipUri {
  scheme: 'sip' | 'sips';
  user?: string;
  password?: string;
  /** As written; IPv6 in brackets. */
  host: string;
  port?: number;
  /** Names in lower case; undefined for a parameter without a value. */
  readonly parameters: Map<string, string | undefined>;
  /** The text after `?`. */
  headers?: string;

  constructor(parts: SipUriParts) {
    this.scheme = parts.scheme ?? 'sip';
    this.host = parts.host;
    this.parameters = new Map(parts.parameters);
    if (parts.user !== undefined) this.user = parts.user;
    if (parts.password !== undefined) this.password = parts.password;
    if (parts.port !== undefined) this.port = parts.port;
    if (parts.headers !== undefined) this.headers = parts.headers;
  }

  /** Undefined if the text is not a SIP or SIPS URI (RFC 3261 §25.1). */
  static parse(text: string): SipUri | undefined {
    const scheme = SCHEME.exec(text)?.[1]?.toLowerCase();
    if (scheme !== 'sip' && scheme !== 'sips') return undefined;
    const afterScheme = scheme.length + 1;
    // `@` is always escaped in other places, so the first one ends the user, which may contain `;` and `?`.
    const at = text.indexOf('@', afterScheme);
    const userInfo = at < 0 ? undefined : parseUserInfo(text.slice(afterScheme, at));
    if (at >= 0 && !userInfo) return undefined;

    const question = text.indexOf('?', Math.max(at, afterScheme));
    const [hostPort, ...parameterTexts] = text
      .slice(at < 0 ? afterScheme : at + 1, question < 0 ? undefined : question)
      .split(';');
    const address = parseHostPort(hostPort ?? '');
    const parameters = parseUriParameters(parameterTexts);
    if (!address || !parameters) return undefined;

    const parts: SipUriParts = { scheme, ...userInfo, ...address, parameters };
    if (question >= 0) {
      const headers = text.slice(question + 1);
      if (!HEADERS.test(headers)) return undefined;
      parts.headers = headers;
    }
    return new SipUri(parts);
  }

  toString(): string {
    let text = `${this.scheme}:${this.#userInfo()}${this.#hostPort(this.host)}`;
    for (const [name, value] of this.parameters) {
      text += `;${encodeEscapes(name, NOT_PARAMETER)}`;
      if (value !== undefined) text += `=${encodeEscapes(value, NOT_PARAMETER)}`;
    }
    return this.headers === undefined ? text : `${text}?${this.headers}`;
  }

  /** RFC 3261 §19.1.4. A URI without a port differs from one with 5060. */
  equals(other: SipUri): boolean {
    return (
      this.scheme === other.scheme &&
      this.#userInfo() === other.#userInfo() &&
      this.#hostPort(this.host.toLowerCase()) === other.#hostPort(other.host.toLowerCase()) &&
      sameParameters(this.parameters, other.parameters) &&
      sameHeaders(this.headers, other.headers)
    );
  }

  /**
   * The address-of-record `scheme:user@host[:port]`, by which registrars and configurations identify a user (RFC 3261
   * §10.3): no password, parameters or headers, the host in lower case, and no unnecessary escapes in the user.
   */
  addressOfRecord(): string {
    const user =
      this.user === undefined ? '' : `${decodeEscapes(encodeEscapes(this.user, NOT_USER), USER_CHARACTER)}@`;
    return `${this.scheme}:${user}${this.#hostPort(this.host.toLowerCase())}`;
  }

  #userInfo(): string {
    if (this.user === undefined) return '';
    const password = this.password === undefined ? '' : `:${encodeEscapes(this.password, NOT_PASSWORD)}`;
    return `${encodeEscapes(this.user, NOT_USER)}${password}@`;
  }

  #hostPort(host: string): string {
    return this.port === undefined ? host : `${host}:${this.port}`;
  }
}

/** Undefined if the text is not an absolute URI, or a malformed SIP or SIPS URI. */
export function parseUri(text: string): SipUri | OtherUri | undefined {
  const scheme = SCHEME.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) return undefined;
  if (scheme === 'sip' || scheme === 'sips') return SipUri.parse(text);
  // RFC 3986: no blanks, quotes or angle brackets, and not empty after the colon.
  return /^[^\s<>"]+$/.test(text) && text.length > scheme.length + 1 ? { scheme, text } : undefined;
}

export function isHost(text: string): boolean {
  return HOST_NAME.test(text) || IPV6_REFERENCE.test(text);
}

export function parsePort(text: string): number | undefined {
  if (!/^\d{1,5}$/.test(text)) return undefined;
  const port = Number(text);
  return port <= 65_535 ? port : undefined;
}

function parseUserInfo(text: string): { user: string; password?: string } | undefined {
  const colon = text.indexOf(':');
  const user = colon < 0 ? text : text.slice(0, colon);
  if (!USER.test(user)) return undefined;
  if (colon < 0) return { user: decodeEscapes(user, UNRESERVED) };
  const password = text.slice(colon + 1);
  return PASSWORD.test(password)
    ? { user: decodeEscapes(user, UNRESERVED), password: decodeEscapes(password, UNRESERVED) }
    : undefined;
}

function parseHostPort(text: string): { host: string; port?: number } | undefined {
  const colon = text.startsWith('[') ? text.indexOf(':', text.indexOf(']') + 1) : text.indexOf(':');
  const host = colon < 0 ? text : text.slice(0, colon);
  if (!isHost(host)) return undefined;
  if (colon < 0) return { host };
  const port = parsePort(text.slice(colon + 1));
  return port === undefined ? undefined : { host, port };
}

function parseUriParameters(texts: readonly string[]): Map<string, string | undefined> | undefined {
  const parameters = new Map<string, string | undefined>();
  for (const text of texts) {
    const equal = text.indexOf('=');
    const name = equal < 0 ? text : text.slice(0, equal);
    const value = equal < 0 ? undefined : text.slice(equal + 1);
    if (!PARAMETER.test(name) || (value !== undefined && !PARAMETER.test(value))) return undefined;
    const key = decodeEscapes(name, UNRESERVED).toLowerCase();
    // RFC 3261 §19.1.1: a parameter name occurs only once.
    if (parameters.has(key)) return undefined;
    parameters.set(key, value === undefined ? undefined : decodeEscapes(value, UNRESERVED));
  }
  return parameters;
}

function sameParameters(
  ours: ReadonlyMap<string, string | undefined>,
  theirs: ReadonlyMap<string, string | undefined>,
): boolean {
  for (const [name, value] of ours) {
    if (theirs.has(name) && comparable(theirs.get(name)) !== comparable(value)) return false;
  }
  return NEVER_IGNORED.every((name) => ours.has(name) === theirs.has(name));
}

function comparable(value: string | undefined): string | undefined {
  return value === undefined ? undefined : encodeEscapes(value, NOT_PARAMETER).toLowerCase();
}

function sameHeaders(ours: string | undefined, theirs: string | undefined): boolean {
  const canonical = (headers: string | undefined) =>
    (headers ?? '')
      .split('&')
      .map((header) => {
        const [name = '', ...value] = decodeEscapes(header, UNRESERVED).split('=');
        return [name.toLowerCase(), ...value].join('=');
      })
      .sort()
      .join('&');
  return ours === theirs || canonical(ours) === canonical(theirs);
}

/** Decodes the escapes of characters that match `plain`; others get upper-case digits, so that equal escapes are equal text. */
function decodeEscapes(text: string, plain: RegExp): string {
  if (!text.includes('%')) return text;
  return text.replace(/%[0-9A-Fa-f]{2}/g, (escaped) => {
    const character = String.fromCharCode(Number.parseInt(escaped.slice(1), 16));
    return plain.test(character) ? character : escaped.toUpperCase();
  });
}

function encodeEscapes(text: string, forbidden: RegExp): string {
  return text.replace(forbidden, (character) =>
    Array.from(
      new TextEncoder().encode(character),
      (byte) => `%${byte.toString(16).padStart(2, '0').toUpperCase()}`,
    ).join(''),
  );
}

/** A `sips` URI is reached over TLS at each hop (RFC 3261 §19.1). */
export function isSecure(uri: string): boolean {
  return /^sips:/i.test(uri);
}

/** The `sips` form of a `sip` URI. TLS is its scheme and no longer its transport (RFC 5630 §3.1.3). */
export function secureUri(uri: string): string {
  const parsed = SipUri.parse(uri);
  if (!parsed) return uri;
  parsed.scheme = 'sips';
  if (parsed.parameters.get('transport')?.toLowerCase() === 'tls') parsed.parameters.set('transport', 'tcp');
  return parsed.toString();
}

/** A GRUU has a `gr` parameter (RFC 5627 §3.1). */
export function isGruu(uri: string): boolean {
  return SipUri.parse(uri)?.parameters.has('gr') ?? false;
}
