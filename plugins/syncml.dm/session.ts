/** How a DM session is started: by whoever is given as `startSession`. */

import type { DmUiMode } from 'sip-push/formats';

/** What an alert says; also what the host is told of it. */
export interface DmAlert {
  /** 0 to 65535 */
  readonly sessionId: number;
  readonly serverId: string;
  readonly uiMode: DmUiMode;
  readonly initiator: 'client' | 'server';
  /** `1.2` */
  readonly version: string;
  /** Whether its digest shows that the server knows the password. */
  readonly verified: boolean;
}

export interface DmSessionRequest extends DmAlert {
  /**
   * The server used a fallback nonce: it has lost the nonce of the last session. Nonce resynchronisation (DM
   * protocol): the session begins with credentials made of the nonce 0x00000000.
   */
  readonly resynchronise: boolean;
}

/** What a session left. */
export interface DmSessionResult {
  /** What the device gave the server for its next credentials: the next alert's digest is made of it. */
  readonly nonce?: Uint8Array;
}

/**
 * Resolves when the session has been held, or is somebody else's to hold from now on. Rejects when it could not be
 * started: it is asked for again, later, unless the error's `transient` is false. `signal` aborts when the application stops.
 */
export type StartSession = (
  request: DmSessionRequest,
  signal: AbortSignal,
) => Promise<DmSessionResult | undefined>;
