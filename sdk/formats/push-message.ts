/**
 * Push messages: their headers, the WSP PDU that carries them over UDP and SMS, and the envelope
 * application/vnd.oma.push, whose layout nobody has published: see `textEnvelope`.
 */

export {
  formatPushHeaders,
  type PushHeaders,
  pushHeadersOf,
} from '../../core/content/push-message/push-headers.js';
export {
  PUSH_ENVELOPE_TYPE,
  type PushEnvelope,
  type PushMessage,
} from '../../core/content/push-message/push-message.js';
export { rawContentType } from '../../core/content/push-message/raw-content.js';
export { textEnvelope } from '../../core/content/push-message/text-envelope.js';
export { applicationIdOfCode, codeOfApplicationId } from '../../core/content/wsp/application-ids.js';
export {
  decodeHeaders as decodeWspHeaders,
  encodeHeaders as encodeWspHeaders,
  type WspHeaders,
  type WspRawHeader,
} from '../../core/content/wsp/headers.js';
export { decodePushPdu, encodePushPdu, type PushPdu } from '../../core/content/wsp/push-pdu.js';
