/**
 * Multipart content: `multipart/*` of MIME and `application/vnd.wap.multipart.*` of WSP, in memory (`decodeMultipart`)
 * or as a stream (`readMultipart`).
 */

export { type HeaderList, headerOf } from '../../core/content/http-headers.js';
export { withBoundary } from '../../core/content/multipart/boundary.js';
export {
  decodeMultipart,
  encodeMultipart,
  isMultipart,
  readMultipart,
  writeMultipart,
} from '../../core/content/multipart/multipart.js';
export type { ContentPart, Part, StreamedPart, StreamedParts } from '../../core/content/multipart/part.js';
