/** Documents as elements, independent of XML and WBXML, with accessors and dates of SI and EMN. */

import { ConfigurationError, MalformedError } from '../../errors.js';
import { decodeHexadecimal, encodeHexadecimal } from '../binary-text.js';
import type { WbxmlLanguage } from './tables.js';

export interface WbxmlDocument {
  readonly language: WbxmlLanguage;
  /** Version of WBXML: 1 to 3 for 1.1 to 1.3. */
  readonly version: number;
  readonly root: MarkupElement;
}

/** An extension token (WAP-192 5.8.4.2), whose meaning depends on the language. */
export interface Extension {
  /** 0, 1 or 2. */
  readonly extension: number;
  /** The text of EXT_I or the number of EXT_T; absent for EXT. */
  readonly value?: string | number;
}

/** Text, octets of OPAQUE, or an extension. */
export type MarkupValue = string | Uint8Array | Extension;

export interface MarkupAttribute {
  readonly name: string;
  /** Neighbouring texts are one. */
  readonly value: readonly MarkupValue[];
}

export interface MarkupElement {
  readonly name: string;
  /** In the order of the document. */
  readonly attributes: readonly MarkupAttribute[];
  /** Neighbouring texts are one. */
  readonly children: readonly (MarkupElement | MarkupValue)[];
}

export function isElement(child: MarkupElement | MarkupValue): child is MarkupElement {
  return typeof child === 'object' && 'children' in child;
}

/** The text of values. The supported languages do not use octets and extensions. */
export function joinedText(values: readonly MarkupValue[]): string {
  return values.filter((value) => typeof value === 'string').join('');
}

/** Appends to a list, and joins adjacent texts. */
export function appendValue<T>(list: (T | string)[], value: T | string): void {
  const last = list.at(-1);
  if (typeof value !== 'string') list.push(value);
  else if (typeof last === 'string') list[list.length - 1] = last + value;
  else if (value !== '') list.push(value);
}

/** Dates of SI and EMN in OPAQUE: the digits YYYYMMDDhhmmss, two in each octet, without zero octets at the end. */
const OCTETS = 7;
/** Year, month and day are never zero. */
const DATE_OCTETS = 4;
const DATE = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)Z$/;

/** @returns `1999-06-30T00:00:00Z`; undefined if the octets are not a date. */
export function dateOfOctets(octets: Uint8Array): string | undefined {
  if (octets.length < DATE_OCTETS || octets.length > OCTETS) return undefined;
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(
    encodeHexadecimal(octets).padEnd(2 * OCTETS, '0'),
  );
  if (!match) return undefined;
  const [, year, month, day, hour, minute, second] = match;
  const text = `${year}-${month}-${day}T${hour}:${minute}:${second}Z`;
  return isDate(text) ? text : undefined;
}

/** @returns undefined if the text is not a date in UTC. */
export function octetsOfDate(text: string): Uint8Array | undefined {
  if (!isDate(text)) return undefined;
  const octets = [...decodeHexadecimal(text.replace(/\D/g, ''))];
  while (octets.at(-1) === 0) octets.pop();
  return Uint8Array.from(octets);
}

/** Whether the text is an existing date of the form `1999-06-25T15:23:15Z`. */
export function isDate(text: string): boolean {
  if (!DATE.test(text)) return false;
  const time = new Date(text);
  return !Number.isNaN(time.getTime()) && time.toISOString() === text.replace('Z', '.000Z');
}

/** The child elements with a name, which is case-sensitive. */
export function childrenNamed(element: MarkupElement, name: string): MarkupElement[] {
  return element.children.filter(isElement).filter((child) => child.name === name);
}

export function textOf(element: MarkupElement): string {
  return joinedText(element.children.filter((child): child is MarkupValue => !isElement(child)));
}

export function attributeOf(element: MarkupElement, name: string): string | undefined {
  const attribute = element.attributes.find((candidate) => candidate.name === name);
  return attribute && joinedText(attribute.value);
}

/** @throws MalformedError */
export function requiredAttribute(element: MarkupElement, name: string): string {
  const value = attributeOf(element, name);
  if (value === undefined) throw new MalformedError(`${element.name}: missing attribute ${name}`);
  return value;
}

/** @throws MalformedError if the value is not in `values`. */
export function attributeAmong<Value extends string>(
  element: MarkupElement,
  name: string,
  values: readonly Value[],
  preset: Value,
): Value {
  const written = attributeOf(element, name);
  if (written === undefined) return preset;
  const value = values.find((candidate) => candidate === written);
  if (value === undefined) {
    throw new MalformedError(`${element.name}: invalid ${name} "${written}": expected ${values.join(', ')}`);
  }
  return value;
}

/** @throws MalformedError if the attribute is not a date of the form `1999-06-25T15:23:15Z`. */
export function dateAttribute(element: MarkupElement, name: string): Date | undefined {
  const written = attributeOf(element, name);
  if (written === undefined) return undefined;
  if (!isDate(written)) {
    throw new MalformedError(`${element.name}: invalid ${name} "${written}": expected YYYY-MM-DDThh:mm:ssZ`);
  }
  return new Date(written);
}

/** A date in UTC without fractions of a second. @throws ConfigurationError */
export function formatDate(date: Date | undefined): string | undefined {
  if (date === undefined) return undefined;
  const text = Number.isNaN(date.getTime()) ? '' : date.toISOString().replace(/\.\d+Z$/, 'Z');
  if (!isDate(text)) throw new ConfigurationError('invalid date: expected the years 0 to 9999');
  return text;
}

/** Creates an element without undefined attributes and empty texts. */
export function element(
  name: string,
  attributes: Readonly<Record<string, string | undefined>>,
  ...children: readonly (MarkupElement | string)[]
): MarkupElement {
  return {
    name,
    attributes: Object.entries(attributes).flatMap(([attribute, value]) =>
      value === undefined ? [] : [{ name: attribute, value: value === '' ? [] : [value] }],
    ),
    children: children.filter((child) => child !== ''),
  };
}
