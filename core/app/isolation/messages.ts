/** What goes between a host and the worker of an application. */

import type { ByteRange } from '../../content/content.js';
import { FetchError, type FetchFailure } from '../../content/fetch/fetch-error.js';
import {
  AppError,
  ConfigurationError,
  LimitError,
  MalformedError,
  PushRefused,
  QuotaError,
  type RefusalKind,
  SipPushError,
  TimeoutError,
  TransportError,
} from '../../errors.js';
import { StoreError } from '../../store/records.js';
import { reasonOf } from '../../text.js';
import { refusalOf } from '../contract/outcome.js';

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

/** Errors on their way between threads: of what was thrown, what the contract says something about. */

export interface PackedError {
  /** The class of ours that it is, the nearest one. */
  readonly class?: string;
  readonly name?: string;
  readonly message: string;
  readonly stack?: string;
  /** What an error of ours, or of anybody's, says of itself beside. */
  readonly details: Fields;
}

/** Of a `code` or a `kind`, and of a stack. */
const MAX_DETAIL = 200;
const MAX_STACK = 4096;

const DETAILS = ['kind', 'code', 'transient', 'status', 'retryAfter', 'eventAppId'];

/** From the most special to the most general. */
const CLASSES = {
  PushRefused: ({ kind, retryAfter }, message) =>
    new PushRefused(
      textOf(kind) as RefusalKind,
      message,
      typeof retryAfter === 'number' ? { retryAfter } : {},
    ),
  FetchError: ({ code, status, retryAfter }, message) =>
    new FetchError(textOf(code) as FetchFailure, message, {
      ...(typeof status === 'number' ? { status } : {}),
      ...(typeof retryAfter === 'number' ? { retryAfter } : {}),
    }),
  AppError: ({ eventAppId }, message) => new AppError(textOf(eventAppId), message),
  StoreError: (_, message) => new StoreError(message),
  ConfigurationError: (_, message) => new ConfigurationError(message),
  MalformedError: (_, message) => new MalformedError(message),
  TransportError: (_, message) => new TransportError(message),
  TimeoutError: (_, message) => new TimeoutError(message),
  QuotaError: (_, message) => new QuotaError(message),
  LimitError: (_, message) => new LimitError(message),
  SipPushError: (_, message) => new SipPushError(message),
  TypeError: (_, message) => new TypeError(message),
  RangeError: (_, message) => new RangeError(message),
} satisfies Record<string, (details: Fields, message: string) => Error>;

type ClassName = keyof typeof CLASSES;

const CONSTRUCTORS: readonly (readonly [ClassName, new (...args: never) => Error])[] = [
  ['PushRefused', PushRefused],
  ['FetchError', FetchError],
  ['AppError', AppError],
  ['StoreError', StoreError],
  ['ConfigurationError', ConfigurationError],
  ['MalformedError', MalformedError],
  ['TransportError', TransportError],
  ['TimeoutError', TimeoutError],
  ['QuotaError', QuotaError],
  ['LimitError', LimitError],
  ['SipPushError', SipPushError],
  ['TypeError', TypeError],
  ['RangeError', RangeError],
];

/** Never throws, whatever it is given. */
export function packError(thrown: unknown): PackedError {
  const message = reasonOf(thrown);
  try {
    if (!(thrown instanceof Error)) return { message, details: {} };
    const { name, stack } = thrown;
    const known = classOf(thrown);
    return {
      class: known,
      name: textOf(name).slice(0, MAX_DETAIL),
      message,
      ...(typeof stack === 'string' ? { stack: stack.slice(0, MAX_STACK) } : {}),
      details: detailsOf(thrown),
    };
  } catch {
    // A getter of it throws.
    return { message, details: {} };
  }
}

/** An error of the same class where it is one of ours; its stack says where it was thrown. Never throws. */
export function unpackError(packed: unknown): Error {
  const { class: known, name, message, stack, details } = fieldsOf(packed);
  const own = fieldsOf(details);
  const words = textOf(message, 'a value without text was thrown').slice(0, MAX_STACK);
  const error = isClassName(known) ? CLASSES[known](own, words) : new Error(words);
  // Some constructors add to it what is there already.
  error.message = words;
  if (typeof name === 'string' && name !== error.name) error.name = name.slice(0, MAX_DETAIL);
  if (typeof stack === 'string') error.stack = stack.slice(0, MAX_STACK);
  for (const detail of DETAILS) {
    if (own[detail] !== undefined && !(detail in error)) Object.assign(error, { [detail]: own[detail] });
  }
  return error;
}

/** By name too, and a refusal by what makes it one: an application brings classes of its own. */
function classOf(error: Error): ClassName | undefined {
  if (refusalOf(error)) return 'PushRefused';
  const found = CONSTRUCTORS.find(([, known]) => error instanceof known);
  return found?.[0] ?? (isClassName(error.name) ? error.name : undefined);
}

function isClassName(name: unknown): name is ClassName {
  return typeof name === 'string' && Object.hasOwn(CLASSES, name);
}

/** Only what is plain: the rest may be anything, and large. */
function detailsOf(error: Error): Fields {
  const found: Record<string, unknown> = {};
  for (const name of DETAILS) {
    const value: unknown = Reflect.get(error, name);
    if (typeof value === 'string') found[name] = value.slice(0, MAX_DETAIL);
    else if (typeof value === 'number' || typeof value === 'boolean') found[name] = value;
  }
  return found;
}
