/**
 * `sip-push/formats`: the wire formats of what is pushed, for applications and for senders.
 * @module sip-push/formats
 */

export { decodeBase64, encodeBase64 } from '../../core/content/binary-text.js';
export type { Content, MediaType } from '../../core/content/content.js';
export { memoryContent } from '../../core/content/content.js';
export { formatMediaType, parseMediaType } from '../../core/content/media-type.js';
export { ConfigurationError, MalformedError } from '../../core/errors.js';
export * from './device-management.js';
export * from './documents.js';
export * from './mms.js';
export * from './multipart.js';
export * from './push-message.js';
