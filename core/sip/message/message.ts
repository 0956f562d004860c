/**
 * SIP messages: a start line, header fields in order, and a body of bytes. The values that match a message to a
 * transaction or a dialog are parsed once and kept with the headers.
 */

import { MalformedError } from '../../errors.js';
import { type NameAddr, parseNameAddr } from '../values/name-addr.js';
import { Via } from '../values/via.js';
import { endOfElement, isToken, splitList, trimBlanks } from './grammar.js';
import { type HeaderName, headerName, KNOWN_HEADERS } from './header-names.js';

export interface SipRequest {
  method: string;
  /** Request-URI, as written on the wire. */
  uri: string;
  headers: SipHeaders;
  body: Uint8Array;
  /** Of a request that we send within a dialog: the URI of its next hop, which is not on the wire. */
  nextHop?: string;
}

export interface SipResponse {
  status: number;
  reason: string;
  headers: SipHeaders;
  body: Uint8Array;
}

export type SipMessage = SipRequest | SipResponse;

export const NO_BODY: Uint8Array = new Uint8Array(0);

export function isRequest(message: SipMessage): message is SipRequest {
  return 'method' in message;
}

/** A request that was refused before it reached its handler. */
export interface RefusedRequest {
  /** SIP method. */
  method: string;
  /** Status of the response. */
  status: number;
  /** Why, for people. */
  reason: string;
  /** URI of From. */
  from: string;
}

export interface CSeq {
  /** Less than 2^31. */
  readonly number: number;
  readonly method: string;
}

/** RFC 3261 §8.1.1.5. */
const MAX_CSEQ = 2 ** 31;

/** Undefined if the value is malformed. */
export function parseCSeq(text: string): CSeq | undefined {
  const space = text.search(/[ \t]/);
  const digits = text.slice(0, Math.max(0, space));
  if (!/^[0-9]+$/.test(digits)) return undefined;
  const number = Number(digits);
  const method = trimBlanks(text, space);
  return number < MAX_CSEQ && isToken(method) ? { number, method } : undefined;
}

interface Field {
  readonly header: HeaderName;
  value: string;
}

interface ParsedValues {
  via?: Via;
  from?: NameAddr;
  to?: NameAddr;
  cseq?: CSeq;
}

/** Keys of the header fields in `ParsedValues`. */
const PARSED: ReadonlySet<string> = new Set(['via', 'from', 'to', 'cseq']);

/** Some parsers end a line at either of them: a value with one could add a header. */
const LINE_BREAK = /[\r\n]/;

/**
 * Names are compared without case; a compact form equals the long form (RFC 3261 §7.3.3). Values are the text on the
 * wire, unfolded and without surrounding blanks.
 *
 * Methods that write throw MalformedError for a name that is not a token and for a value with a line break.
 */
export class SipHeaders {
  #fields: Field[] = [];
  /** Values parsed since their header fields last changed. */
  #parsed: ParsedValues = {};

  /** The top Via; undefined if it is missing or malformed. Change it with `setVia`. */
  get via(): Via | undefined {
    this.#parsed.via ??= Via.parse(this.get('Via') ?? '');
    return this.#parsed.via;
  }

  /** From; undefined if it is missing or malformed. Change it with `set`. */
  get from(): NameAddr | undefined {
    this.#parsed.from ??= parseNameAddr(this.get('From') ?? '');
    return this.#parsed.from;
  }

  /** To; undefined if it is missing or malformed. Change it with `set`. */
  get to(): NameAddr | undefined {
    this.#parsed.to ??= parseNameAddr(this.get('To') ?? '');
    return this.#parsed.to;
  }

  /** CSeq; undefined if it is missing or malformed. */
  get cseq(): CSeq | undefined {
    this.#parsed.cseq ??= parseCSeq(this.get('CSeq') ?? '');
    return this.#parsed.cseq;
  }

  /** The first value; of a list header, its first element. */
  get(name: string): string | undefined {
    const { key } = nameOf(name);
    for (const { header, value } of this.#fields) {
      if (header.key !== key) continue;
      if (!header.list) return value;
      const [element] = splitFirst(value);
      if (element !== undefined) return element;
    }
    return undefined;
  }

  /** All values, from the top. Lists are split at commas outside quotes and angle brackets, without empty elements. */
  getAll(name: string): string[] {
    const { key } = nameOf(name);
    const values: string[] = [];
    for (const { header, value } of this.#fields) {
      if (header.key !== key) continue;
      if (header.list) values.push(...splitList(value));
      else values.push(value);
    }
    return values;
  }

  /** True also for a header without a value, e.g. an empty Supported. */
  has(name: string): boolean {
    const { key } = nameOf(name);
    return this.#fields.some(({ header }) => header.key === key);
  }

  /** Replaces all values, at the position of the first. An array becomes one line for each value; an empty one deletes. */
  set(name: string, value: string | readonly string[]): this {
    const header = checkedName(name);
    const fields = (typeof value === 'string' ? [value] : value).map((each) => ({
      header,
      value: checkedValue(header, each),
    }));
    this.#changed(header);
    const at = this.#fields.findIndex((field) => field.header.key === header.key);
    if (at < 0) {
      this.#fields.push(...fields);
      return this;
    }
    const after = this.#fields.slice(at).filter((field) => field.header.key !== header.key);
    this.#fields = [...this.#fields.slice(0, at), ...fields, ...after];
    return this;
  }

  /** Replaces the top Via. */
  setVia(via: Via): void {
    const parsed = this.#parsed;
    this.removeFirst('Via');
    this.prepend('Via', via.toString());
    this.#parsed = { ...parsed, via };
  }

  append(name: string, value: string): this {
    const header = checkedName(name);
    this.appendParsed(header, checkedValue(header, value));
    return this;
  }

  /** Appends the lines of one header of another message, unchanged; of a header that may occur once, the first. */
  appendFrom(source: SipHeaders, name: string): void {
    const { key } = nameOf(name);
    for (const { header, value } of source.#fields) {
      if (header.key !== key) continue;
      this.appendParsed(header, value);
      if (header.singleBit !== 0) return;
    }
  }

  /** Inserts a value at the top of the message, above the others of its name: a Via, a Record-Route. */
  prepend(name: string, value: string): this {
    const header = checkedName(name);
    this.#changed(header);
    this.#fields.unshift({ header, value: checkedValue(header, value) });
    return this;
  }

  /** Removes and returns the value of `get`: the top Via, the first Route. The rest of its line stays. */
  removeFirst(name: string): string | undefined {
    const removed = nameOf(name);
    this.#changed(removed);
    for (let at = 0; at < this.#fields.length; ) {
      const field = this.#fields[at];
      if (field?.header.key !== removed.key) {
        at++;
        continue;
      }
      const [first, rest] = field.header.list ? splitFirst(field.value) : [field.value];
      if (rest !== undefined && splitFirst(rest).length > 0) field.value = rest;
      else this.#fields.splice(at, 1);
      if (first !== undefined) return first;
    }
    return undefined;
  }

  delete(name: string): void {
    const deleted = nameOf(name);
    this.#changed(deleted);
    this.#fields = this.#fields.filter(({ header }) => header.key !== deleted.key);
  }

  /** All lines, from the top, with names in their usual capitals. */
  *entries(): IterableIterator<[name: string, value: string]> {
    for (const { header, value } of this.#fields) yield [header.name, value];
  }

  clone(): SipHeaders {
    const copy = new SipHeaders();
    copy.#fields = this.#fields.map(({ header, value }) => ({ header, value }));
    return copy;
  }

  /** For the parser: a line whose name and value are already checked. */
  appendParsed(header: HeaderName, value: string): void {
    this.#changed(header);
    this.#fields.push({ header, value });
  }

  #changed({ key }: HeaderName): void {
    if (PARSED.has(key)) this.#parsed = {};
  }
}

/** The name in its usual spelling needs no call. */
function nameOf(name: string): HeaderName {
  return KNOWN_HEADERS.get(name) ?? headerName(name);
}

function checkedName(name: string): HeaderName {
  if (!isToken(name))
    throw new MalformedError(`invalid header name ${JSON.stringify(name)}: expected a token`);
  return nameOf(name);
}

function checkedValue(header: HeaderName, value: string): string {
  if (LINE_BREAK.test(value)) {
    // Errors are logged: they show no credentials.
    const shown = /authori[sz]ation$/i.test(header.name) ? '' : ` ${JSON.stringify(value)}`;
    throw new MalformedError(`invalid ${header.name}${shown}: expected a value without CR and LF`);
  }
  return trimBlanks(value);
}

/** The first element of a list that is not empty, and the text after its comma. */
function splitFirst(list: string): [first?: string, rest?: string] {
  for (let at = 0; at < list.length; ) {
    const end = endOfElement(list, at);
    const element = trimBlanks(list, at, end);
    if (element !== '') return [element, trimBlanks(list, end + 1)];
    at = end + 1;
  }
  return [];
}
