/** What a Push Receiver Agent tells its host, in the shapes that `sip-push host --json` prints. */

import type { PushMode } from '../app/contract.js';
import type { RefusedRequest } from '../sip/refused-request.js';

export type ReceiverEvent =
  | {
      event: 'registered';
      identity: string;
      apps: readonly string[];
      /** Seconds granted. */
      expires: number;
      publicGruu?: string;
      temporaryGruu?: string;
    }
  | { event: 'registration-failed'; status?: number; reason: string; retryInSeconds?: number }
  | {
      event: 'push';
      id: string;
      app: string;
      mode: PushMode;
      from: string;
      contentType: string;
      /** Bytes. */
      size: number;
      sha256: string;
      fileName?: string;
      outcome: 'accepted' | 'refused' | 'failed';
      status: number;
    }
  | ({ event: 'refused' } & RefusedRequest)
  | { event: 'connected'; server: string }
  | { event: 'disconnected'; server: string; reason: string };
