/** Why something could not be had by HTTP, by name. */

import { SipPushError } from '../../errors.js';

/** Why nothing could be fetched, for programs. */
export type FetchFailure =
  /** Neither scheme nor origin is one that `allow` lets through. */
  | 'not-allowed'
  /** The name stands for an address of a private or special network. */
  | 'forbidden-address'
  | 'unresolved'
  | 'unreachable'
  /** No answer, silence in the middle of it, or less than a trickle. */
  | 'timeout'
  | 'redirects'
  /** An HTTP status that is no success; `status` has it. */
  | 'status'
  | 'too-large'
  /** Compressed content that unfolds to more than is allowed. */
  | 'unfolds'
  | 'malformed'
  | 'size-mismatch'
  | 'hash-mismatch'
  | 'expired'
  /** Our own disk. */
  | 'spool';

/** Those that another attempt may mend. */
const TRANSIENT = new Set<FetchFailure>(['unresolved', 'unreachable', 'timeout', 'spool']);

/** RFC 9110 15.5.9, RFC 8470 5.2, RFC 6585 4; beside every 5xx. */
const TRANSIENT_STATUS = new Set([408, 425, 429]);

export class FetchError extends SipPushError {
  readonly status: number | undefined;
  /** Seconds, where the server named them. */
  readonly retryAfter: number | undefined;

  constructor(
    readonly code: FetchFailure,
    message: string,
    options: ErrorOptions & { status?: number; retryAfter?: number } = {},
  ) {
    super(`${code}: ${message}`, options);
    this.status = options.status;
    this.retryAfter = options.retryAfter;
  }

  /** For an answer that is no success. A Retry-After that is a date counts as none: our clock may be another. */
  static ofStatus({ status, headers }: { status: number; headers: Readonly<Record<string, string>> }) {
    const seconds = Number.parseInt(headers['retry-after'] ?? '', 10);
    const retryAfter = seconds > 0 ? { retryAfter: seconds } : {};
    return new FetchError('status', `the server answered ${status}`, { status, ...retryAfter });
  }

  /** Whether the same request may succeed later. */
  get transient(): boolean {
    const { code, status = 0 } = this;
    return code === 'status' ? status >= 500 || TRANSIENT_STATUS.has(status) : TRANSIENT.has(code);
  }
}
