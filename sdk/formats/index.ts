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
 * @example Define a document type by its WBXML tokens
 * ```ts
 * import { decodeWbxml, element, encodeWbxml, WbxmlLanguage } from 'sip-push/formats';
 *
 * const channels = new WbxmlLanguage({
 *   title: 'Channel 1.2',
 *   documentType: { publicId: '-//EXAMPLE//DTD CHANNEL 1.2//EN', systemId: 'http://example.test/channel.dtd' },
 *   tags: [{ 0x05: 'channel', 0x06: 'title' }],
 *   attributeStarts: [{ 0x05: ['href'], 0x06: ['href', 'https://'] }],
 *   attributeValues: [{ 0x85: '.example/' }],
 * });
 * const root = element('channel', { href: 'https://news.example/' }, element('title', {}, 'News'));
 * const octets = encodeWbxml({ language: channels, root });
 * console.log(decodeWbxml(octets, channels).root);
 * ```
 * @module sip-push/formats
 */

export { decodeBase64, encodeBase64, sha256 } from '../../core/content/binary-text.js';
export type { Content, MediaType } from '../../core/content/content.js';
export { memoryContent } from '../../core/content/content.js';
export { decodeEncodedWords } from '../../core/content/encoded-words.js';
export { formatMediaType, parseMediaType } from '../../core/content/media-type.js';
export { ConfigurationError, MalformedError } from '../../core/errors.js';
export * from './device-management.js';
export * from './documents.js';
export * from './markup.js';
export * from './mms.js';
export * from './multipart.js';
export * from './push-message.js';
