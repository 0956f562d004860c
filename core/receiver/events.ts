/** What a Push Receiver Agent tells its host, in the shapes that `sip-push host --json` prints. */

import { isRetryable } from '../app/contract/outcome.js';
import type { PushMode } from '../app/contract/push-app.js';
import type {
  IncomingTransfer,
  LateEnd,
  Outcome,
  Refusal,
  Transfer,
  TransferOutcome,
} from '../app/runtime.js';
import type { MediaType } from '../content/content.js';
import { formatMediaType } from '../content/media-type.js';
import type { RefusedRequest } from '../sip/message/message.js';

/** A push that an application took or refused. */
export interface EndedPush {
  push: { app: { eventAppId: string }; from: string; fileName?: string };
  mode: PushMode;
  type: MediaType;
  outcome: Outcome;
  /** Bytes of content as the application has it, and its digest. */
  size: number;
  sha256: string;
  /** What its sender was answered. */
  status: number;
}

/** Content that comes in session mode, as far as it has come. */
export interface ArrivingContent {
  /** Of the push: the same when it is offered again, where it is resumable. */
  id: string;
  app: string;
  from: string;
  contentType: string;
  fileName?: string;
  /** Bytes of all of it, where its sender said. */
  size?: number;
  /** Bytes from the first on that are here, of an earlier attempt among them. */
  received: number;
}

/** What a Push Receiver Agent tells. */
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
      /** A Push Sender Agent has said what it supports (5.1-13, 5.1-14). */
      event: 'negotiated';
      /** Its URI, as configured. */
      sender: string;
      /** event-app-ids of applications that it pushes for. */
      apps: readonly string[];
      /** SIP methods that it takes. */
      methods: readonly string[];
    }
  | {
      /** It was not told what there is here; pushes may come all the same. */
      event: 'negotiation-failed';
      sender: string;
      /** Absent when no response came. */
      status?: number;
      reason: string;
      /** Absent when the next registration decides when to try again. */
      retryInSeconds?: number;
    }
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
      /** Why it was not accepted: for people. Absent when it was. */
      reason?: string;
    }
  /** Session mode: content is coming. About once a second, where that takes longer. */
  | ({ event: 'receiving' } & ArrivingContent)
  /** Session mode: content that did not come to its end, and was not confirmed. */
  | ({
      event: 'broken-off';
      /** What came is kept, for when it is offered again. */
      resumable: boolean;
      reason: string;
    } & ArrivingContent)
  | ({ event: 'refused' } & RefusedRequest)
  | { event: 'connected'; server: string }
  | { event: 'disconnected'; server: string; reason: string };

export function pushEvent({ push, mode, type, outcome, size, sha256, status }: EndedPush): ReceiverEvent {
  const { app, from, fileName } = push;
  return {
    event: 'push',
    id: outcome.pushId ?? '',
    app: app.eventAppId,
    mode,
    from,
    contentType: formatMediaType(type),
    size,
    sha256,
    ...(fileName === undefined ? {} : { fileName }),
    outcome: outcome.taken ? 'accepted' : outcome.kind === 'failed' ? 'failed' : 'refused',
    status,
    ...(outcome.taken ? {} : { reason: outcome.reason }),
  };
}

/** Of content that came in session mode; its size and digest are known where all of it came. */
export function sessionPushEvent(
  push: IncomingTransfer,
  { size = 0, sha256 = '', ...outcome }: TransferOutcome,
  status: number,
): ReceiverEvent {
  return pushEvent({ push, mode: 'session', type: push.type, outcome, size, sha256, status });
}

/** Of a transfer that goes on. */
export function receivingEvent(incoming: IncomingTransfer, transfer: Arriving): ReceiverEvent {
  return { event: 'receiving', ...arriving(incoming, transfer) };
}

/** Of a transfer that was aborted. */
export function brokenOffEvent(
  incoming: IncomingTransfer,
  transfer: Arriving,
  { kind, reason }: Refusal,
): ReceiverEvent {
  const resumable = incoming.resumable && transfer.received > 0 && isRetryable(kind);
  return { event: 'broken-off', ...arriving(incoming, transfer), resumable, reason };
}

type Arriving = Pick<Transfer, 'pushId' | 'received'>;

function arriving(
  { app, from, type, fileName, size }: IncomingTransfer,
  { pushId, received }: Arriving,
): ArrivingContent {
  return {
    id: pushId,
    app: app.eventAppId,
    from,
    contentType: formatMediaType(type),
    ...(fileName === undefined ? {} : { fileName }),
    ...(size === undefined ? {} : { size }),
    received,
  };
}

/** Of a push by reference that was answered 200 when its reference was on disk; content that was never had is empty. */
export function lateEvent({ record, outcome, retrieved = { size: 0, sha256: '' } }: LateEnd): ReceiverEvent {
  const { app, reference } = record;
  const push = { ...record, app: { eventAppId: app } };
  return pushEvent({ push, mode: 'indirect', type: reference.type, outcome, ...retrieved, status: 200 });
}
