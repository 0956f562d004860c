/** The messages between a host and the worker of an application, and the errors in them. */

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
  /** The caller aborts the call. */
  | { readonly type: 'abort'; readonly id: number; readonly error: PackedError }
  /** A notification has no result. */
  | { readonly type: 'notify'; readonly name: string; readonly args: unknown }
  /** The reader asks the sender of the stream for one chunk. */
  | { readonly type: 'pull'; readonly id: number }
  | { readonly type: 'cancel'; readonly id: number; readonly error: PackedError }
  | { readonly type: 'chunk'; readonly id: number; readonly chunk: unknown }
  | { readonly type: 'end'; readonly id: number }
  | { readonly type: 'break'; readonly id: number; readonly error: PackedError };

export type Fields = Readonly<Record<string, unknown>>;

const WITH_ID = new Set(['call', 'result', 'error', 'abort', 'pull', 'cancel', 'chunk', 'end', 'break']);
const WITH_NAME = new Set(['call', 'notify']);

/**
 * Undefined for an invalid message: an application can post any value. The receiver validates `args`, `value`, `chunk`
 * and `error`.
 */
export function readMessage(message: unknown): Message | undefined {
  const { type, id, name } = fieldsOf(message);
  if (typeof type !== 'string') return undefined;
  const known = WITH_ID.has(type) ? Number.isSafeInteger(id) : type === 'notify';
  if (!known || (WITH_NAME.has(type) && typeof name !== 'string')) return undefined;
  return message as Message;
}

/** The value as an object; an empty one if it is not an object. */
export function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

/** The value if it is a string, `otherwise` if not. */
export function textOf(value: unknown, otherwise = ''): string {
  return typeof value === 'string' ? value : otherwise;
}

/** The value if it is a number. */
function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

/** A range of bytes, not yet validated; undefined if the value is not a range. */
export function rangeOf(value: unknown): ByteRange | undefined {
  const { start, end } = fieldsOf(value);
  if (typeof start !== 'number') return undefined;
  return { start, end: numberOf(end) };
}

/** A thrown value, as it is sent to another thread. */
export interface PackedError {
  /** The nearest class of this package, TypeError or RangeError. */
  readonly class?: string;
  readonly name?: string;
  readonly message: string;
  readonly stack?: string;
  /** Its other properties that the contract defines. */
  readonly details: Fields;
}

/** Limits in characters: of a name, `code` or `kind`, and of a stack. */
const MAX_DETAIL = 200;
const MAX_STACK = 4096;

const DETAILS = ['kind', 'code', 'transient', 'status', 'retryAfter', 'eventAppId'];

/** Subclasses come before their base classes. */
const CLASSES = {
  PushRefused: ({ kind, retryAfter }, message) =>
    new PushRefused(textOf(kind) as RefusalKind, message, { retryAfter: numberOf(retryAfter) }),
  FetchError: ({ code, status, retryAfter }, message) =>
    new FetchError(textOf(code) as FetchFailure, message, {
      status: numberOf(status),
      retryAfter: numberOf(retryAfter),
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

/** Never throws. */
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
      stack: typeof stack === 'string' ? stack.slice(0, MAX_STACK) : undefined,
      details: detailsOf(thrown),
    };
  } catch {
    // A getter of the error threw.
    return { message, details: {} };
  }
}

/** An error of the same class if it is known, with the original stack. Never throws. */
export function unpackError(packed: unknown): Error {
  const { class: known, name, message, stack, details } = fieldsOf(packed);
  const own = fieldsOf(details);
  const words = textOf(message, 'a value without text was thrown').slice(0, MAX_STACK);
  const error = isClassName(known) ? CLASSES[known](own, words) : new Error(words);
  // The constructor of AppError adds a prefix that the text already contains.
  error.message = words;
  if (typeof name === 'string' && name !== error.name) error.name = name.slice(0, MAX_DETAIL);
  if (typeof stack === 'string') error.stack = stack.slice(0, MAX_STACK);
  for (const detail of DETAILS) {
    if (own[detail] !== undefined && !(detail in error)) Object.assign(error, { [detail]: own[detail] });
  }
  return error;
}

/** Also by name, because an application that is bundled separately has its own classes. */
function classOf(error: Error): ClassName | undefined {
  if (refusalOf(error)) return 'PushRefused';
  const found = CONSTRUCTORS.find(([, known]) => error instanceof known);
  return found?.[0] ?? (isClassName(error.name) ? error.name : undefined);
}

function isClassName(name: unknown): name is ClassName {
  return typeof name === 'string' && Object.hasOwn(CLASSES, name);
}

/** The defined details that are primitive values. */
function detailsOf(error: Error): Fields {
  const found: Record<string, unknown> = {};
  for (const name of DETAILS) {
    const value: unknown = Reflect.get(error, name);
    if (typeof value === 'string') found[name] = value.slice(0, MAX_DETAIL);
    else if (typeof value === 'number' || typeof value === 'boolean') found[name] = value;
  }
  return found;
}
