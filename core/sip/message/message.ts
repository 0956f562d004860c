/** Bounds on what one SIP message may cost before anything is known of who sent it. */

import { MalformedError } from '../../errors.js';
import { endOfElement, isToken, splitList, trimBlanks } from './grammar.js';
import { type HeaderName, headerName } from './header-names.js';

/**
 * Start line and headers, bytes. RFC 4475's longest is 3.3 KB, an IMS request with certificates of STIR some
 * 8 KB; a datagram cannot hold more than 64 KB of anything.
 */
export const MAX_HEADER_BYTES = 32_768;

/** Header lines. A request through 70 hops has 70 Via and 70 Record-Route (Max-Forwards). */
export const MAX_HEADER_LINES = 256;

/** Request-URI, characters: a GRUU with an instance id takes 150. Answered 414. */
export const MAX_URI_LENGTH = 2048;

/**
 * A whole message on a stream, bytes. Pager mode carries 1300 (RFC 3428 8), up to a few hundred KB where all
 * hops are reliable; what is larger goes in session mode.
 */
export const MAX_MESSAGE_BYTES = 1_048_576;

/** What the network sent is not SIP, or not SIP that this package takes. */

export class MalformedSip extends MalformedError {
  constructor(
    /** What to answer: 400, 414, 505, 513. A malformed response is dropped, and an ACK never answered. */
    readonly status: number,
    message: string,
    /**
     * Where it was a request whose headers could be told apart, with a Via to answer by. Any of its headers
     * may be malformed or missing; the body is left out.
     */
    readonly partial?: SipRequest,
  ) {
    super(message);
  }
}

/** SIP messages as this package sees them: a start line, headers in order, and a body of bytes. */

export interface SipRequest {
  method: string;
  /** Request-URI, as written on the wire. */
  uri: string;
  headers: SipHeaders;
  body: Uint8Array;
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

/** A request that was turned away before its owner saw it. */

export interface RefusedRequest {
  method: string;
  status: number;
  reason: string;
  /** URI of its From. */
  from: string;
}

/** The header fields of a SIP message, in order. */

interface Field {
  readonly header: HeaderName;
  value: string;
}

/** Either alone ends a line for some parsers: a value that holds one could bring a header of its own. */
const BREAKS_A_LINE = /[\r\n]/;

/**
 * Names are compared without regard to case, compact forms are the same as long ones (RFC 3261 7.3.3). Values
 * are text as it stood on the wire, unfolded and without blanks around it; nothing is parsed before it is asked for.
 *
 * Methods that write throw MalformedError for a name that is no token and for a value that would break its line.
 */
export class SipHeaders {
  #fields: Field[] = [];

  /** First value; of a list header, its first element. */
  get(name: string): string | undefined {
    const { key } = headerName(name);
    for (const { header, value } of this.#fields) {
      if (header.key !== key) continue;
      if (!header.list) return value;
      const element = firstElement(value);
      if (element !== undefined) return element;
    }
    return undefined;
  }

  /** Every value, from the top; lists are split at commas outside quotes and angle brackets, empty elements left out. */
  getAll(name: string): string[] {
    const { key } = headerName(name);
    const values: string[] = [];
    for (const { header, value } of this.#fields) {
      if (header.key !== key) continue;
      if (header.list) values.push(...splitList(value));
      else values.push(value);
    }
    return values;
  }

  /** True also for a header without a value, like an empty Supported. */
  has(name: string): boolean {
    const { key } = headerName(name);
    return this.#fields.some(({ header }) => header.key === key);
  }

  /** Replaces all values, at the place of the first of them. An array gives one line a value; an empty one deletes. */
  set(name: string, value: string | readonly string[]): this {
    const header = checkedName(name);
    const fields = (typeof value === 'string' ? [value] : value).map((each) => ({
      header,
      value: checkedValue(header, each),
    }));
    const at = this.#fields.findIndex((field) => field.header.key === header.key);
    if (at < 0) {
      this.#fields.push(...fields);
      return this;
    }
    const after = this.#fields.slice(at).filter((field) => field.header.key !== header.key);
    this.#fields = [...this.#fields.slice(0, at), ...fields, ...after];
    return this;
  }

  append(name: string, value: string): this {
    const header = checkedName(name);
    this.#fields.push({ header, value: checkedValue(header, value) });
    return this;
  }

  /** Puts a value above the others of its name, at the top of the message: a Via, a Record-Route. */
  prepend(name: string, value: string): this {
    const header = checkedName(name);
    this.#fields.unshift({ header, value: checkedValue(header, value) });
    return this;
  }

  /** Takes off what `get` gives: the top Via, the first Route. The rest of its line stays. */
  removeFirst(name: string): string | undefined {
    const { key } = headerName(name);
    for (let at = 0; at < this.#fields.length; ) {
      const field = this.#fields[at];
      if (field?.header.key !== key) {
        at++;
        continue;
      }
      const [first, ...rest] = field.header.list ? splitFirst(field.value) : [field.value];
      const left = rest[0];
      if (left !== undefined && firstElement(left) !== undefined) field.value = left;
      else this.#fields.splice(at, 1);
      if (first !== undefined) return first;
    }
    return undefined;
  }

  delete(name: string): void {
    const { key } = headerName(name);
    this.#fields = this.#fields.filter(({ header }) => header.key !== key);
  }

  /** Every line, from the top, names in their usual capitals. */
  *entries(): IterableIterator<[name: string, value: string]> {
    for (const { header, value } of this.#fields) yield [header.name, value];
  }

  clone(): SipHeaders {
    const copy = new SipHeaders();
    copy.#fields = this.#fields.map(({ header, value }) => ({ header, value }));
    return copy;
  }

  /** For the parser: a line whose name and value it has checked. */
  appendParsed(header: HeaderName, value: string): void {
    this.#fields.push({ header, value });
  }
}

function checkedName(name: string): HeaderName {
  if (!isToken(name)) throw new MalformedError(`${JSON.stringify(name)} is not a header name`);
  return headerName(name);
}

function checkedValue(header: HeaderName, value: string): string {
  if (BREAKS_A_LINE.test(value)) {
    throw new MalformedError(`${header.name}: a value cannot hold CR or LF: ${JSON.stringify(value)}`);
  }
  return trimBlanks(value);
}

/** The first element of a list that is not empty. */
function firstElement(list: string): string | undefined {
  return splitFirst(list)[0];
}

/** The first element that is not empty, and the text after its comma. */
function splitFirst(list: string): [first?: string, rest?: string] {
  for (let at = 0; at < list.length; ) {
    const end = endOfElement(list, at);
    const element = trimBlanks(list, at, end);
    if (element !== '') return [element, trimBlanks(list, end + 1)];
    at = end + 1;
  }
  return [];
}
