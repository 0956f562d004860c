/** Errors on their way between threads: of what was thrown, what the contract says something about. */

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
import { reasonOf, refusalOf } from '../outcome.js';
import { StoreError } from '../records.js';
import { type Fields, fieldsOf, textOf } from './messages.js';

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
      ...(known === undefined ? {} : { class: known }),
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
  const words = textOf(message, 'something that cannot be put in words').slice(0, MAX_STACK);
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
