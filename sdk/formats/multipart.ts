/**
 * Content of several parts: MIME's `multipart/*` and WSP's `application/vnd.wap.multipart.*`, which their media
 * types tell apart, in memory (`decodeMultipart`) and as it comes (`readMultipart`), byte for byte.
 */

export { type HeaderList, headerOf } from '../../core/content/headers.js';
export {
  decodeMultipart,
  encodeMultipart,
  isMultipart,
  readMultipart,
  writeMultipart,
} from '../../core/content/multipart/multipart.js';
export { withBoundary } from '../../core/content/multipart/new-boundary.js';
export type {
  ContentPart,
  Part,
  StreamedPart,
  StreamedParts,
} from '../../core/content/multipart/part.js';
