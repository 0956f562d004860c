/** Events of a Push Receiver Agent, in the form that `sip-push host --json` prints. */

import { isRetryable } from '../app/contract/outcome.js';
import type { PushMode } from '../app/contract/push.js';
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

/** A push that an application accepted or refused. */
export interface EndedPush {
  push: { app: { eventAppId: string }; from: string; fileName?: string };
  mode: PushMode;
  type: MediaType;
  outcome: Outcome;
  /** Size of the content in bytes, as the application received it. */
  size: number;
  sha256: string;
  /** Status that the sender received. */
  status: number;
}

/** Content that arrives in session mode. */
export interface ArrivingContent {
  /** Id of the push; the same if the transfer resumes. */
  id: string;
  /** event-app-id of the application. */
  app: string;
  /** Asserted identity of the sender. */
  from: string;
  /** Media type. */
  contentType: string;
  /** Name of the file, if the sender declared it. */
  fileName?: string;
  /** Size in bytes, if the sender declared it. */
  size?: number;
  /** Bytes that have arrived without a gap, including those of earlier attempts. */
  received: number;
}

/** An event of a Push Receiver Agent. */
export type ReceiverEvent =
  | {
      /** The device is registered. */
      event: 'registered';
      /** Public identity of the user. */
      identity: string;
      /** event-app-ids of the loaded applications. */
      apps: readonly string[];
      /** Seconds that the core granted. */
      expires: number;
      /** Public GRUU, if the core assigned one. */
      publicGruu?: string;
      /** Temporary GRUU, if the core assigned one. */
      temporaryGruu?: string;
    }
  | {
      /** A registration failed. */
      event: 'registration-failed';
      /** SIP status; absent without a response. */
      status?: number;
      /** What failed, for people. */
      reason: string;
      /** Seconds until the next attempt. */
      retryInSeconds?: number;
    }
  | {
      /** A Push Sender Agent answered what it supports (5.1-13, 5.1-14). */
      event: 'negotiated';
      /** URI of the sender, as configured. */
      sender: string;
      /** event-app-ids of the applications that it pushes for. */
      apps: readonly string[];
      /** SIP methods that it supports. */
      methods: readonly string[];
    }
  | {
      /** The capability negotiation with a sender failed. The sender can push nevertheless. */
      event: 'negotiation-failed';
      /** URI of the sender, as configured. */
      sender: string;
      /** SIP status; absent without a response. */
      status?: number;
      /** What failed, for people. */
      reason: string;
      /** Seconds until the next attempt; absent if that is the next registration. */
      retryInSeconds?: number;
    }
  | {
      /** A push was accepted, was refused, or failed. */
      event: 'push';
      /** Id of the push, stable over redelivery. */
      id: string;
      /** event-app-id of the application. */
      app: string;
      /** How the push arrived. */
      mode: PushMode;
      /** Asserted identity of the sender. */
      from: string;
      /** Media type. */
      contentType: string;
      /** Size in bytes. */
      size: number;
      /** SHA-256 of the content in hexadecimal; empty if it was not read to its end. */
      sha256: string;
      /** Name of the file, if the sender declared it. */
      fileName?: string;
      /** `accepted`, `refused` by a check or an application, or `failed`. */
      outcome: 'accepted' | 'refused' | 'failed';
      /** Status that the sender received. */
      status: number;
      /** Why the push was not accepted, for people. */
      reason?: string;
    }
  | ({
      /** Session mode: content is arriving. About once a second, for transfers that take longer. */
      event: 'receiving';
    } & ArrivingContent)
  | ({
      /** Session mode: a transfer failed, and its push was not confirmed. */
      event: 'broken-off';
      /** Whether the received bytes are kept for a resumed transfer. */
      resumable: boolean;
      /** Why the transfer failed, for people. */
      reason: string;
    } & ArrivingContent)
  | ({
      /** A request was refused before an application received it. */
      event: 'refused';
      /** event-app-ids of the addressed applications; absent if the sender is not trusted or the request malformed. */
      apps?: readonly string[];
    } & RefusedRequest)
  | {
      /** The device is connected to a server of the core. */
      event: 'connected';
      /** URI of the server. */
      server: string;
    }
  | {
      /** A connection was lost, or an attempt to connect failed. */
      event: 'disconnected';
      /** URI of the server. */
      server: string;
      /** Why, for people. */
      reason: string;
    };

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
    fileName,
    outcome: outcome.accepted ? 'accepted' : outcome.kind === 'failed' ? 'failed' : 'refused',
    status,
    reason: outcome.accepted ? undefined : outcome.reason,
  };
}

/** The event of a push in session mode. Size and digest are known if all content arrived. */
export function sessionPushEvent(
  push: IncomingTransfer,
  { size = 0, sha256 = '', ...outcome }: TransferOutcome,
  status: number,
): ReceiverEvent {
  return pushEvent({ push, mode: 'session', type: push.type, outcome, size, sha256, status });
}

/** The event of a transfer in progress. */
export function receivingEvent(incoming: IncomingTransfer, transfer: Arriving): ReceiverEvent {
  return { event: 'receiving', ...arriving(incoming, transfer) };
}

/** The event of a failed transfer. */
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
    fileName,
    size,
    received,
  };
}

/** The event of a push by reference that was confirmed before its content was retrieved. */
export function lateEvent({ record, outcome, retrieved = { size: 0, sha256: '' } }: LateEnd): ReceiverEvent {
  const { app, reference } = record;
  const push = { ...record, app: { eventAppId: app } };
  return pushEvent({ push, mode: 'indirect', type: reference.type, outcome, ...retrieved, status: 200 });
}
