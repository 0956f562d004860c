/** The interface of `startSession`, which starts a DM session. */

import type { DmUiMode } from 'sip-push/formats';

/** The fields of an alert, and of the event `alert`. */
export interface DmAlert {
  /** 0 to 65535 */
  readonly sessionId: number;
  readonly serverId: string;
  readonly uiMode: DmUiMode;
  readonly initiator: 'client' | 'server';
  /** `1.2` */
  readonly version: string;
  /** Whether the digest proves that the server knows the password. */
  readonly verified: boolean;
}

export interface DmSessionRequest extends DmAlert {
  /**
   * The server used a fallback nonce because it has lost the nonce of the last session. The session must start with
   * credentials that use the nonce 0x00000000 (nonce resynchronisation of the DM protocol).
   */
  readonly resynchronise: boolean;
}

/** The result of a session. */
export interface DmSessionResult {
  /** The nonce that the device sent for the server's next credentials. The next alert's digest uses it. */
  readonly nonce?: Uint8Array;
}

/**
 * Resolves when the session has finished, or another program has taken it over. Rejects if the session could not be
 * started: it is retried later unless the error's `transient` is false. `signal` aborts when the application stops.
 */
export type StartSession = (
  request: DmSessionRequest,
  signal: AbortSignal,
) => Promise<DmSessionResult | undefined>;
