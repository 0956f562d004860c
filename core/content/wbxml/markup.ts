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
