/** Admission of a request: the checks of TS 8.1.1 (MESSAGE) and 8.2.1 (INVITE), in their order. */

import { platform } from '#platform';
import {
  canonicalEventAppId,
  canonicalIari,
  distinctEventAppIds,
  INSTANCE_FEATURE_TAG,
  PUSH_FEATURE_TAG,
  parseEventAppIds,
} from '../app/contract/event-app-id.js';
import type { AppHandle, IncomingPush, PushRuntime, Refusal } from '../app/runtime.js';
import { type Content, type MediaType, memoryContent, readAll } from '../content/content.js';
import { type ContentCoding, decodeStream, parseContentEncoding } from '../content/content-coding.js';
import { CPIM, readWrappedHead } from '../content/cpim.js';
import { EXTERNAL_BODY, type ExternalBody, parseExternalBody } from '../content/external-body.js';
import { parseLenientDate } from '../content/http-headers.js';
import { formatMediaType, matchesMediaRange, readMediaType } from '../content/media-type.js';
import {
  decodedBody,
  TRANSFER_ENCODING,
  transferEncodingOf,
} from '../content/multipart/transfer-encoding.js';
import { MalformedError, PushRefused, type RefusalKind } from '../errors.js';
import { acceptsType, carriedTypes, type MsrpMedia, type MsrpOffer } from '../sdp/index.js';
import type { SipRequest } from '../sip/message/message.js';
import { acceptContactParameters } from '../sip/values/accept-contact.js';
import { assertedIdentities, calledIdentity, type TrustList } from '../sip/values/asserted-identity.js';

/** The receiver refuses a request before an application sees it. */
export class RequestRefusedError extends PushRefused {
  /** The largest size that would be accepted, in bytes. */
  readonly maxSize: number | undefined;
  /** An application decided, before the transfer. */
  readonly byApplication: boolean;

  /** @param details `retryAfter`: seconds, if the refusal is transient. */
  constructor(
    kind: RefusalKind,
    reason: string,
    {
      retryAfter,
      maxSize,
      byApplication = false,
    }: { retryAfter?: number; maxSize?: number; byApplication?: boolean } = {},
  ) {
    super(kind, reason, { retryAfter });
    this.maxSize = maxSize;
    this.byApplication = byApplication;
  }

  get refusal(): Refusal {
    const { kind, message: reason, retryAfter } = this;
    return { kind, reason, retryAfter };
  }
}

/** The push resource of a request: the Push Resource Identifier in its Accept-Contact (7.1, 7.2). */
export interface PushResource {
  /** Canonical, in the order of the request; empty if it contains none. */
  eventAppIds: string[];
  /** The IARI, if the request names an instance of an application (appendix D). */
  iari?: string;
}

export function pushResource(request: SipRequest): PushResource {
  const accepted = acceptContactParameters(request.headers.getAll('Accept-Contact'));
  const valuesOf = (tag: string) =>
    accepted
      .flatMap((parameters) => parseEventAppIds(parameters.get(tag) ?? ''))
      // RFC 3840 §9: a leading ! excludes a feature.
      .filter((value) => !value.startsWith('!'));
  const ids = valuesOf(PUSH_FEATURE_TAG).map(canonicalEventAppId);
  const iari = valuesOf(INSTANCE_FEATURE_TAG).map(canonicalIari)[0];
  return { eventAppIds: distinctEventAppIds(ids), iari };
}

/** The applications that a refused request addresses. Undefined if its sender is not trusted or the request malformed. */
export function addressedApps(request: SipRequest, error: unknown): readonly string[] | undefined {
  if (error instanceof MalformedError) return undefined;
  if (error instanceof RequestRefusedError && error.kind === 'forbidden' && !error.byApplication)
    return undefined;
  const { eventAppIds } = pushResource(request);
  return eventAppIds.length > 0 ? eventAppIds : undefined;
}

export interface AdmissionServices {
  runtime: PushRuntime;
  trust: TrustList;
}

/** The applications, the sender and the target of an admitted request. */
export interface AdmittedRequest {
  resource: PushResource;
  /** The applications that the resource addresses, in the order of the request; at least one. */
  apps: readonly AppHandle[];
  /** The asserted identity of the sender. */
  from: string;
  to: string;
}

/** An INVITE that passed every check of 8.2.1 that applies to all of its files. */
export interface AdmittedInvite extends AdmittedRequest {
  /** Identifies the SIP session. */
  callId: string;
}

/** A push, without its content. */
export type AdmittedPush = Omit<IncomingPush, 'mode' | 'content'>;

/** A MESSAGE that passed every check: the push, and its content or a reference to it. */
export type AdmittedMessage = { push: AdmittedPush } & ({ content: Content } | { reference: ExternalBody });

/**
 * The resource, then the identity (8.1.1-00, 8.2.1-00): both are answered 403. The first check is cheap for any sender,
 * because it reads a bounded part of Accept-Contact.
 * @throws RequestRefusedError, MalformedError
 */
function admit(request: SipRequest, { runtime, trust }: AdmissionServices): AdmittedRequest {
  const resource = pushResource(request);
  const { eventAppIds, iari } = resource;
  if (eventAppIds.length === 0) {
    throw new RequestRefusedError('forbidden', 'no push resource identifier in Accept-Contact');
  }
  const apps = runtime.addressed(eventAppIds, iari);
  if (apps.length === 0) {
    throw new RequestRefusedError('forbidden', `no application for ${eventAppIds.join(', ')}`);
  }
  return { resource, apps, from: trustedSender(request, trust), to: calledIdentity(request) };
}

/** A malformed identity is no identity: 403, not 400. @throws RequestRefusedError */
function trustedSender(request: SipRequest, trust: TrustList): string {
  try {
    const from = trust.trusted(request);
    if (from !== undefined) return from;
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    throw new RequestRefusedError('forbidden', error.message);
  }
  throw untrusted(request);
}

/**
 * What identifies a push: the sender, the resource that it addresses, the sender's name for it, and its content.
 *
 * - Call-ID and file-transfer-id are globally unique (RFC 3261 §8.1.1.4, RFC 5547 §6), and the same when a request is sent
 *   again: after a challenge or another failure with a higher CSeq (§8.1.3.5, §22.2), after a crash with another tag and
 *   branch. So CSeq, tags and branches do not count, nor does the mode.
 * - A sender that uses a name twice for different content, applications or media types sends different pushes.
 * - The resource is that of the request, because the application that accepts it depends on which ones are loaded.
 */
export function pushKey(
  { from, resource }: Pick<AdmittedRequest, 'from' | 'resource'>,
  name: string,
  mediaType: string,
  { size, sha1, ...others }: { size: number | undefined; sha1: string | undefined; [fact: string]: unknown },
): string {
  const { eventAppIds, iari } = resource;
  const facts = [from, eventAppIds, iari, name, mediaType, size, sha1?.toLowerCase()];
  const more = Object.values(others).filter((fact) => fact !== undefined);
  return JSON.stringify([...facts, ...more]);
}

function untrusted(request: SipRequest): RequestRefusedError {
  const asserted = assertedIdentities(request).join(', ');
  return new RequestRefusedError(
    'forbidden',
    asserted ? `"trust" does not include ${asserted}` : 'the SIP/IP core asserts no identity of the sender',
  );
}

/**
 * Resource, identity, media type (8.1.1), then the content coding (RFC 3261 §8.2.3). What a message/cpim contains is
 * admitted, unless an application accepts the container.
 * @throws RequestRefusedError, MalformedError, UnknownCodingError; LimitError if the content is too large.
 */
export async function admitMessage(
  request: SipRequest,
  services: AdmissionServices,
  wrapped = true,
): Promise<AdmittedMessage> {
  const admitted = admit(request, services);
  const { apps, from, to } = admitted;
  const message = withoutTransferEncoding(request);
  const content = await readContentHeaders(message);
  const app = content && acceptingApp(apps, content.type.type);
  if (!app && wrapped && content?.type.type === CPIM) {
    return await admitMessage(await unwrapped(message, content), services, false);
  }
  if (!app) {
    const type = content?.type.type ?? request.headers.get('Content-Type') ?? 'content without a type';
    throw new RequestRefusedError('type', notAccepted(apps, type));
  }
  const { type, reference } = content;
  const { body, headers: sent } = message;
  const identified = reference
    ? {
        size: reference.size,
        sha1: reference.hash,
        url: reference.hash === undefined ? reference.url : undefined,
      }
    : { size: body.length, sha1: platform.hash('sha-1', body) };
  const key = pushKey(admitted, sent.get('Call-ID') ?? '', type.type, identified);
  const push = { app, key, from, to, headers: content.headers };
  if (reference) return { push, reference };
  return { push, content: await contentOf(message, content, app.maxSize) };
}

/**
 * Media types, resource, identity (8.2.1).
 * @param offer undefined if the receiver makes the offer, and the sender selects the types in its answer.
 * @throws RequestRefusedError, MalformedError
 */
export function admitInvite(
  request: SipRequest,
  offer: MsrpOffer | undefined,
  services: AdmissionServices,
): AdmittedInvite {
  if (offer) requireTypes(offer, services.runtime);
  return { ...admit(request, services), callId: request.headers.get('Call-ID') ?? '' };
}

/** 8.2.1-01: checks the types of all lines together, before any other check. */
function requireTypes({ media }: MsrpOffer, runtime: PushRuntime): void {
  const accepted = runtime.acceptedTypes();
  const offered = media.flatMap((line) => ('path' in line && line.port !== 0 ? offeredTypes(line) : []));
  if (offered.some((type) => overlaps(accepted, type))) return;
  const listed = media.flatMap((line) => ('path' in line && line.port !== 0 ? line.acceptTypes : []));
  const types = offered.join(', ') || listed.join(', ') || 'no media line for MSRP';
  throw new RequestRefusedError(
    'type',
    `no application accepts ${types}; accepted types: ${accepted.join(', ') || 'none'}`,
  );
}

/**
 * The types that a line offers: those of its a=accept-types (8.2.1-01), and inside of containers those of its
 * a=accept-wrapped-types (RFC 4975 §8.6), since content is unwrapped. If it describes a file (RFC 5547 §6), only the type
 * of the file, and none if the line cannot carry it.
 */
export function offeredTypes(media: MsrpMedia): readonly string[] {
  const { types } = carriedTypes(media);
  const type = media.file?.selector.type;
  if (type === undefined) return types;
  // Some peers omit the mandatory list.
  return types.length === 0 || acceptsType(types, type) ? [type] : [];
}

/** Whether an offered type or range has a type in common with the accepted ones. */
export function overlaps(accepted: readonly string[], offered: string): boolean {
  const type = readMediaType(offered)?.type ?? offered.trim().toLowerCase();
  if (type === '*') return true;
  if (!type.endsWith('/*')) return acceptsType(accepted, type);
  return accepted.some((range) => range.startsWith(type.slice(0, -1)));
}

/** Why the addressed applications do not receive content of this type. */
export function notAccepted(apps: readonly AppHandle[], type: string): string {
  const ids = [...new Set(apps.map(({ eventAppId }) => eventAppId))];
  const accepted = [...new Set(apps.flatMap(({ accepts }) => accepts))];
  const verb = ids.length === 1 ? 'does' : 'do';
  return `${ids.join(', ')} ${verb} not accept ${type}; accepted types: ${accepted.join(', ')}`;
}

/** The first of these applications that accepts the media type. */
export function acceptingApp(apps: readonly AppHandle[], mediaType: string): AppHandle | undefined {
  return apps.find(({ accepts }) => accepts.some((range) => matchesMediaRange(range, mediaType)));
}

/** The largest decoded body, in bytes, if the application declares no smaller limit: it is in memory. */
const MAX_DECODED = 16 * 1024 * 1024;

/** The largest decoded reference, in bytes: a few headers. */
const MAX_DECODED_REFERENCE = 65_536;

const DESCRIPTIVE = /^(content-|x-wap-|x-oma-)/i;

/** The headers that describe content, as its application receives them; names in lower case. */
export function descriptiveHeaders(
  headers: Iterable<readonly [name: string, value: string]>,
): Record<string, string> {
  const described: Record<string, string> = {};
  for (const [name, value] of headers) {
    if (!DESCRIPTIVE.test(name)) continue;
    const key = name.toLowerCase();
    // RFC 3261 §7.3.1: several lines with the same name are one list.
    described[key] = key in described ? `${described[key]}, ${value}` : value;
  }
  return described;
}

/** The headers of a request that describe its body. */
export interface ContentHeaders {
  /** The type of the content, not of the reference to it. */
  readonly type: MediaType;
  /** Absent if the body is the content. */
  readonly reference?: ExternalBody;
  /** The codings of the body, outermost last. */
  readonly codings: readonly ContentCoding[];
  /** The headers that describe the content, names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Undefined if the request has no media type.
 * @throws UnknownCodingError; MalformedError for an invalid reference; LimitError for a reference that is too large.
 */
export async function readContentHeaders(request: SipRequest): Promise<ContentHeaders | undefined> {
  const type = readMediaType(request.headers.get('Content-Type') ?? '');
  if (!type) return undefined;
  const encoding = request.headers.getAll('Content-Encoding').join(',');
  const codings = encoding === '' ? [] : parseContentEncoding(encoding);
  const headers = descriptiveHeaders(request.headers.entries());
  if (type.type !== EXTERNAL_BODY) {
    return { type, codings, headers: codings.length === 0 ? headers : headersOf(type, headers) };
  }
  const parsed = parseExternalBody(type, await withoutCodings(request, codings, MAX_DECODED_REFERENCE));
  const reference = { ...parsed, expiration: localExpiration(parsed.expiration, request) };
  // The reference describes the content; the request describes the reference.
  const described = headersOf(reference.type, { ...headers, ...reference.headers });
  return { type: reference.type, reference, codings, headers: described };
}

/**
 * The expiration by the date of this device, which can be wrong: the Date of the request is the sender's date when it
 * sends the request (RFC 3261 §20.17).
 */
function localExpiration(expiration: number | undefined, { headers }: SipRequest): number | undefined {
  const date = parseLenientDate(headers.get('Date') ?? '');
  return expiration === undefined || date === undefined ? expiration : Date.now() + expiration - date;
}

/** The headers of content that is not the body as sent: decoded, or retrieved. */
function headersOf(type: MediaType, headers: Readonly<Record<string, string>>): Record<string, string> {
  const { 'content-encoding': _encoding, 'content-length': _length, ...others } = headers;
  return { ...others, 'content-type': formatMediaType(type) };
}

/** SIP needs no transfer encoding (RFC 2045 §6), but gateways from mail and from RCS leave them. @throws RequestRefusedError */
function withoutTransferEncoding(request: SipRequest): SipRequest {
  const encoding = request.headers.get(TRANSFER_ENCODING);
  if (encoding === undefined) return request;
  const transfer = transferEncodingOf([[TRANSFER_ENCODING, encoding]]);
  if (transfer.problem !== undefined) throw new RequestRefusedError('type', transfer.problem);
  if (!transfer.decoder) return request;
  const headers = request.headers.clone();
  headers.delete(TRANSFER_ENCODING);
  return { ...request, headers, body: decodedBody(transfer, request.body) };
}

/** The request with the content of its message/cpim (RFC 3862). @throws MalformedError, LimitError */
async function unwrapped(request: SipRequest, { codings }: ContentHeaders): Promise<SipRequest> {
  const body = await withoutCodings(request, codings, MAX_DECODED);
  const head = readWrappedHead(body);
  if (!head) throw new MalformedError(`${CPIM}: expected headers and an empty line twice`);
  const headers = request.headers.clone();
  headers.delete('Content-Encoding');
  headers.delete('Content-Disposition');
  for (const [name, value] of head.headers) if (DESCRIPTIVE.test(name)) headers.set(name, value);
  headers.set('Content-Type', formatMediaType(head.type));
  return { ...request, headers, body: body.subarray(head.length) };
}

/** The decoded body. @throws MalformedError if its coding is invalid, LimitError if it is too large. */
export async function contentOf(
  request: SipRequest,
  { type, codings }: ContentHeaders,
  limit = MAX_DECODED,
): Promise<Content> {
  return memoryContent(type, await withoutCodings(request, codings, Math.min(limit, MAX_DECODED)));
}

async function withoutCodings(
  { body }: SipRequest,
  codings: readonly ContentCoding[],
  limit: number,
): Promise<Uint8Array> {
  if (codings.length === 0) return body;
  const coded = memoryContent({ type: 'application/octet-stream', parameters: {} }, body);
  return await readAll(decodeStream(coded.open(), codings, limit), limit);
}
