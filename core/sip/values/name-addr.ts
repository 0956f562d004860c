/** `name-addr` and `addr-spec` with parameters: From, To, Contact, Route, P-Asserted-Identity (RFC 3261 20.10). */

import {
  endOfQuoted,
  isBlank,
  isToken,
  quote,
  skipBlanks,
  splitList,
  trimBlanks,
  unquote,
} from '../message/grammar.js';
import { Parameters, parseParameters } from './parameters.js';

const TAB = 0x09;
const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const PLUS = 0x2b;
const SEMICOLON = 0x3b;
const QUESTION = 0x3f;
const DELETE = 0x7f;
const SEPARATORS = '"<>,;:\\()';

const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*:/;
export class NameAddr {
  constructor(
    /** Any absolute URI, without angle brackets. */
    public uri: string,
    readonly parameters: Parameters = new Parameters(),
    /** Without quotes and backslashes. */
    public displayName?: string,
  ) {}

  /** Of From and To (RFC 3261 19.3). */
  get tag(): string | undefined {
    return this.parameters.get('tag');
  }

  /** Always in angle brackets: the form without them is ambiguous as soon as the URI has a parameter. */
  toString(): string {
    const name = this.displayName ? `${formatDisplayName(this.displayName)} ` : '';
    return `${name}<${this.uri}>${this.parameters}`;
  }
}

function formatDisplayName(name: string): string {
  return isToken(name) ? name : quote(name);
}

/** One value. Undefined when it is malformed; the `*` of a Contact is no name-addr. */
export function parseNameAddr(text: string): NameAddr | undefined {
  const value = trimBlanks(text);
  const quoted = value.charCodeAt(0) === QUOTE;
  const nameEnd = quoted ? endOfQuoted(value, 0) : value.indexOf('<');
  if (quoted && nameEnd < 0) return undefined;
  // `sip:bob@host;+sip.instance="<urn:…>"` has its first bracket in a parameter.
  if (nameEnd < 0 || (!quoted && !isBareDisplayName(value, nameEnd))) return parseAddrSpec(value);

  const open = quoted ? skipBlanks(value, nameEnd) : nameEnd;
  const close = value.indexOf('>', open);
  if (value[open] !== '<' || close < 0) return undefined;
  const displayName = trimBlanks(value, 0, nameEnd);

  // A URI holds no blanks. Those that a line break or a careless hand left in it can only be meant to go
  // (RFC 4475 3.1.2.14 leaves the choice).
  const uri = value.slice(open + 1, close).replace(/[ \t]/g, '');
  const parameters = parseParameters(value, close + 1, true);
  if (!SCHEME.test(uri) || !parameters) return undefined;
  return new NameAddr(uri, parameters, displayName === '' ? undefined : unquote(displayName));
}

/** Tokens and blanks by the grammar; letters beyond ASCII are common and harmless, separators are not. */
function isBareDisplayName(text: string, end: number): boolean {
  for (let at = 0; at < end; at++) {
    const code = text.charCodeAt(at);
    if ((code < SPACE && code !== TAB) || code === DELETE || SEPARATORS.includes(text.charAt(at)))
      return false;
  }
  return true;
}

/** Without angle brackets: what follows a semicolon belongs to the header; `,` and `?` need brackets (RFC 3261 20). */
function parseAddrSpec(value: string): NameAddr | undefined {
  let end = 0;
  for (; end < value.length; end++) {
    const code = value.charCodeAt(end);
    if (code === SEMICOLON || isBlank(code)) break;
    if (code === COMMA || code === QUESTION || code === QUOTE) return undefined;
  }
  const uri = value.slice(0, end);
  const parameters = parseParameters(value, end, true);
  return SCHEME.test(uri) && parameters ? new NameAddr(uri, parameters) : undefined;
}

/**
 * The values of a list header, as `getAll` gives them or lines with commas. Undefined when one is malformed.
 * An element that starts with `+` is no URI but feature tags of the one before it, set apart by a comma
 * where a semicolon was meant (OMA-TS-SIP_Push appendix B.1).
 */
export function parseNameAddrs(values: Iterable<string>): NameAddr[] | undefined {
  const elements: string[] = [];
  for (const value of values) {
    for (const element of splitList(value)) {
      const last = elements.length - 1;
      if (element.charCodeAt(0) === PLUS && last >= 0) elements[last] += `;${element}`;
      else elements.push(element);
    }
  }
  const parsed: NameAddr[] = [];
  for (const element of elements) {
    const nameAddr = parseNameAddr(element);
    if (!nameAddr) return undefined;
    parsed.push(nameAddr);
  }
  return parsed;
}
