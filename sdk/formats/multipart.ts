/**
 * Multipart content: `multipart/*` of MIME and `application/vnd.wap.multipart.*` of WSP, in memory (`decodeMultipart`)
 * or as a stream (`readMultipart`, with `leafParts` for nested ones).
 */

export { type HeaderList, headerOf } from '../../core/content/http-headers.js';
export { withBoundary } from '../../core/content/multipart/boundary.js';
export { leafParts } from '../../core/content/multipart/leaf-parts.js';
export {
  decodeMultipart,
  encodeMultipart,
  isMultipart,
  readMultipart,
  writeMultipart,
} from '../../core/content/multipart/multipart.js';
export type { ContentPart, Part, StreamedPart, StreamedParts } from '../../core/content/multipart/part.js';
