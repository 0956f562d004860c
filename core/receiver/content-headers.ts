/** Headers that describe content, as an application has them: Content-*, and those of a Push Message. */

import { type MediaType, memoryContent, readAll } from '../content/content.js';
import { type ContentCoding, decodeStream, parseContentEncoding } from '../content/content-coding.js';
import { EXTERNAL_BODY, type ExternalBody, parseExternalBody } from '../content/external-body.js';
import { formatMediaType, parseMediaType } from '../content/media-type.js';
import type { SipRequest } from '../sip/message/message.js';

const DESCRIBING = /^(content-|x-wap-|x-oma-)/i;

/** Names in lower case. */
export function describingHeaders(
  headers: Iterable<readonly [name: string, value: string]>,
): Record<string, string> {
  const described: Record<string, string> = {};
  for (const [name, value] of headers) {
    if (!DESCRIBING.test(name)) continue;
    const key = name.toLowerCase();
    // RFC 3261 7.3.1: lines of one name are one list.
    described[key] = key in described ? `${described[key]}, ${value}` : value;
  }
  return described;
}

/** What a MESSAGE carries: content, compressed or not, or a reference to it (TS 8.1.1 step 4, RFC 4483). */

/** Bytes that a compressed body may unfold to, in memory, where its application names no less. */
const MAX_UNFOLDED = 16 * 1024 * 1024;

/** A few headers, compressed by somebody who compresses everything. */
const MAX_UNFOLDED_REFERENCE = 65_536;

/** What a request says of its body. */
export interface CarriedContent {
  /** Of the content itself, wherever it is. */
  readonly type: MediaType;
  /** Where it is; absent when it is the body. */
  readonly reference?: ExternalBody;
  /** Of the body, outermost last. */
  readonly codings: readonly ContentCoding[];
  /** Headers that describe the content, names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Undefined when the request says no type.
 * @throws UnknownCodingError; MalformedError for a reference that says nothing; LimitError for one that unfolds too far.
 */
export async function readCarried(request: SipRequest): Promise<CarriedContent | undefined> {
  const type = parseMediaType(request.headers.get('Content-Type') ?? '');
  if (!type) return undefined;
  const codings = parseContentEncoding(request.headers.getAll('Content-Encoding').join(','));
  const headers = describingHeaders(request.headers.entries());
  if (type.type !== EXTERNAL_BODY) {
    return { type, codings, headers: codings.length === 0 ? headers : headersOf(type, headers) };
  }
  const reference = parseExternalBody(type, await unfoldedBody(request, codings, MAX_UNFOLDED_REFERENCE));
  // What the reference says of the content is closer to it than what the request says of the reference.
  const described = headersOf(reference.type, { ...headers, ...reference.headers });
  return { type: reference.type, reference, codings, headers: described };
}

/** Of the content as its application has it, where that is not the body: its codings are undone by then. */
function headersOf(type: MediaType, headers: Readonly<Record<string, string>>): Record<string, string> {
  const { 'content-encoding': _encoding, 'content-length': _length, ...others } = headers;
  return { ...others, 'content-type': formatMediaType(type) };
}

/** The content of a body. @throws MalformedError when it is not coded as it says, LimitError when it is too large. */
export async function contentOf(
  request: SipRequest,
  { type, codings }: CarriedContent,
  limit = MAX_UNFOLDED,
) {
  return memoryContent(type, await unfoldedBody(request, codings, Math.min(limit, MAX_UNFOLDED)));
}

async function unfoldedBody(
  { body }: SipRequest,
  codings: readonly ContentCoding[],
  limit: number,
): Promise<Uint8Array> {
  if (codings.length === 0) return body;
  const coded = memoryContent({ type: 'application/octet-stream', parameters: {} }, body);
  return await readAll(decodeStream(coded.open(), codings, limit), limit);
}
