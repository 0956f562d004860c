/** WSP's Push and ConfirmedPush, as they go over UDP and SMS (WAP-230 8.2.4): what a push gateway sends. */

import { ConfigurationError } from '../../errors.js';
import type { MediaType } from '../content.js';
import { readContentType, writeContentType } from './content-type.js';
import { readHeaders, versionOf, type WspHeaders, writeHeaders } from './headers.js';
import { readUintvar, writeUintvar } from './integers.js';
import { OctetReader, OctetWriter } from './octets.js';
import { parseVersion } from './values.js';

/** A connectionless Push of WSP (WAP-230 8.2.4.1): what carries a push message over UDP and SMS. */
export interface PushPdu extends WspHeaders {
  /** 0 to 255: tells repeated PDUs apart from new ones. */
  readonly transactionId: number;
  /** ConfirmedPush: the receiver is to acknowledge, which takes a session. */
  readonly confirmed?: boolean;
  readonly type: MediaType;
  readonly body: Uint8Array;
}

const PUSH = 0x06;
const CONFIRMED_PUSH = 0x07;

/**
 * `headers` are as text whichever form they came in: `X-Wap-Application-Id: x-wap-application:mms.ua`.
 *
 * @throws MalformedError naming the header, its offset, and what was expected there.
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
    ...(kind === CONFIRMED_PUSH ? { confirmed: true } : {}),
    type: readContentType(block, 'Content-Type'),
    ...readHeaders(block),
    body: reader.rest().slice(),
  };
}

/**
 * Codes where the reader knows them, else names: up to `version`, or up to what the header Encoding-Version says,
 * which is written into the PDU as any other header.
 *
 * @param version of the receiver's WSP encoding, `1.3`
 * @throws ConfigurationError where a value does not fit its header.
 */
export function encodePushPdu(push: PushPdu, version?: string): Uint8Array {
  const { transactionId, confirmed = false, type, body } = push;
  if (!Number.isInteger(transactionId) || transactionId < 0 || transactionId > 0xff) {
    throw new ConfigurationError(`a transaction id is 0 to 255, not ${transactionId}`);
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
