/**
 * The wire formats of pushed content, for applications and for senders.
 *
 * @example Write and read a service indication
 * ```ts
 * import { serviceIndication } from 'sip-push/formats';
 *
 * const octets = serviceIndication.toWbxml({
 *   href: 'https://mail.example/inbox',
 *   action: 'signal-high',
 *   text: 'New mail',
 * });
 * const { href, text } = serviceIndication.fromWbxml(octets);
 * console.log(href, text);
 * ```
 * @module sip-push/formats
 */

export { decodeBase64, encodeBase64, sha256 } from '../../core/content/binary-text.js';
export type { Content, MediaType } from '../../core/content/content.js';
export { memoryContent } from '../../core/content/content.js';
export { formatMediaType, parseMediaType } from '../../core/content/media-type.js';
export { ConfigurationError, MalformedError } from '../../core/errors.js';
export * from './device-management.js';
export * from './documents.js';
export * from './mms.js';
export * from './multipart.js';
export * from './push-message.js';
