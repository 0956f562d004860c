/** What document types read from an element, and how they write one. */

import { ConfigurationError, MalformedError } from '../../errors.js';
import { isDate } from './date.js';
import { isElement, joinedText, type MarkupElement, type MarkupValue } from './markup.js';

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
export function writtenDate(date: Date | undefined): string | undefined {
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
