/** M-Retrieve.conf (OMA-TS-MMS_ENC 6.3) and M-Acknowledge.ind (6.4). */

import { ConfigurationError } from '../../errors.js';
import type { MediaType } from '../content.js';
import { isMultipart, readParts } from '../multipart/multipart.js';
import { OctetSource, PartBody } from '../multipart/octet-source.js';
import { partsFrom, type StreamedPart, type StreamedParts } from '../multipart/part.js';
import { readContentType, writeContentType } from '../wsp/content-type.js';
import { type OctetReader, OctetWriter } from '../wsp/octets.js';
import { type MmsRetrieveStatus, messageClass, retrieveStatus } from './codes.js';
import {
  decisive,
  definePdu,
  optional,
  readTolerantly,
  repeated,
  required,
  type WithRawFields,
} from './pdu.js';
import {
  boolean,
  date,
  encodedString,
  enumerated,
  from,
  longInteger,
  type MmsTime,
  textString,
  time,
  version,
} from './values.js';

interface RetrievalFields {
  /** Present if the MMSC expects an M-Acknowledge.ind. */
  readonly transactionId?: string;
  /** MMS version of the MMSC, `1.2`. */
  readonly version: string;
  readonly messageId?: string;
  readonly date: Date;
  /** As on the wire, `+15550100/TYPE=PLMN`; absent if it is hidden. */
  readonly from?: string;
  readonly to?: readonly string[];
  readonly cc?: readonly string[];
  readonly subject?: string;
  /** `personal`, `advertisement`, `informational`, `auto`, or a class of the operator's own. */
  readonly messageClass?: string;
  readonly priority?: 'low' | 'normal' | 'high';
  readonly deliveryReport?: boolean;
  /** Whether the sender wants to know that the message was read. */
  readonly readReport?: boolean;
  /** Absent means `ok`. */
  readonly retrieveStatus?: MmsRetrieveStatus;
  readonly retrieveText?: string;
  readonly replyCharging?: 'requested' | 'requested-text-only' | 'accepted' | 'accepted-text-only';
  readonly replyChargingDeadline?: MmsTime;
  /** Octets. */
  readonly replyChargingSize?: number;
  readonly replyChargingId?: string;
  readonly applicId?: string;
  readonly replyApplicId?: string;
  readonly auxApplicInfo?: string;
  readonly drmContent?: boolean;
  /** Message-ID of the message that this one replaces. */
  readonly replaceId?: string;
}

/** The header of an M-Retrieve.conf. */
export type MmsRetrievalHeader = RetrievalFields & WithRawFields;

/** An M-Retrieve.conf in memory. */
export type MmsRetrieval = MmsRetrievalHeader & {
  /** Absent if `retrieveStatus` is a failure. Use `decodeMultipart` for a multipart type. */
  readonly content?: {
    /** Media type of the message. */
    readonly type: MediaType;
    /** Bytes of the message. */
    readonly body: Uint8Array;
  };
};

/** An M-Retrieve.conf as it arrives. */
export type MmsStreamedRetrieval = MmsRetrievalHeader & {
  /**
   * Absent if `retrieveStatus` is a failure. Content that is not a multipart is one part. Call `parts.return()` if you
   * do not read all parts: it cancels the stream.
   */
  readonly content?: {
    /** Media type of the message. */
    readonly type: MediaType;
    /** Parts of the message, as they arrive. */
    readonly parts: StreamedParts;
  };
};

const TYPE = 'M-Retrieve.conf';
const CONTENT_TYPE = 0x84;
/** Octets before the content, enough for a thousand recipients. */
const MAX_HEADER = 65_536;

const retrievalCodec = definePdu<RetrievalFields>(TYPE, {
  transactionId: optional('X-Mms-Transaction-ID', textString),
  version: required('X-Mms-MMS-Version', version),
  messageId: optional('Message-ID', textString),
  date: required('Date', date),
  from: optional('From', from),
  to: repeated('To', encodedString),
  cc: repeated('Cc', encodedString),
  subject: optional('Subject', encodedString),
  messageClass: optional('X-Mms-Message-Class', messageClass),
  priority: optional('X-Mms-Priority', enumerated(['low', 'normal', 'high'])),
  deliveryReport: optional('X-Mms-Delivery-Report', boolean),
  readReport: optional('X-Mms-Read-Report', boolean),
  // It says whether there is a message.
  retrieveStatus: decisive('X-Mms-Retrieve-Status', retrieveStatus),
  retrieveText: optional('X-Mms-Retrieve-Text', encodedString),
  replyCharging: optional(
    'X-Mms-Reply-Charging',
    enumerated(['requested', 'requested-text-only', 'accepted', 'accepted-text-only']),
  ),
  replyChargingDeadline: optional('X-Mms-Reply-Charging-Deadline', time),
  replyChargingSize: optional('X-Mms-Reply-Charging-Size', longInteger),
  replyChargingId: optional('X-Mms-Reply-Charging-ID', textString),
  applicId: optional('X-Mms-Applic-ID', textString),
  replyApplicId: optional('X-Mms-Reply-Applic-ID', textString),
  auxApplicInfo: optional('X-Mms-Aux-Applic-Info', textString),
  drmContent: optional('X-Mms-DRM-Content', boolean),
  replaceId: optional('X-Mms-Replace-ID', textString),
});

/** @throws MalformedError naming the field, its offset, and what was expected. */
export function decodeRetrieval(pdu: Uint8Array): MmsRetrieval {
  const { header, type, length } = readTolerantly(pdu, TYPE, readHeader);
  return { ...header, content: type === undefined ? undefined : { type, body: pdu.slice(length) } };
}

/** @throws ConfigurationError if a value does not fit its field, or a message has neither content nor a failure. */
export function encodeRetrieval({ content, ...header }: MmsRetrieval): Uint8Array {
  const writer = new OctetWriter();
  retrievalCodec.writeHeader(writer, header);
  if (content) {
    writeContentType(writer.octet(CONTENT_TYPE), content.type);
    writer.octets(content.body);
  } else if (!isFailure(header)) {
    throw new ConfigurationError(`${TYPE}: missing content: expected content or a failure in retrieveStatus`);
  }
  return writer.finish();
}

/**
 * Reads a message from a stream: its header, then its parts in order. The stream is cancelled if the message is
 * malformed.
 *
 * @throws MalformedError naming the field, its offset, and what was expected there; what the stream throws.
 */
export async function readRetrieval(stream: ReadableStream<Uint8Array>): Promise<MmsStreamedRetrieval> {
  const source = new OctetSource(stream);
  try {
    await source.fill(MAX_HEADER);
    const within = source.ended ? TYPE : `${TYPE}, first ${MAX_HEADER} octets`;
    const { header, type, length } = readTolerantly(source.buffered, within, readHeader);
    source.skip(length);
    if (type) return { ...header, content: { type, parts: partsFrom(source, partsOf(type, source)) } };
    await source.cancel();
    return header;
  } catch (error) {
    await source.cancel();
    throw error;
  }
}

function readHeader(reader: OctetReader): { header: MmsRetrievalHeader; type?: MediaType; length: number } {
  const header = retrievalCodec.readHeader(reader);
  if (reader.atEnd) {
    if (!isFailure(header)) throw reader.failure('Content-Type', 'this mandatory field');
    return { header, length: reader.offset };
  }
  // The header ends with Content-Type.
  reader.octet('Content-Type');
  // Where the content starts depends on its length.
  const value = reader.withLengths(true);
  const type = readContentType(value, 'Content-Type');
  return { header: { ...header, warnings: reader.warnings }, type, length: value.offset };
}

function isFailure({ retrieveStatus = 'ok' }: MmsRetrievalHeader): boolean {
  return retrieveStatus !== 'ok';
}

async function* partsOf(type: MediaType, source: OctetSource): AsyncGenerator<StreamedPart, void, undefined> {
  if (isMultipart(type.type)) {
    yield* readParts(type, source);
    return;
  }
  const body = new PartBody(() => source.next());
  yield { type, headers: [], body: body.stream };
  await body.finish();
}

interface AcknowledgeFields {
  /** Transaction-ID of the M-Retrieve.conf. */
  readonly transactionId: string;
  /** `1.2` */
  readonly version: string;
  /** Whether the MMSC may report the delivery to the sender; true by default. */
  readonly reportAllowed?: boolean;
}

/** M-Acknowledge.ind: the device confirms a retrieved message. */
export type MmsAcknowledge = AcknowledgeFields & WithRawFields;

const acknowledgeCodec = definePdu<AcknowledgeFields>('M-Acknowledge.ind', {
  transactionId: required('X-Mms-Transaction-ID', textString),
  version: required('X-Mms-MMS-Version', version),
  reportAllowed: optional('X-Mms-Report-Allowed', boolean),
});

/** @throws MalformedError naming the field, its offset, and what was expected. */
export const decodeAcknowledge: (pdu: Uint8Array) => MmsAcknowledge = acknowledgeCodec.decode;

/** @throws ConfigurationError if a value does not fit its field. */
export const encodeAcknowledge: (acknowledge: MmsAcknowledge) => Uint8Array = acknowledgeCodec.encode;
