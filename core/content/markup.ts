/** Documents as trees of elements, the same for XML and WBXML, and accessors. */

import { ConfigurationError, MalformedError } from '../errors.js';

/** An extension token of WBXML (WAP-192 5.8.4.2). Its meaning depends on the language. */
export interface MarkupExtension {
  /** 0, 1 or 2. */
  readonly extension: number;
  /** The text of EXT_I or the number of EXT_T (0 to 2^32 - 1); absent for EXT. */
  readonly value?: string | number;
}

/** Text; or octets of OPAQUE or an extension, which only WBXML has. */
export type MarkupValue = string | Uint8Array | MarkupExtension;

/** An attribute of an element. */
export interface MarkupAttribute {
  /** Name, case-sensitive. */
  readonly name: string;
  /** Parts of the value in their order. Adjacent texts are joined; an empty value has no parts. */
  readonly value: readonly MarkupValue[];
}

/** An element of a document. */
export interface MarkupElement {
  /** Name, case-sensitive. In XML with its namespace prefix. */
  readonly name: string;
  /** Attributes in the order of the document. Each name occurs once. */
  readonly attributes: readonly MarkupAttribute[];
  /** Content in the order of the document. Adjacent texts are joined; white space is kept. */
  readonly children: readonly (MarkupElement | MarkupValue)[];
}

/** Distinguishes a child element from text, octets and extensions. */
export function isElement(child: MarkupElement | MarkupValue): child is MarkupElement {
  return typeof child === 'object' && 'children' in child;
}

/** @throws TypeError unless the value is a Uint8Array, of any realm. */
export function requireOctets(what: string, value: unknown): asserts value is Uint8Array {
  if (ArrayBuffer.isView(value) && Object.prototype.toString.call(value) === '[object Uint8Array]') return;
  throw new TypeError(`invalid ${what}: expected a Uint8Array, not ${typeInWords(value)}`);
}

/** @throws TypeError unless the value is an element of elements and values. */
export function requireElement(value: unknown): asserts value is MarkupElement {
  const { name, attributes, children }: { [Key in keyof MarkupElement]?: unknown } = Object(value);
  if (typeof name !== 'string' || !Array.isArray(attributes) || !Array.isArray(children)) {
    throw new TypeError(
      `invalid element: expected { name, attributes, children }, as element('name') returns, not ${typeInWords(value)}`,
    );
  }
  for (const attribute of attributes) {
    const { name: key, value: parts }: { name?: unknown; value?: unknown } = Object(attribute);
    if (typeof key !== 'string' || !Array.isArray(parts)) {
      throw new TypeError(`invalid attribute of element ${name}: expected { name: 'x', value: ['text'] }`);
    }
    for (const part of parts) requireValue(`part of attribute ${key} of element ${name}`, part);
  }
  for (const child of children) {
    if (typeof child === 'object' && child !== null && 'name' in child) requireElement(child);
    else requireValue(`child of element ${name}`, child);
  }
}

function requireValue(what: string, value: unknown): void {
  if (typeof value === 'string' || typeof Object(value).extension === 'number') return;
  if (ArrayBuffer.isView(value)) requireOctets(what, value);
  else {
    throw new TypeError(
      `invalid ${what}: expected a string, a Uint8Array or { extension, value }, not ${typeInWords(value)}`,
    );
  }
}

/** `a string`, `an object`, `undefined`. */
export function typeInWords(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

const NAME_START =
  ':A-Z_a-z\\xC0-\\xD6\\xD8-\\xF6\\xF8-\\u02FF\\u0370-\\u037D\\u037F-\\u1FFF\\u200C\\u200D\\u2070-\\u218F\\u2C00-\\u2FEF' +
  '\\u3001-\\uD7FF\\uF900-\\uFDCF\\uFDF0-\\uFFFD\\u{10000}-\\u{EFFFF}';
const NAME = new RegExp(`^[${NAME_START}][${NAME_START}\\-.0-9\\xB7\\u0300-\\u036F\\u203F-\\u2040]*$`, 'u');

/**
 * Whether the text is a name of an element or an attribute (XML 1.0, 2.3). Not with U+1680 or U+FEFF, which are white space for
 * many parsers: an attribute would end there.
 */
export function isName(text: string): boolean {
  return NAME.test(text) && !/\s/.test(text);
}

/** The text of values, without octets and extensions. */
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

/** Characters of a value in an error message. */
const MAX_QUOTED = 100;
const DATE = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)Z$/;

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

/** The text of an element, without the text of its child elements. */
export function textOf(element: MarkupElement): string {
  return joinedText(element.children.filter((child): child is MarkupValue => !isElement(child)));
}

/**
 * The text of an element for the user: without white space at its ends, and with one blank in place of other white space.
 * XML is often indented, and its conversion to WBXML removes that.
 */
export function phraseOf(element: MarkupElement): string {
  return textOf(element)
    .replace(/[ \t\r\n]+/g, ' ')
    .replace(/^ | $/g, '');
}

/** The text of an attribute; undefined if the element does not have it. */
export function attributeOf(element: MarkupElement, name: string): string | undefined {
  const attribute = element.attributes.find((candidate) => candidate.name === name);
  return attribute && joinedText(attribute.value);
}

/**
 * The text of an attribute.
 * @throws MalformedError if the element does not have it.
 */
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
    throw new MalformedError(
      `${element.name}: invalid ${name} "${written.slice(0, MAX_QUOTED)}": expected ${values.join(', ')}`,
    );
  }
  return value;
}

/** @throws MalformedError if the attribute is not a date of the form `1999-06-25T15:23:15Z`. */
export function dateAttribute(element: MarkupElement, name: string): Date | undefined {
  const written = attributeOf(element, name);
  if (written === undefined) return undefined;
  if (!isDate(written)) {
    throw new MalformedError(
      `${element.name}: invalid ${name} "${written.slice(0, MAX_QUOTED)}": expected YYYY-MM-DDThh:mm:ssZ`,
    );
  }
  return new Date(written);
}

/**
 * The result of `read`; undefined, with a warning, if it throws MalformedError. Use it for parts that the rest of the
 * document does not depend on.
 * @param warn reports the error.
 * @param read reads a part of the document.
 */
export function unlessMalformed<T>(warn: (problem: string) => void, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    warn(error.message);
    return undefined;
  }
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
