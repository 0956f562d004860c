/** The project's error classes. They carry no status codes: `outcome.ts` of each agent maps them. */

/** Base of every error this package throws on purpose. */
export class SipPushError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** A configuration, manifest or argument is wrong. The message says what, where, and what to write instead. */
export class ConfigurationError extends SipPushError {}

/** Bytes from the network, a file or an application are not what their format says. */
export class MalformedError extends SipPushError {}

/** The connection to a peer could not be made, or was lost. */
export class TransportError extends SipPushError {}

/** A peer's certificate is not one to be trusted: another attempt has the same end, until somebody mends it. */
export class UntrustedError extends TransportError {}

/** A peer did not answer within its deadline. */
export class TimeoutError extends SipPushError {}

/** A bound was met: the message says which limit, and its value. */
export class LimitError extends SipPushError {}

/** An application keeps as much as it may: permissions, or the host, say how much that is. */
export class QuotaError extends LimitError {}

/** An application failed. The message starts with its event-app-id. */
export class AppError extends SipPushError {
  constructor(
    readonly eventAppId: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(`${eventAppId}: ${message}`, options);
  }
}

/**
 * Why a push was not taken. `forbidden`, `type` and `size` are final; `busy`, `resources` and `failed`
 * invite the sender to try again; `declined` is unwilling, not wrong.
 */
export type RefusalKind = 'forbidden' | 'type' | 'size' | 'declined' | 'busy' | 'resources' | 'failed';

/** Thrown by an application (or the runtime) that does not take a push. */
export class PushRefused extends SipPushError {
  /** Seconds after which a retry makes sense; only for `busy` and `resources`. */
  readonly retryAfter: number | undefined;

  constructor(
    readonly kind: RefusalKind,
    reason: string,
    options?: ErrorOptions & { retryAfter?: number },
  ) {
    super(reason, options);
    this.retryAfter = options?.retryAfter;
  }
}
