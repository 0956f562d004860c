/** `name-addr` and `addr-spec` with parameters: From, To, Contact, Route, P-Asserted-Identity (RFC 3261 §20.10). */

import {
  endOfQuoted,
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
const PLUS = 0x2b;
const DELETE = 0x7f;
const SEPARATORS = '"<>,;:\\()';

const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*:/;

/** A URI without angle brackets ends before the parameters of the header; `,`, `?` and quotes need brackets (RFC 3261 §20). */
const ADDR_SPEC = /[^;\t ,?"<>]*/y;

export class NameAddr {
  constructor(
    /** An absolute URI, without angle brackets. */
    public uri: string,
    readonly parameters: Parameters = new Parameters(),
    /** Without quotes and backslashes. */
    public displayName?: string,
  ) {}

  /** The tag of From and To (RFC 3261 §19.3). */
  get tag(): string | undefined {
    return this.parameters.get('tag');
  }

  /** Always with angle brackets: without them, a URI with parameters is ambiguous. */
  toString(): string {
    const name = this.displayName ? `${formatDisplayName(this.displayName)} ` : '';
    return `${name}<${this.uri}>${this.parameters}`;
  }
}

function formatDisplayName(name: string): string {
  return isToken(name) ? name : quote(name);
}

/** Parses one value. Undefined if it is malformed; the `*` of a Contact is not a name-addr. */
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

  // A URI contains no blanks. Blanks from a line break or a typing error are removed (RFC 4475 §3.1.2.14 allows it).
  const uri = value.slice(open + 1, close).replace(/[ \t]/g, '');
  const parameters = parseParameters(value, close + 1, true);
  if (!SCHEME.test(uri) || !parameters) return undefined;
  return new NameAddr(uri, parameters, displayName === '' ? undefined : unquote(displayName));
}

/** Tokens and blanks by the grammar. Letters beyond ASCII are common and harmless, separators are not. */
function isBareDisplayName(text: string, end: number): boolean {
  for (let at = 0; at < end; at++) {
    const code = text.charCodeAt(at);
    if ((code < SPACE && code !== TAB) || code === DELETE || SEPARATORS.includes(text.charAt(at)))
      return false;
  }
  return true;
}

/** Without angle brackets, parameters after a semicolon belong to the header. */
function parseAddrSpec(value: string): NameAddr | undefined {
  ADDR_SPEC.lastIndex = 0;
  ADDR_SPEC.test(value);
  const end = ADDR_SPEC.lastIndex;
  const next = value.charAt(end);
  if (next === ',' || next === '?' || next === '"') return undefined;
  const uri = value.slice(0, end);
  const parameters = parseParameters(value, end, true);
  return SCHEME.test(uri) && parameters ? new NameAddr(uri, parameters) : undefined;
}

/**
 * Parses the values of a list header, from `getAll` or lines with commas. Undefined if one is malformed. An element that
 * starts with `+` is not a URI but feature tags of the element before it, after a comma in place of a semicolon
 * (OMA-TS-SIP_Push appendix B.1).
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
