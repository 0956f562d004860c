/** Values of the attributes that several PAP messages have. */

import {
  attributeOf,
  childrenNamed,
  element,
  type MarkupElement,
  requiredAttribute,
  unlessMalformed,
} from '../content/markup.js';
import { MalformedError } from '../errors.js';
import { describePapCode } from './status-code.js';

/** How the outcome of an operation is reported. */
export interface PapResult {
  /** Status code, see `PAP_CODE`. */
  readonly code: number;
  /** Explanation of the gateway, or of the Push Initiator. */
  readonly description?: string;
}

/** Characters of a value in an error message. */
const MAX_QUOTED = 100;

/** @throws MalformedError if the code is missing, or is not a number of four digits. */
export function readResult(from: MarkupElement): PapResult {
  const code = requiredAttribute(from, 'code').trim();
  if (!/^[1-5]\d{3}$/.test(code)) {
    throw new MalformedError(
      `${from.name}: invalid code "${code.slice(0, MAX_QUOTED)}": expected four digits, from 1000 to 5999`,
    );
  }
  return { code: Number(code), description: attributeOf(from, 'desc') };
}

/** `2002 Address error: no such user`. */
export function resultInWords({ code, description }: PapResult): string {
  const name = describePapCode(code);
  const more =
    description === undefined || description.toLowerCase() === name.toLowerCase() ? '' : `: ${description}`;
  return `${code} ${name}${more}`;
}

export function resultAttributes({ code, description }: PapResult): { code: string; desc?: string } {
  return { code: String(code), desc: description };
}

/** @throws MalformedError if the attribute is neither `true` nor `false`. */
export function flagAttribute(from: MarkupElement, name: string): boolean {
  const value = attributeOf(from, name);
  if (value === undefined || value === 'false') return false;
  if (value === 'true') return true;
  throw new MalformedError(
    `${from.name}: invalid ${name} "${value.slice(0, MAX_QUOTED)}": expected true or false`,
  );
}

/** The attribute of a flag; the default, false, is not written. */
export function formatFlag(flag: boolean | undefined): string | undefined {
  return flag ? 'true' : undefined;
}

/** The addresses of a message, as written: `parseClientAddress` reads one. @throws MalformedError */
export function readAddresses(from: MarkupElement): string[] {
  return childrenNamed(from, 'address').map((address) => requiredAttribute(address, 'address-value'));
}

/** @throws MalformedError if the message does not have exactly one address. */
export function readOneAddress(from: MarkupElement): string {
  const [address, ...more] = readAddresses(from);
  if (address === undefined || more.length > 0) {
    throw new MalformedError(`${from.name}: invalid address: expected exactly one`);
  }
  return address;
}

/**
 * The results of an answer. A malformed result is left out.
 * @param name name of their elements.
 * @throws MalformedError if no result remains.
 */
export function readResults<Result>(
  from: MarkupElement,
  name: string,
  warn: (problem: string) => void,
  read: (result: MarkupElement) => Result,
): Result[] {
  const results = childrenNamed(from, name).flatMap(
    (result) => unlessMalformed(warn, () => read(result)) ?? [],
  );
  if (results.length === 0) {
    throw new MalformedError(`${from.name}: missing ${name}: expected at least one`);
  }
  return results;
}

/** Undefined addresses are not written. */
export function writeAddresses(addresses: readonly (string | undefined)[] = []): MarkupElement[] {
  return addresses.flatMap((address) =>
    address === undefined ? [] : [element('address', { 'address-value': address })],
  );
}
