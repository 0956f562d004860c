/** What a WBXML document holds beside its elements. */

import { ConfigurationError, MalformedError } from '../../errors.js';
import { decodeHexadecimal, encodeHexadecimal } from '../binary-text.js';
import type { WbxmlLanguage } from './tables.js';

export interface WbxmlDocument {
  readonly language: WbxmlLanguage;
  /** WBXML's own version, 1 to 3 for 1.1 to 1.3. */
  readonly version: number;
  readonly root: MarkupElement;
}

/** A document as elements, whichever of XML and WBXML it was written in. */

/** An extension token (WAP-192 5.8.4.2): what it means is its language's own; WML writes variables with it. */
export interface Extension {
  /** 0, 1 or 2. */
  readonly extension: number;
  /** Text of EXT_I, number of EXT_T, nothing of EXT. */
  readonly value?: string | number;
}

/** Text; octets of OPAQUE; an extension. */
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

/** The text among values: neither octets nor extensions have a meaning in the languages here. */
export function joinedText(values: readonly MarkupValue[]): string {
  return values.filter((value) => typeof value === 'string').join('');
}

/** Adds to a list in which neighbouring texts are one. */
export function appendValue<T>(list: (T | string)[], value: T | string): void {
  const last = list.at(-1);
  if (typeof value !== 'string') list.push(value);
  else if (typeof last === 'string') list[list.length - 1] = last + value;
  else if (value !== '') list.push(value);
}

/** Dates of SI and EMN: in OPAQUE their digits YYYYMMDDhhmmss two an octet, zero octets at the end left out. */

const OCTETS = 7;
/** Year, month and day are never zero. */
const DATE_OCTETS = 4;
const DATE = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)Z$/;

/** @returns `1999-06-30T00:00:00Z`, undefined where the octets are no date. */
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

/** @returns undefined where the text is not written as a date in UTC. */
export function octetsOfDate(text: string): Uint8Array | undefined {
  if (!isDate(text)) return undefined;
  const octets = [...decodeHexadecimal(text.replace(/\D/g, ''))];
  while (octets.at(-1) === 0) octets.pop();
  return Uint8Array.from(octets);
}

/** Whether there is such a day and such a second. */
export function isDate(text: string): boolean {
  if (!DATE.test(text)) return false;
  const time = new Date(text);
  return !Number.isNaN(time.getTime()) && time.toISOString() === text.replace('Z', '.000Z');
}

/** What document types read from an element, and how they write one. */

/** Names in lower case are compared as they are: XML tells cases apart. Other elements are passed over. */
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
  if (value === undefined) throw new MalformedError(`${element.name}: attribute ${name} is missing`);
  return value;
}

/** @throws MalformedError where the value is none of those listed. */
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
    throw new MalformedError(`${element.name}: ${name} is "${written}", expected ${values.join(', ')}`);
  }
  return value;
}

/** @throws MalformedError where it is no date of the form `1999-06-25T15:23:15Z`. */
export function dateAttribute(element: MarkupElement, name: string): Date | undefined {
  const written = attributeOf(element, name);
  if (written === undefined) return undefined;
  if (!isDate(written)) {
    throw new MalformedError(`${element.name}: ${name} is "${written}", expected YYYY-MM-DDThh:mm:ssZ`);
  }
  return new Date(written);
}

/** Without fractions, in UTC. */
export function formatDate(date: Date | undefined): string | undefined {
  if (date === undefined) return undefined;
  const text = Number.isNaN(date.getTime()) ? '' : date.toISOString().replace(/\.\d+Z$/, 'Z');
  if (!isDate(text)) throw new ConfigurationError('a date lies in the years 0 to 9999');
  return text;
}

/** Attributes without a value are left out; so is an empty text. */
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
