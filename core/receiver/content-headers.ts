/** The content that a MESSAGE carries: the body, encoded or not, or a reference (TS 8.1.1 step 4, RFC 4483). */

import { type Content, type MediaType, memoryContent, readAll } from '../content/content.js';
import { type ContentCoding, decodeStream, parseContentEncoding } from '../content/content-coding.js';
import { EXTERNAL_BODY, type ExternalBody, parseExternalBody } from '../content/external-body.js';
import { formatMediaType, parseMediaType } from '../content/media-type.js';
import type { SipRequest } from '../sip/message/message.js';

/** The largest decoded body, in bytes, if the application declares no smaller limit: it is in memory. */
const MAX_DECODED = 16 * 1024 * 1024;

/** The largest decoded reference, in bytes: a few headers. */
const MAX_DECODED_REFERENCE = 65_536;

const DESCRIBING = /^(content-|x-wap-|x-oma-)/i;

/** The headers that describe content, as its application receives them; names in lower case. */
export function describingHeaders(
  headers: Iterable<readonly [name: string, value: string]>,
): Record<string, string> {
  const described: Record<string, string> = {};
  for (const [name, value] of headers) {
    if (!DESCRIBING.test(name)) continue;
    const key = name.toLowerCase();
    // RFC 3261 §7.3.1: several lines with the same name are one list.
    described[key] = key in described ? `${described[key]}, ${value}` : value;
  }
  return described;
}

/** The headers of a request that describe its body. */
export interface CarriedContent {
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
export async function readCarried(request: SipRequest): Promise<CarriedContent | undefined> {
  const type = parseMediaType(request.headers.get('Content-Type') ?? '');
  if (!type) return undefined;
  const encoding = request.headers.getAll('Content-Encoding').join(',');
  const codings = encoding === '' ? [] : parseContentEncoding(encoding);
  const headers = describingHeaders(request.headers.entries());
  if (type.type !== EXTERNAL_BODY) {
    return { type, codings, headers: codings.length === 0 ? headers : headersOf(type, headers) };
  }
  const reference = parseExternalBody(type, await decodedBody(request, codings, MAX_DECODED_REFERENCE));
  // The reference describes the content; the request describes the reference.
  const described = headersOf(reference.type, { ...headers, ...reference.headers });
  return { type: reference.type, reference, codings, headers: described };
}

/** The headers of content that is not the body as sent: decoded, or retrieved. */
function headersOf(type: MediaType, headers: Readonly<Record<string, string>>): Record<string, string> {
  const { 'content-encoding': _encoding, 'content-length': _length, ...others } = headers;
  return { ...others, 'content-type': formatMediaType(type) };
}

/** The decoded body. @throws MalformedError if its coding is invalid, LimitError if it is too large. */
export async function contentOf(
  request: SipRequest,
  { type, codings }: CarriedContent,
  limit = MAX_DECODED,
): Promise<Content> {
  return memoryContent(type, await decodedBody(request, codings, Math.min(limit, MAX_DECODED)));
}

async function decodedBody(
  { body }: SipRequest,
  codings: readonly ContentCoding[],
  limit: number,
): Promise<Uint8Array> {
  if (codings.length === 0) return body;
  const coded = memoryContent({ type: 'application/octet-stream', parameters: {} }, body);
  return await readAll(decodeStream(coded.open(), codings, limit), limit);
}
