/** What goes between a host and the worker of an application. */

import type { ByteRange } from '../../content/content.js';
import type { PackedError } from './packed-error.js';

export type Message =
  | { readonly type: 'call'; readonly id: number; readonly name: string; readonly args: unknown }
  | { readonly type: 'result'; readonly id: number; readonly value: unknown }
  | { readonly type: 'error'; readonly id: number; readonly error: PackedError }
  /** To whoever serves the call: its caller has lost interest. */
  | { readonly type: 'abort'; readonly id: number; readonly error: PackedError }
  /** A call without an answer. */
  | { readonly type: 'tell'; readonly name: string; readonly args: unknown }
  /** To whoever has the stream: one chunk more. */
  | { readonly type: 'pull'; readonly id: number }
  | { readonly type: 'cancel'; readonly id: number; readonly error: PackedError }
  | { readonly type: 'chunk'; readonly id: number; readonly chunk: unknown }
  | { readonly type: 'end'; readonly id: number }
  | { readonly type: 'break'; readonly id: number; readonly error: PackedError };

export type Fields = Readonly<Record<string, unknown>>;

const WITH_ID = new Set(['call', 'result', 'error', 'abort', 'pull', 'cancel', 'chunk', 'end', 'break']);
const WITH_NAME = new Set(['call', 'tell']);

/**
 * Undefined when it is none: an application may post anything. What is inside (`args`, `value`, `chunk`, `error`) is
 * still to be looked at.
 */
export function readMessage(message: unknown): Message | undefined {
  const { type, id, name } = fieldsOf(message);
  if (typeof type !== 'string') return undefined;
  const known = WITH_ID.has(type) ? Number.isSafeInteger(id) : type === 'tell';
  if (!known || (WITH_NAME.has(type) && typeof name !== 'string')) return undefined;
  return message as Message;
}

/** Of an object; of anything else, none. */
export function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

/** A string, or what is given instead. */
export function textOf(value: unknown, otherwise = ''): string {
  return typeof value === 'string' ? value : otherwise;
}

/** A range of bytes, whose numbers are anything still; undefined where there is none. */
export function rangeOf(value: unknown): ByteRange | undefined {
  const { start, end } = fieldsOf(value);
  if (typeof start !== 'number') return undefined;
  return { start, ...(typeof end === 'number' ? { end } : {}) };
}
