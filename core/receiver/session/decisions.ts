/** Which files of an offer this device takes: the checks of TS 8.2.1.1 in their order, then each application's say. */

import type { AppHandle, IncomingTransfer, PushRuntime, Refusal, Transfer } from '../../app/runtime.js';
import type { MediaType } from '../../content/content.js';
import { formatMediaType, parseMediaType } from '../../content/media-type.js';
import {
  acceptsType,
  type FileRange,
  type FileSelector,
  type MsrpMedia,
  type MsrpOffer,
} from '../../sdp/index.js';
import type { SipRequest } from '../../sip/message/message.js';
import { calledIdentity, type TrustList } from '../../sip/values/asserted-identity.js';
import { addressedResource, type PushResource, RequestRefused, trustedSender } from '../admission.js';
import { type ReceiverEvent, sessionPushEvent } from '../events.js';
import { inviteAnswer } from '../outcome.js';

/** What a line comes to. */
export type Decision =
  /** A file that is described: it comes as one message. */
  | { type: 'file'; media: MsrpMedia; file: AcceptedFile }
  /** Nothing is said of what will come but its types: each message is a push. */
  | { type: 'messages'; media: MsrpMedia }
  /** It was had before, whole: it need not come again. */
  | { type: 'had' }
  /** `maxSize`: bytes that would be taken, of a file that is too large. */
  | { type: 'refused'; refusal: Refusal; maxSize?: number }
  /** The sender closed it (RFC 3264 8.2). */
  | { type: 'closed' };

export interface AcceptedFile {
  incoming: IncomingTransfer;
  transfer: Transfer;
  /** Bytes of the file ahead of the first that the sender sends. */
  start: number;
}

/** What is the same for every push of a session. */
export interface Addressed {
  resource: PushResource;
  from: string;
  to: string;
  /** Of the SIP session: two of them are never the same. */
  callId: string;
}

export interface DecisionServices {
  runtime: PushRuntime;
  /** A file that came whole the last time is decided on ahead of the answer. */
  onEvent(event: ReceiverEvent): void;
}

/** The checks of TS 8.2.1.1, in their order. @throws TurnedAway, MalformedError */
export function admit(
  request: SipRequest,
  offer: MsrpOffer,
  { runtime, trust }: { runtime: PushRuntime; trust: TrustList },
): Addressed {
  requireTypes(offer, runtime);
  const resource = addressedResource(request, runtime);
  const from = trustedSender(request, trust);
  return { resource, from, to: calledIdentity(request), callId: request.headers.get('Call-ID') ?? '' };
}

/** 8.2.1-01: of all lines together, ahead of anything else. */
function requireTypes({ media }: MsrpOffer, runtime: PushRuntime): void {
  const accepted = runtime.acceptedTypes();
  const offered = media.flatMap((line) => ('path' in line && line.port !== 0 ? typesOf(line) : []));
  if (offered.some((type) => compatible(accepted, type))) return;
  const types = offered.join(', ') || 'no media line for MSRP';
  throw new RequestRefused('type', `no application takes ${types}`);
}

/**
 * Of what will come: RFC 5547 6: the file's own, where it is described. Not what is wrapped (RFC 4975 8.6): nobody here
 * opens a container.
 */
function typesOf({ file, acceptTypes }: MsrpMedia): readonly string[] {
  const type = file?.selector.type;
  return type === undefined ? acceptTypes : [type];
}

function compatible(accepted: readonly string[], offered: string): boolean {
  const type = parseMediaType(offered)?.type ?? offered.trim().toLowerCase();
  if (type === '*') return true;
  if (!type.endsWith('/*')) return acceptsType(accepted, type);
  return accepted.some((range) => range.startsWith(type.slice(0, -1)));
}

/** The line at this place of the offer. Never throws. */
export async function decideLine(
  media: MsrpOffer['media'][number],
  index: number,
  addressed: Addressed,
  services: DecisionServices,
): Promise<Decision> {
  const { runtime } = services;
  if (!('path' in media)) return refused('type', `${media.protocol} is no MSRP`);
  if (media.port === 0) return { type: 'closed' };
  // 8.2.2-04: who pushes sends. An end that does not has nothing for us.
  if (media.direction === 'recvonly' || media.direction === 'inactive') {
    return refused('type', `a=${media.direction}: nothing would come`);
  }
  // 8.2.1-08, RFC 4145 4.1: this end connects, or nobody does.
  if (media.setup === 'active' || media.setup === 'holdconn') {
    return refused('type', `a=setup:${media.setup}: it is for this end to connect`);
  }
  const { eventAppIds, iari } = addressed.resource;
  const types = typesOf(media);
  const type = typeOfFile(media);
  if (!type) {
    const accepted = runtime.acceptedTypes(eventAppIds, iari);
    if (types.some((offered) => compatible(accepted, offered))) return { type: 'messages', media };
    return refused('type', `no application takes ${types.join(', ')}`);
  }
  const app = runtime.resolve(eventAppIds, type.type, iari);
  if (typeof app === 'string') return refused('type', `${eventAppIds.join(', ')} does not take ${type.type}`);
  return await decideFile(media, { app, type, place: `${addressed.callId}\n${index}` }, addressed, services);
}

/** Undefined where messages of several types may come. */
function typeOfFile({ file, acceptTypes }: MsrpMedia): MediaType | undefined {
  if (!file) return undefined;
  const [only = '', ...others] = acceptTypes;
  const text = file.selector.type ?? (others.length === 0 ? only : '');
  const type = parseMediaType(text);
  return type?.type.includes('*') ? undefined : type;
}

async function decideFile(
  media: MsrpMedia,
  { app, type, place }: { app: AppHandle; type: MediaType; place: string },
  { from, to }: Addressed,
  { runtime, onEvent }: DecisionServices,
): Promise<Decision> {
  const { selector = {}, transferId, disposition, range } = media.file ?? {};
  const { name } = selector;
  const { size, sha1 } = extentOf(selector, range);
  const fileName = name === undefined ? {} : { fileName: name };
  const refusal = await runtime.consider(app, {
    from,
    type: type.type,
    size,
    ...fileName,
  });
  if (refusal) return { type: 'refused', refusal, maxSize: runtime.largestTransfer(app) };
  // The same file offered again under the same id is the same push, wherever its session broke off.
  const again = transferId !== undefined && size !== undefined && sha1 !== undefined;
  const incoming: IncomingTransfer = {
    app,
    key: again ? `${from}\n${app.eventAppId}\n${transferId}\n${sha1}\n${size}` : `${from}\n${place}`,
    from,
    to,
    type,
    headers: {
      'content-type': formatMediaType(type),
      // RFC 5547 6: `render` or `attachment`, as in Content-Disposition.
      ...(disposition === undefined ? {} : { 'content-disposition': disposition }),
      ...(media.description === undefined ? {} : { 'content-description': media.description }),
    },
    ...fileName,
    size,
    sha1,
    resumable: again,
  };
  const answer = await runtime.transfer(incoming);
  if ('known' in answer) return { type: 'had' };
  if ('refused' in answer) return { type: 'refused', refusal: answer.refused };
  const { transfer } = answer;
  if (transfer.have > 0 && transfer.have === size) {
    // It came whole the last time, and was not confirmed: nothing is left to send.
    const outcome = await transfer.complete(size);
    const status = outcome.accepted ? 200 : inviteAnswer(outcome).status;
    onEvent(sessionPushEvent(incoming, outcome, status));
    return outcome.accepted ? { type: 'had' } : { type: 'refused', refusal: outcome };
  }
  return { type: 'file', media, file: { incoming, transfer, start: transfer.have } };
}

/** What is to come. Of a part, nobody can say anything by the digest of the whole. */
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
