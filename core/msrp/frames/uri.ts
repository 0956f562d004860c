/** MSRP and MSRPS URIs, and paths of them (RFC 4975 §6 and §9). */

import { ConfigurationError } from '../../errors.js';
import type { Address, ChannelProtocol } from '../../platform/sockets.js';
import { newSessionId } from './frame.js';

const SCHEME = /^(msrps?):\/\//i;
/** `_` is not allowed in host names, but names of containers contain it. */
const HOST_NAME = /^[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_.])?$/;
const IPV6_REFERENCE = /^\[[0-9A-Fa-f:.]{2,45}\]$/;
const USER = /^(?:[A-Za-z0-9\-._~!$&'()*+,;=:]|%[0-9A-Fa-f]{2})+$/;
/** RFC 4975 §9 has unreserved, `+`, `=` and `/`; other path characters of RFC 3986 are harmless, and `;` ends it. */
const SESSION_ID = /^(?:[A-Za-z0-9\-._~+=/!$&'()*,:@]|%[0-9A-Fa-f]{2})+$/;
const TRANSPORT = /^[A-Za-z0-9]+$/;
const TOKEN = /^[!#-'*+\-.0-9A-Z^_`a-z{|}~]+$/;

/** The longest accepted URI; with its session identifier one usually has 60 characters. */
const MAX_URI_LENGTH = 2048;

export interface MsrpUriParts {
  scheme?: 'msrp' | 'msrps';
  user?: string;
  /** IPv6 in brackets. */
  host: string;
  port?: number;
  sessionId?: string;
  /** `tcp` when absent, `ws` for WebSocket (RFC 7977). */
  transport?: string;
  parameters?: Iterable<readonly [string, string | undefined]>;
}

export class MsrpUri {
  readonly scheme: 'msrp' | 'msrps';
  readonly user: string | undefined;
  /** As written; IPv6 in brackets. */
  readonly host: string;
  readonly port: number | undefined;
  readonly sessionId: string | undefined;
  /** Lower-case. */
  readonly transport: string;
  /** Names in lower case; undefined for a parameter without a value. */
  readonly parameters: ReadonlyMap<string, string | undefined>;

  constructor(parts: MsrpUriParts) {
    this.scheme = parts.scheme ?? 'msrp';
    this.user = parts.user;
    this.host = parts.host;
    this.port = parts.port;
    this.sessionId = parts.sessionId;
    this.transport = parts.transport ?? 'tcp';
    this.parameters = new Map(parts.parameters);
  }

  /** Undefined for text that is not an MSRP or MSRPS URI. */
  static parse(text: string): MsrpUri | undefined {
    if (text.length > MAX_URI_LENGTH) return undefined;
    const scheme = SCHEME.exec(text)?.[1]?.toLowerCase();
    if (scheme !== 'msrp' && scheme !== 'msrps') return undefined;
    const rest = text.slice(scheme.length + 3);
    const userEnd = endOfUser(rest);
    const [resource = '', transport = '', ...parameterTexts] = rest.slice(userEnd).split(';');
    const slash = resource.indexOf('/');
    const authority = parseAuthority(slash < 0 ? resource : resource.slice(0, slash));
    const parameters = parseParameters(parameterTexts);
    if (!authority || !parameters || !TRANSPORT.test(transport)) return undefined;
    const parts: MsrpUriParts = { scheme, ...authority, transport: transport.toLowerCase(), parameters };
    if (userEnd > 0) {
      parts.user = rest.slice(0, userEnd - 1);
      if (!USER.test(parts.user)) return undefined;
    }
    if (slash >= 0) {
      parts.sessionId = resource.slice(slash + 1);
      if (!SESSION_ID.test(parts.sessionId)) return undefined;
    }
    return new MsrpUri(parts);
  }

  toString(): string {
    const user = this.user === undefined ? '' : `${this.user}@`;
    const port = this.port === undefined ? '' : `:${this.port}`;
    const sessionId = this.sessionId === undefined ? '' : `/${this.sessionId}`;
    let text = `${this.scheme}://${user}${this.host}${port}${sessionId};${this.transport}`;
    for (const [name, value] of this.parameters)
      text += value === undefined ? `;${name}` : `;${name}=${value}`;
    return text;
  }
}

/** The URIs of a To-Path, From-Path, Use-Path or `a=path`, at least one. Undefined if one of them is invalid. */
export function parsePath(value: string): MsrpUri[] | undefined {
  const uris: MsrpUri[] = [];
  for (const text of value.split(/[ \t]+/)) {
    const uri = MsrpUri.parse(text);
    if (!uri) return undefined;
    uris.push(uri);
  }
  return uris;
}

/** Index after the `@`; 0 without a user. A session identifier can contain `@`, a user cannot contain `/`. */
function endOfUser(text: string): number {
  const at = text.indexOf('@');
  const slash = text.indexOf('/');
  return at < 0 || (slash >= 0 && slash < at) ? 0 : at + 1;
}

function parseAuthority(text: string): { host: string; port?: number } | undefined {
  const colon = text.startsWith('[') ? text.indexOf(':', text.indexOf(']') + 1) : text.indexOf(':');
  const host = colon < 0 ? text : text.slice(0, colon);
  if (!HOST_NAME.test(host) && !IPV6_REFERENCE.test(host)) return undefined;
  if (colon < 0) return { host };
  const port = /^[0-9]{1,5}$/.test(text.slice(colon + 1)) ? Number(text.slice(colon + 1)) : Number.NaN;
  return port <= 65_535 ? { host, port } : undefined;
}

function parseParameters(texts: readonly string[]): Map<string, string | undefined> | undefined {
  const parameters = new Map<string, string | undefined>();
  for (const text of texts) {
    const equal = text.indexOf('=');
    const name = (equal < 0 ? text : text.slice(0, equal)).toLowerCase();
    const value = equal < 0 ? undefined : text.slice(equal + 1);
    if (!TOKEN.test(name) || (value !== undefined && !TOKEN.test(value)) || parameters.has(name))
      return undefined;
    parameters.set(name, value);
  }
  return parameters;
}

/** TCP and TLS (RFC 4975), WebSocket (RFC 7977). */
export type MsrpProtocol = ChannelProtocol;

/**
 * The URI of a new session, for `a=path`.
 * @param address as peers see it.
 */
export function localMsrpUri(protocol: MsrpProtocol, { host, port }: Address): string {
  const uri = new MsrpUri({
    scheme: protocol === 'tls' || protocol === 'wss' ? 'msrps' : 'msrp',
    host: host.includes(':') ? `[${host}]` : host,
    port,
    sessionId: newSessionId(),
    // RFC 7977 §4.1: `ws` for both; the scheme distinguishes them.
    transport: protocol === 'ws' || protocol === 'wss' ? 'ws' : 'tcp',
  });
  return uri.toString();
}

/**
 * The session identifier of a URI, which identifies the session. Host and port do not: a NAT or a border gateway changes
 * them. The identifier cannot be guessed (RFC 4975 §14.1).
 * @throws ConfigurationError if there is none.
 */
export function sessionIdOf(uri: string): string {
  const id = findSessionId(uri);
  if (id === undefined)
    throw new ConfigurationError(`invalid MSRP URI "${uri}": expected a session identifier`);
  return id;
}

/** Undefined if there is none. */
export function findSessionId(uri: string): string | undefined {
  return MsrpUri.parse(uri)?.sessionId;
}

/** The port of a URI without one (RFC 4976 §8). */
const DEFAULT_PORT = 2855;

/** The address of a URI. IPv6 without brackets. */
export function msrpAddressOf({ host, port = DEFAULT_PORT }: MsrpUri): Address {
  return { host: host.replace(/^\[|\]$/g, ''), port };
}

/** The protocol of a URI, by its scheme and transport (RFC 4975 §6, RFC 7977 §4.1). */
export function msrpProtocolOf({ scheme, transport }: MsrpUri): MsrpProtocol {
  if (transport === 'ws') return scheme === 'msrps' ? 'wss' : 'ws';
  return scheme === 'msrps' ? 'tls' : 'tcp';
}

/** A configured relay (RFC 4976 §5.1 and §8). */
export interface RelayAddress {
  protocol: MsrpProtocol;
  address: Address;
}

/**
 * @param text `msrps://relay.domain.test:2855;tcp`. `msrp://` is for tests: RFC 4976 §9.2 requires TLS.
 * @throws ConfigurationError
 */
export function parseRelayUri(text: string): RelayAddress {
  const uri = MsrpUri.parse(text);
  if (!uri) {
    throw new ConfigurationError(
      `invalid MSRP relay ${JSON.stringify(text)}: expected a URI such as msrps://relay.domain.test:2855;tcp`,
    );
  }
  return { protocol: msrpProtocolOf(uri), address: msrpAddressOf(uri) };
}
