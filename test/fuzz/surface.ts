/** A reader of bytes from the network, and what must be true for any input. */

import type fc from 'fast-check';
import { MalformedError, SipPushError } from '../../core/errors.js';
import { inputsFrom } from './inputs.js';
import { difference, sizeOf } from './values.js';

type Awaitable<T> = T | Promise<T>;

interface Definition<Value> {
  /** `sip-message`: an argument of `npm run fuzz`, and the start of the names of its fixtures. */
  readonly name: string;
  /** Fixtures, valid and broken ones: inputs are their mutations. */
  readonly seeds: readonly Uint8Array[];
  /** Words of the grammar. */
  readonly words: readonly string[];
  /** @returns undefined if the input is refused without an error. */
  read(bytes: Uint8Array): Awaitable<Value | undefined>;
  /** Undefined if values have no written form. */
  write?(value: Value): Awaitable<Uint8Array>;
  /** What writing and reading must preserve; the whole value by default. */
  plain?(value: Value): unknown;
  /** Values of the grammar. */
  readonly values?: fc.Arbitrary<Value>;
  /** Size of the largest result, in characters, bytes and objects, for each byte of the input. */
  readonly growth?: number;
  /** Size of the largest result for an empty input. */
  readonly constant?: number;
  /** Reads the input in one piece, to measure it; `read` by default. */
  measure?(bytes: Uint8Array): unknown;
  /** Bytes: larger inputs are refused at once. */
  readonly limit?: number;
}

/** The outcome of an input. */
export type Outcome = 'read' | 'refused';

/** A surface without the type of its values. */
export interface Surface {
  readonly name: string;
  readonly seeds: readonly Uint8Array[];
  readonly words: readonly string[];
  readonly limit: number;
  /** Mutated fixtures, words and bytes. */
  readonly inputs: fc.Arbitrary<Uint8Array>;
  /** Written values of the grammar. */
  readonly values: fc.Arbitrary<unknown> | undefined;
  /** Reads an input. @throws if a property does not hold. */
  check(bytes: Uint8Array): Promise<Outcome>;
  /** Writes a value of the grammar and reads it. @throws if a property does not hold. */
  checkValue(value: unknown): Promise<Outcome>;
  /** Reads the input, to measure its cost. */
  measure(bytes: Uint8Array): unknown;
}

/** Errors are logged, and become reasons of SIP and MSRP: they do not quote an input of any length. */
const LONGEST_MESSAGE = 1000;
const DEFAULT_GROWTH = 24;
const DEFAULT_CONSTANT = 8192;
const DEFAULT_LIMIT = 65_536;

export function defineSurface<Value>(definition: Definition<Value>): Surface {
  const { name, seeds, words, write, values, plain = (value: Value): unknown => value } = definition;
  const { growth = DEFAULT_GROWTH, constant = DEFAULT_CONSTANT, limit = DEFAULT_LIMIT } = definition;

  async function check(bytes: Uint8Array): Promise<Outcome> {
    let value: Value | undefined;
    try {
      value = await definition.read(bytes.slice());
    } catch (error) {
      requireTyped(error);
      return 'refused';
    }
    if (value === undefined) return 'refused';
    const most = growth * bytes.length + constant;
    const size = sizeOf(value);
    if (size > most) throw new Error(`${bytes.length} bytes became a value of size ${size}: at most ${most}`);
    if (write) await requireIdentity(value);
    return 'read';
  }

  /** Readers are lenient, so that a value that was read need not have a written form. */
  async function requireIdentity(value: Value): Promise<Outcome> {
    let bytes: Uint8Array | undefined;
    try {
      bytes = await write?.(value);
    } catch (error) {
      requireTyped(error);
    }
    if (bytes === undefined || bytes.length > limit) return 'refused';
    const again = await definition.read(bytes);
    if (again === undefined) throw new Error(`the written form is refused: ${quoted(bytes)}`);
    const changed = difference(plain(value), plain(again));
    if (changed !== undefined) throw new Error(`the written form differs at ${changed}: ${quoted(bytes)}`);
    return 'read';
  }

  return {
    name,
    seeds,
    words,
    limit,
    values,
    inputs: inputsFrom(seeds, words),
    check,
    checkValue: (value) => requireIdentity(value as Value),
    measure: definition.measure ?? definition.read,
  };
}

/** An error of another kind is a fault of the reader, and becomes a response 500 or the end of a connection. */
function requireTyped(error: unknown): void {
  if (!(error instanceof SipPushError)) throw error;
  if (error instanceof MalformedError && error.message.length > LONGEST_MESSAGE) {
    throw new Error(`an error message of ${error.message.length} characters: ${error.message.slice(0, 200)}`);
  }
}

function quoted(bytes: Uint8Array): string {
  return JSON.stringify(Buffer.from(bytes.subarray(0, 400)).toString('latin1'));
}

/** A reader of text, in UTF-8. */
export function ofText<Value>(read: (text: string) => Value): (bytes: Uint8Array) => Value {
  return (bytes) => read(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes));
}

/** A reader of a header value, which has no line breaks: they are folded, or end the header. */
export function ofHeader<Value>(read: (text: string) => Value): (bytes: Uint8Array) => Value {
  return ofText((text) => read(text.replace(/[\r\n]/g, ' ')));
}

export function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function textSeeds(...texts: readonly string[]): Uint8Array[] {
  return texts.map(encode);
}
