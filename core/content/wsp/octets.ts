/** A reader and a writer of octets. Reading past the end throws MalformedError. */

import { MalformedError } from '../../errors.js';

/** More in one document are not reported. */
const MAX_WARNINGS = 32;

export class OctetReader {
  private position: number;

  /**
   * @param document the name of the document, `M-Notification.ind`, for error messages.
   * @param start, end bounds in `bytes`. Offsets in error messages count from its first octet.
   * @param reported what `warn` has reported, shared with the readers of parts of the document.
   * @param trustsLengths whether a value ends where its length says, and not where its text ends.
   */
  constructor(
    private readonly bytes: Uint8Array,
    private readonly document: string,
    start = 0,
    private readonly end = bytes.length,
    private readonly reported: string[] = [],
    readonly trustsLengths = true,
  ) {
    this.position = start;
  }

  /** Texts about malformed parts that were ignored, at most 32; undefined without any. */
  get warnings(): readonly string[] | undefined {
    return this.reported.length > 0 ? [...this.reported] : undefined;
  }

  /** Reports a malformed part of the document that is ignored, because the rest does not depend on it. */
  warn(error: MalformedError): void {
    const { message } = error;
    if (this.reported.length < MAX_WARNINGS && !this.reported.includes(message)) this.reported.push(message);
  }

  get offset(): number {
    return this.position;
  }

  get remaining(): number {
    return this.end - this.position;
  }

  get atEnd(): boolean {
    return this.position >= this.end;
  }

  /** The next octet, without consuming it; undefined at the end. */
  peek(): number | undefined {
    return this.atEnd ? undefined : this.bytes[this.position];
  }

  octet(field: string, expected = 'an octet'): number {
    const octet = this.peek();
    if (octet === undefined) throw this.failure(field, expected);
    this.position += 1;
    return octet;
  }

  /** A view of the next `count` octets. */
  octets(count: number, field: string): Uint8Array {
    if (count > this.remaining) throw this.failure(field, `${count} octets`);
    const start = this.position;
    this.position += count;
    return this.bytes.subarray(start, this.position);
  }

  /** A view of the octets up to the next zero octet, which is consumed too. */
  untilZero(field: string): Uint8Array {
    // Limited to the bounds, so that many short values do not each search the whole document.
    const left = this.bytes.subarray(this.position, this.end);
    const zero = left.indexOf(0);
    if (zero < 0) throw this.failure(field, 'text that ends with a zero octet', this.end);
    this.position += zero + 1;
    return left.subarray(0, zero);
  }

  /** A view of the remaining octets. */
  rest(): Uint8Array {
    return this.octets(this.remaining, 'rest');
  }

  /** A view of the octets read since `offset`. */
  since(offset: number): Uint8Array {
    return this.bytes.subarray(offset, this.position);
  }

  /** A reader of only the next `length` octets. This reader skips them. */
  within(length: number, field: string): OctetReader {
    const start = this.position;
    this.octets(length, field);
    return this.part(start, this.position);
  }

  /** A second reader at this position. This reader does not advance with it. */
  fork(): OctetReader {
    return this.part(this.position, this.end);
  }

  /** A second reader at this position, which trusts the lengths of values or does not. */
  withLengths(trusted: boolean): OctetReader {
    return this.part(this.position, this.end, trusted);
  }

  private part(start: number, end: number, trustsLengths = this.trustsLengths): OctetReader {
    return new OctetReader(this.bytes, this.document, start, end, this.reported, trustsLengths);
  }

  /** Whether only zero octets are left, with which some senders pad a document. */
  get onlyPadding(): boolean {
    return this.bytes.subarray(this.position, this.end).every((octet) => octet === 0);
  }

  /**
   * Reads with `read`, and warns instead of throwing if the value is malformed.
   * @returns undefined if it is; this reader is then where it was before.
   */
  attempt<T>(read: (reader: OctetReader) => T): { readonly value: T } | undefined {
    const reader = this.fork();
    try {
      const value = read(reader);
      this.position = reader.position;
      return { value };
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      this.warn(error);
      return undefined;
    }
  }

  /** An error that names the document, the field, its offset, what was expected and what was found. */
  failure(field: string, expected: string, offset = this.position): MalformedError {
    const octet = offset < this.end ? this.bytes[offset] : undefined;
    const left = this.end - offset;
    const found = octet === undefined ? 'the end' : `octet ${hexOctet(octet)} and ${left - 1} more`;
    return new MalformedError(
      `${this.document}: ${field} at offset ${offset}: expected ${expected}, found ${found}`,
    );
  }
}

/** An octet in the notation of the specifications: `8C`. */
export function hexOctet(octet: number): string {
  return octet.toString(16).toUpperCase().padStart(2, '0');
}

const INITIAL_SIZE = 256;

export class OctetWriter {
  private bytes = new Uint8Array(INITIAL_SIZE);
  private length = 0;

  octet(octet: number): this {
    this.reserve(1);
    this.bytes[this.length] = octet;
    this.length += 1;
    return this;
  }

  octets(octets: Uint8Array): this {
    this.reserve(octets.length);
    this.bytes.set(octets, this.length);
    this.length += octets.length;
    return this;
  }

  /** A copy of the written octets. */
  finish(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }

  private reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }
}
