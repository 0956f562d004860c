/** Via (RFC 3261 20.42, RFC 3581). */

import { isBlank, isToken, skipBlanks, trimBlanks } from '../message/grammar.js';
import { Parameters, parseParameters } from './parameters.js';
import { isHost, parsePort } from './uri.js';

const COLON = 0x3a;
const SEMICOLON = 0x3b;
const OPEN_BRACKET = 0x5b;

export class Via {
  constructor(
    /** Upper-case: UDP, TCP, TLS, WS, WSS or another. */
    public transport: string,
    /** As written: IPv6 in brackets. */
    public host: string,
    public port?: number,
    /** branch, received, rport, maddr … */
    readonly parameters: Parameters = new Parameters(),
    /** `SIP/2.0`, unless somebody speaks another version to us. */
    readonly protocol = 'SIP/2.0',
  ) {}

  get branch(): string | undefined {
    return this.parameters.get('branch');
  }

  /** Host and port as written in a Via. */
  get sentBy(): string {
    return this.port === undefined ? this.host : `${this.host}:${this.port}`;
  }

  /** One value. Undefined when it is malformed. */
  static parse(text: string): Via | undefined {
    const semicolon = text.indexOf(';');
    const head = semicolon < 0 ? text : text.slice(0, semicolon);
    const [name, version, rest, more] = head.split('/', 4);
    if (name === undefined || version === undefined || rest === undefined || more !== undefined)
      return undefined;

    const after = trimBlanks(rest);
    const transportEnd = endOfWord(after);
    const transport = after.slice(0, transportEnd);
    const protocol = `${trimBlanks(name)}/${trimBlanks(version)}`;
    if (!isToken(transport) || !protocol.split('/').every(isToken)) return undefined;

    const sentBy = parseSentBy(after.slice(skipBlanks(after, transportEnd)));
    const parameters = parseParameters(text, semicolon < 0 ? text.length : semicolon);
    if (!sentBy || !parameters) return undefined;
    return new Via(transport.toUpperCase(), sentBy.host, sentBy.port, parameters, protocol);
  }

  toString(): string {
    return `${this.protocol}/${this.transport} ${this.sentBy}${this.parameters}`;
  }
}

function endOfWord(text: string): number {
  let at = 0;
  while (at < text.length && !isBlank(text.charCodeAt(at)) && text.charCodeAt(at) !== SEMICOLON) at++;
  return at;
}

/** Blanks may stand around the colon (RFC 3261 25.1, COLON). */
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
