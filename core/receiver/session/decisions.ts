/** Which files of an offer this device accepts (TS 8.2.1.1): the checks of each line, then the decision of its application. */

import type {
  AppHandle,
  IncomingTransfer,
  Outcome,
  PushRuntime,
  Refusal,
  Transfer,
} from '../../app/runtime.js';
import type { MediaType } from '../../content/content.js';
import { formatMediaType, readMediaType } from '../../content/media-type.js';
import type { FileRange, FileSelector, MsrpMedia, MsrpOffer } from '../../sdp/index.js';
import {
  type AdmittedInvite,
  acceptingApp,
  notAccepted,
  offeredTypes,
  overlaps,
  pushKey,
} from '../admission.js';
import { type ReceiverEvent, sessionPushEvent } from '../events.js';
import { inviteAnswer } from '../outcome.js';

/** The decision on a media line. */
export type Decision =
  /** A described file: it arrives as one message. */
  | { type: 'file'; media: MsrpMedia; file: AcceptedFile }
  /** The line names only media types: each message is a push. */
  | { type: 'messages'; media: MsrpMedia }
  /** `maxSize`: the largest size that would be accepted, in bytes. `byApplication`: not by a check of the host. */
  | { type: 'refused'; refusal: Refusal; maxSize?: number; byApplication?: boolean }
  /** The sender closed the line (RFC 3264 §8.2). */
  | { type: 'closed' };

export interface AcceptedFile {
  incoming: IncomingTransfer;
  destination: Destination;
  /** Offset in the file of the first byte that the sender sends. */
  start: number;
  /** Size limit in bytes. */
  largest: number;
}

/** The destination of a message: a transfer, or nothing if the content was received earlier. */
export type Destination = Transfer | DiscardedContent;
type DiscardedContent = Pick<Transfer, 'write' | 'complete' | 'abort'>;

/** The destination of content that was received earlier, if the sender sends it again. */
export function discarding(outcome: Outcome): DiscardedContent {
  return { write: async () => {}, complete: async () => outcome, abort: async () => outcome };
}

export interface DecisionServices {
  runtime: PushRuntime;
  /** Called for a file that is already complete, before the answer. */
  onEvent?(event: ReceiverEvent): void;
}

/** Decides on the media line at `index` of the offer. Never rejects. */
export async function decideLine(
  media: MsrpOffer['media'][number],
  index: number,
  invite: AdmittedInvite,
  services: DecisionServices,
): Promise<Decision> {
  if (!('path' in media)) return refused('type', `${media.protocol} is not MSRP`);
  if (media.port === 0) return { type: 'closed' };
  // 8.2.2-04: the sender of a push offers to send.
  if (media.direction === 'recvonly' || media.direction === 'inactive') {
    return refused('type', `a=${media.direction}: the offerer does not send`);
  }
  // 8.2.1-08, RFC 4145 §4.1: the receiver opens the connection.
  if (media.setup === 'active' || media.setup === 'holdconn') {
    return refused('type', `a=setup:${media.setup}: expected passive or actpass`);
  }
  const { apps } = invite;
  const types = offeredTypes(media);
  const type = typeOfFile(media, types);
  if (!type) {
    const accepted = apps.flatMap(({ accepts }) => accepts);
    if (types.some((offered) => overlaps(accepted, offered))) return { type: 'messages', media };
    return refused('type', notAccepted(apps, types.join(', ') || media.acceptTypes.join(', ')));
  }
  const app = acceptingApp(apps, type.type);
  if (!app) return refused('type', notAccepted(apps, type.type));
  return await decideFile(media, index, { app, type }, invite, services);
}

/** Undefined if messages of several types can arrive, or the line cannot carry its file. */
function typeOfFile({ file }: MsrpMedia, types: readonly string[]): MediaType | undefined {
  const [only = '', ...others] = types;
  if (!file || others.length > 0) return undefined;
  const type = readMediaType(only);
  return type?.type.includes('*') ? undefined : type;
}

async function decideFile(
  media: MsrpMedia,
  index: number,
  { app, type }: { app: AppHandle; type: MediaType },
  invite: AdmittedInvite,
  { runtime, onEvent }: DecisionServices,
): Promise<Decision> {
  const incoming = transferOf(media, index, { app, type }, invite, onEvent !== undefined);
  const { key, from, fileName, size } = incoming;
  const refusal = await runtime.consider(app, { from, type: type.type, size, fileName }, key);
  if (refusal) {
    return { type: 'refused', refusal, maxSize: runtime.largestTransfer(app), byApplication: true };
  }
  const answer = await runtime.transfer(incoming);
  const largest = runtime.largestTransfer(app);
  if ('known' in answer) return received(media, incoming, answer.known, largest);
  if ('refused' in answer) return { type: 'refused', refusal: answer.refused };
  const { transfer } = answer;
  if (transfer.have > 0 && transfer.have === size) {
    // An earlier session transferred the whole file, but the push was not confirmed: the sender has nothing left to send.
    const outcome = await transfer.complete(size);
    onEvent?.(sessionPushEvent(incoming, outcome, outcome.accepted ? 200 : inviteAnswer(outcome).status));
    if (!outcome.accepted) return { type: 'refused', refusal: outcome };
    return received(media, incoming, outcome, largest);
  }
  const file = { incoming, destination: transfer, start: transfer.have, largest: transfer.largest };
  return { type: 'file', media, file };
}

/**
 * The whole file was received earlier, but its sender does not know it. Success in MSRP is the only answer that each sender
 * understands. The last byte is enough for senders that support the file-range of an answer.
 */
function received(media: MsrpMedia, incoming: IncomingTransfer, outcome: Outcome, largest: number): Decision {
  const start = Math.max(0, (incoming.size ?? 0) - 1);
  return { type: 'file', media, file: { incoming, destination: discarding(outcome), start, largest } };
}

function transferOf(
  media: MsrpMedia,
  index: number,
  { app, type }: { app: AppHandle; type: MediaType },
  invite: AdmittedInvite,
  sha256: boolean,
): IncomingTransfer {
  const { from, to, callId } = invite;
  const { selector = {}, transferId, disposition, range } = media.file ?? {};
  const { size, sha1 } = extentOf(selector, range);
  const resumable = transferId !== undefined && size !== undefined && sha1 !== undefined;
  const headers: Record<string, string> = { 'content-type': formatMediaType(type) };
  // RFC 5547 §6: `render` or `attachment`, as in Content-Disposition.
  if (disposition !== undefined) headers['content-disposition'] = disposition;
  if (media.description !== undefined) headers['content-description'] = media.description;
  return {
    app,
    key: pushKey(invite, transferId ?? callId, type.type, {
      size,
      sha1,
      // Without a name for the file, or a digest of all of it, it is identified by its place in the offer.
      place:
        transferId !== undefined && sha1 !== undefined
          ? undefined
          : [transferId ?? index, selector.name, range?.start],
    }),
    from,
    to,
    type,
    headers,
    fileName: selector.name,
    size,
    sha1,
    sha256,
    resumable,
  };
}

/** The size and digest of what arrives. The digest of the whole file cannot verify a part of it. */
function extentOf(
  { size, sha1 }: FileSelector,
  { start, end = size }: FileRange = { start: 1 },
): Pick<FileSelector, 'size' | 'sha1'> {
  if (start > 1 || end !== size) return end === undefined ? {} : { size: Math.max(end - start + 1, 0) };
  return { size, sha1 };
}

function refused(kind: Refusal['kind'], reason: string): Decision {
  return { type: 'refused', refusal: { kind, reason } };
}
