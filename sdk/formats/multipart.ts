/**
 * Content of several parts: MIME's `multipart/*` and WSP's `application/vnd.wap.multipart.*`, which their media
 * types tell apart, in memory (`decodeMultipart`) and as it comes (`readMultipart`), byte for byte.
 */

export { type HeaderList, headerOf } from '../../core/content/http-headers.js';
export { withBoundary } from '../../core/content/multipart/boundary.js';
export { decodeMultipart, encodeMultipart, isMultipart, readMultipart, writeMultipart } from '../../core/content/multipart/multipart.js';
export type { ContentPart, Part, StreamedPart, StreamedParts } from '../../core/content/multipart/part.js';
