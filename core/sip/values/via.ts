/** Via (RFC 3261 §20.42, RFC 3581). */

import { isToken, skipBlanks, trimBlanks } from '../message/grammar.js';
import { Parameters, parseParameters } from './parameters.js';
import { isHost, parsePort } from './uri.js';

const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;

/** Transport, blanks and sent-by, after the second slash. */
const TRANSPORT = /^[ \t]*([^;\t ]*)[ \t]*/;

export class Via {
  constructor(
    /** In upper case: UDP, TCP, TLS, WS, WSS or another. */
    public transport: string,
    /** As written: IPv6 in brackets. */
    public host: string,
    public port?: number,
    /** branch, received, rport, maddr and others. */
    readonly parameters: Parameters = new Parameters(),
    /** `SIP/2.0`, unless the peer uses another version. */
    readonly protocol = 'SIP/2.0',
  ) {}

  get branch(): string | undefined {
    return this.parameters.get('branch');
  }

  /** Host and port as written in a Via. */
  get sentBy(): string {
    return this.port === undefined ? this.host : `${this.host}:${this.port}`;
  }

  /** Parses one value. Undefined if it is malformed. */
  static parse(text: string): Via | undefined {
    const semicolon = text.indexOf(';');
    const head = semicolon < 0 ? text : text.slice(0, semicolon);
    const [name, version, rest, more] = head.split('/', 4);
    if (name === undefined || version === undefined || rest === undefined || more !== undefined)
      return undefined;

    const [start = '', transport = ''] = TRANSPORT.exec(rest) ?? [];
    const protocol = `${trimBlanks(name)}/${trimBlanks(version)}`;
    if (!isToken(transport) || !protocol.split('/').every(isToken)) return undefined;

    const sentBy = parseSentBy(trimBlanks(rest, start.length));
    const parameters = parseParameters(text, semicolon < 0 ? text.length : semicolon);
    if (!sentBy || !parameters) return undefined;
    return new Via(transport.toUpperCase(), sentBy.host, sentBy.port, parameters, protocol);
  }

  toString(): string {
    return `${this.protocol}/${this.transport} ${this.sentBy}${this.parameters}`;
  }
}

/** Blanks are allowed around the colon (RFC 3261 §25.1, COLON). */
function parseSentBy(text: string): { host: string; port?: number } | undefined {
  const hostEnd = text.charCodeAt(0) === OPEN_BRACKET ? text.indexOf(']') + 1 : text.indexOf(':');
  if (hostEnd < 0) return isHost(text) ? { host: text } : undefined;
  const host = trimBlanks(text, 0, hostEnd);
  if (!isHost(host)) return undefined;
  const colon = skipBlanks(text, hostEnd);
  if (colon === text.length) return { host };
  if (text.charCodeAt(colon) !== COLON) return undefined;
  const port = parsePort(trimBlanks(text, colon + 1));
  return port === undefined ? undefined : { host, port };
}
