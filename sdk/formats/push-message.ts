/**
 * Push messages: their headers, the WSP PDU that carries them over UDP and SMS, and the envelope
 * application/vnd.oma.push. Its layout is not published: see `textEnvelope`.
 */

export {
  formatPushHeaders,
  PUSH_ENVELOPE_TYPE,
  type PushEnvelope,
  type PushHeaders,
  type PushMessage,
  pushHeadersOf,
  textEnvelope,
} from '../../core/content/push-message.js';
export { rawContentType } from '../../core/content/raw-content.js';
export { applicationIdOfCode, codeOfApplicationId } from '../../core/content/wsp/application-ids.js';
export {
  decodeHeaders as decodeWspHeaders,
  encodeHeaders as encodeWspHeaders,
  type WspHeaders,
  type WspRawHeader,
} from '../../core/content/wsp/headers.js';
export { decodePushPdu, encodePushPdu, type PushPdu } from '../../core/content/wsp/push-pdu.js';
