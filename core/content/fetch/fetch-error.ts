/** Failures of HTTP requests, with a code for programs. */

import { SipPushError } from '../../errors.js';

/** Why a request failed, for programs. */
export type FetchFailure =
  /** `allow` does not contain the origin. */
  | 'not-allowed'
  /** The name resolves to an address of a private or special network. */
  | 'forbidden-address'
  | 'unresolved'
  | 'unreachable'
  /** No response, or no data for too long. */
  | 'timeout'
  | 'redirects'
  /** The HTTP status is not a success; `status` contains it. */
  | 'status'
  | 'too-large'
  /** The decompressed content is larger than allowed. */
  | 'decoded-too-large'
  | 'malformed'
  | 'size-mismatch'
  | 'hash-mismatch'
  | 'expired'
  /** Writing to the local disk failed. */
  | 'spool';

/** Failures after which a retry can succeed. */
const TRANSIENT = new Set<FetchFailure>(['unresolved', 'unreachable', 'timeout', 'spool']);

/** RFC 9110 §15.5.9, RFC 8470 §5.2, RFC 6585 §4; and every 5xx. */
const TRANSIENT_STATUS = new Set([408, 425, 429]);

/** An HTTP request failed, or its response is not a success. */
export class FetchError extends SipPushError {
  static {
    FetchError.prototype.name = 'FetchError';
  }

  /** HTTP status, if there was a response. */
  readonly status: number | undefined;
  /** Seconds of Retry-After, if the server sent it. */
  readonly retryAfter: number | undefined;

  /**
   * Creates an error.
   * @param code why the request failed.
   * @param message what failed; the code precedes it.
   * @param options its cause, the HTTP status and the seconds of Retry-After.
   */
  constructor(
    /** Why the request failed. */
    readonly code: FetchFailure,
    message: string,
    options: ErrorOptions & { status?: number; retryAfter?: number } = {},
  ) {
    super(`${code}: ${message}`, options);
    this.status = options.status;
    this.retryAfter = options.retryAfter;
  }

  /** The error for a response that is not a success. A Retry-After date is ignored, because the clocks can differ. */
  static ofStatus({ status, headers }: { status: number; headers: Readonly<Record<string, string>> }) {
    const seconds = Number.parseInt(headers['retry-after'] ?? '', 10);
    const retryAfter = seconds > 0 ? { retryAfter: seconds } : {};
    return new FetchError('status', `the server answered ${status}`, { status, ...retryAfter });
  }

  /** Whether a retry can succeed. */
  get transient(): boolean {
    const { code, status = 0 } = this;
    return code === 'status' ? status >= 500 || TRANSIENT_STATUS.has(status) : TRANSIENT.has(code);
  }
}
