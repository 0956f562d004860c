/** The PDUs Push and ConfirmedPush of WSP, which push gateways send over UDP and SMS (WAP-230 8.2.4). */

import { ConfigurationError } from '../../errors.js';
import type { MediaType } from '../content.js';
import { readContentType, writeContentType } from './content-type.js';
import { readHeaders, versionOf, type WspHeaders, writeHeaders } from './headers.js';
import { readUintvar, writeUintvar } from './integers.js';
import { OctetReader, OctetWriter } from './octets.js';
import { parseVersion } from './values.js';

/** A connectionless WSP Push (WAP-230 §8.2.4.1), which carries a push message over UDP and SMS. */
export interface PushPdu extends WspHeaders {
  /** 0 to 255. A repeated PDU has the same id. */
  readonly transactionId: number;
  /** ConfirmedPush: the receiver must acknowledge, which requires a session. */
  readonly confirmed?: boolean;
  /** Media type of the body. */
  readonly type: MediaType;
  /** Bytes of the content. */
  readonly body: Uint8Array;
}

const PUSH = 0x06;
const CONFIRMED_PUSH = 0x07;

/**
 * Decodes a push. Its headers are text: `X-Wap-Application-Id: x-wap-application:mms.ua`.
 *
 * @throws MalformedError naming the header, its offset, and what was expected.
 */
export function decodePushPdu(pdu: Uint8Array): PushPdu {
  const reader = new OctetReader(pdu, 'WSP Push');
  const transactionId = reader.octet('TID');
  const start = reader.offset;
  const kind = reader.octet('type');
  if (kind !== PUSH && kind !== CONFIRMED_PUSH) {
    throw reader.failure('type', '06 (Push) or 07 (ConfirmedPush)', start);
  }
  const block = reader.within(readUintvar(reader, 'headers length'), 'headers');
  return {
    transactionId,
    confirmed: kind === CONFIRMED_PUSH || undefined,
    type: readContentType(block, 'Content-Type'),
    ...readHeaders(block),
    body: reader.rest().slice(),
    warnings: reader.warnings,
  };
}

/**
 * Encodes a push. Headers have codes up to `version`, or up to the header Encoding-Version; later headers have names.
 *
 * @param push the push.
 * @param version version of the receiver's WSP encoding, `1.3`.
 * @throws ConfigurationError if a value does not fit its header.
 */
export function encodePushPdu(push: PushPdu, version?: string): Uint8Array {
  const { transactionId, confirmed = false, type, body } = push;
  if (!Number.isInteger(transactionId) || transactionId < 0 || transactionId > 0xff) {
    throw new ConfigurationError(`invalid transaction id ${transactionId}: expected 0 to 255`);
  }
  const limit = version === undefined ? versionOf(push.headers) : parseVersion(version);
  const block = new OctetWriter();
  writeContentType(block, type, limit);
  writeHeaders(block, push, limit);
  const octets = block.finish();
  const writer = new OctetWriter().octet(transactionId).octet(confirmed ? CONFIRMED_PUSH : PUSH);
  writeUintvar(writer, octets.length);
  return writer.octets(octets).octets(body).finish();
}
