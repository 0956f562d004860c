/** The error classes. They contain no status codes: `outcome.ts` of each agent maps them. */

/** Base class of the errors of this package. */
export class SipPushError extends Error {
  // In each class: a minifier shortens the name of the class, and the stack begins with that of the prototype.
  static {
    SipPushError.prototype.name = 'SipPushError';
  }

  /**
   * Creates an error.
   * @param message what is wrong and what was expected.
   * @param options its cause.
   */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

/** A configuration, manifest or argument is invalid. The message names the value, its place, and what was expected. */
export class ConfigurationError extends SipPushError {
  static {
    ConfigurationError.prototype.name = 'ConfigurationError';
  }
}

/**
 * Bytes from the network, a file or an application do not match their format. The readers of `sip-push/formats` throw it.
 * When `receive` throws it, the push is refused with `type`.
 */
export class MalformedError extends SipPushError {
  static {
    MalformedError.prototype.name = 'MalformedError';
  }

  /**
   * Creates an error.
   * @param message what is wrong and what was expected. The middle of a long one is left out: it can quote the input.
   * @param options its cause.
   */
  constructor(message: string, options?: ErrorOptions) {
    super(shortened(message), options);
  }
}

/** Characters. The message is logged, and becomes a reason of SIP and MSRP. */
const MAX_MESSAGE = 1000;

function shortened(message: string): string {
  if (message.length <= MAX_MESSAGE) return message;
  return `${message.slice(0, MAX_MESSAGE / 2)}…${message.slice(1 - MAX_MESSAGE / 2)}`;
}

/** A connection could not be opened, or was lost. */
export class TransportError extends SipPushError {
  static {
    TransportError.prototype.name = 'TransportError';
  }
}

/** The certificate of a peer is not trusted. A retry fails in the same way. */
export class UntrustedError extends TransportError {
  static {
    UntrustedError.prototype.name = 'UntrustedError';
  }
}

/** A peer did not answer within its deadline. */
export class TimeoutError extends SipPushError {
  static {
    TimeoutError.prototype.name = 'TimeoutError';
  }
}

/** A limit was exceeded. The message names the limit and its value. */
export class LimitError extends SipPushError {
  static {
    LimitError.prototype.name = 'LimitError';
  }
}

/** An application has used up its storage or files quota. */
export class QuotaError extends LimitError {
  static {
    QuotaError.prototype.name = 'QuotaError';
  }
}

/** An application failed. The message starts with its event-app-id. */
export class AppError extends SipPushError {
  static {
    AppError.prototype.name = 'AppError';
  }

  /**
   * Creates an error.
   * @param eventAppId event-app-id of the application.
   * @param message what failed.
   * @param options its cause.
   */
  constructor(
    /** event-app-id of the application. */
    readonly eventAppId: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(`${eventAppId}: ${message}`, options);
  }
}

/** The kinds of a refusal. */
export const REFUSAL_KINDS = [
  'forbidden',
  'type',
  'size',
  'declined',
  'busy',
  'resources',
  'failed',
] as const;

/**
 * Why a push was not accepted. `forbidden`, `type` and `size` are permanent. After `busy`, `resources` and `failed` the
 * sender can retry. `declined`: the application does not want the push.
 */
export type RefusalKind = (typeof REFUSAL_KINDS)[number];

/**
 * Marks a refusal, so that it is recognised from any copy of this package: an application can be bundled, and minified,
 * with its own.
 */
export const REFUSAL = Symbol.for('sip-push.refusal');

/** An application, or the runtime, refuses a push. */
export class PushRefused extends SipPushError {
  static {
    PushRefused.prototype.name = 'PushRefused';
  }

  /** Marks a refusal of any copy of this package. */
  readonly [REFUSAL] = true;
  /** Seconds after which a retry can succeed; only for `busy` and `resources`. */
  readonly retryAfter: number | undefined;

  /**
   * Creates a refusal.
   * @param kind decides the status that the sender receives.
   * @param reason for the log; for the sender in session mode, and if the kind is `type`.
   * @param options its cause, and the seconds of Retry-After.
   */
  constructor(
    /** Decides the status that the sender receives. */
    readonly kind: RefusalKind,
    reason: string,
    options?: ErrorOptions & { retryAfter?: number },
  ) {
    super(reason, options);
    this.retryAfter = options?.retryAfter;
  }
}
