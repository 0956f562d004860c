/** A PAP document: one message in the element `pap`. */

import { attributeOf, element, isElement, type MarkupElement } from '../content/markup.js';
import { parseXmlDocument } from '../content/xml/parser.js';
import { writeXml } from '../content/xml/writer.js';
import { ConfigurationError, MalformedError } from '../errors.js';
import { type BadMessageResponse, readBadMessageResponse, writeBadMessageResponse } from './bad-message.js';
import {
  type CancelMessage,
  type CancelResponse,
  readCancelMessage,
  readCancelResponse,
  writeCancelMessage,
  writeCancelResponse,
} from './cancellation.js';
import {
  type CapabilityQueryMessage,
  type CapabilityQueryResponse,
  readCapabilityQueryMessage,
  readCapabilityQueryResponse,
  writeCapabilityQueryMessage,
  writeCapabilityQueryResponse,
} from './capability-query.js';
import {
  type ResultNotificationMessage,
  type ResultNotificationResponse,
  readResultNotificationMessage,
  readResultNotificationResponse,
  writeResultNotificationMessage,
  writeResultNotificationResponse,
} from './result-notification.js';
import {
  readStatusQueryMessage,
  readStatusQueryResponse,
  type StatusQueryMessage,
  type StatusQueryResponse,
  writeStatusQueryMessage,
  writeStatusQueryResponse,
} from './status-query.js';
import {
  type PushMessage,
  type PushResponse,
  readPushMessage,
  readPushResponse,
  writePushMessage,
  writePushResponse,
} from './submission.js';
import {
  DEFAULT_PAP_VERSION,
  PAP_VERSIONS,
  type PapVersion,
  papDocumentType,
  papVersionOf,
} from './version.js';

/** A message of PAP. `kind` is the name of its element. */
export type PapMessage =
  | PushMessage
  | PushResponse
  | CancelMessage
  | CancelResponse
  | ResultNotificationMessage
  | ResultNotificationResponse
  | StatusQueryMessage
  | StatusQueryResponse
  | CapabilityQueryMessage
  | CapabilityQueryResponse
  | BadMessageResponse;

/** A message, with the version and the product of its document. */
export interface PapDocument {
  /** The message. */
  readonly message: PapMessage;
  /** The version to answer in. */
  readonly version: PapVersion;
  /** Product that wrote the message. */
  readonly productName?: string;
  /** Malformed parts that were left out, in words. */
  readonly warnings?: readonly string[];
}

/** The message is in versions that this package does not know (code 3002). */
export class PapVersionError extends MalformedError {
  static {
    PapVersionError.prototype.name = 'PapVersionError';
  }
}

const TITLE = 'PAP';
/** Malformed parts of one document that are reported. */
const MAX_WARNINGS = 32;

type Warn = (problem: string) => void;
type Codec<Message extends PapMessage> = {
  readonly read: (from: MarkupElement, warn: Warn) => Message;
  readonly write: (message: Message) => MarkupElement;
};

const CODECS: { readonly [Kind in PapMessage['kind']]: Codec<Extract<PapMessage, { kind: Kind }>> } = {
  'push-message': { read: readPushMessage, write: writePushMessage },
  'push-response': { read: readPushResponse, write: writePushResponse },
  'cancel-message': { read: readCancelMessage, write: writeCancelMessage },
  'cancel-response': { read: readCancelResponse, write: writeCancelResponse },
  'resultnotification-message': {
    read: readResultNotificationMessage,
    write: writeResultNotificationMessage,
  },
  'resultnotification-response': {
    read: readResultNotificationResponse,
    write: writeResultNotificationResponse,
  },
  'statusquery-message': { read: readStatusQueryMessage, write: writeStatusQueryMessage },
  'statusquery-response': { read: readStatusQueryResponse, write: writeStatusQueryResponse },
  'ccq-message': { read: readCapabilityQueryMessage, write: writeCapabilityQueryMessage },
  'ccq-response': { read: readCapabilityQueryResponse, write: writeCapabilityQueryResponse },
  'badmessage-response': { read: readBadMessageResponse, write: writeBadMessageResponse },
};

/**
 * Reads a document. Unknown attributes and elements are ignored. A malformed optional attribute is left out with a warning,
 * unless it defines when, how or to whom a push is delivered.
 * @param bytes the document, at most 64 KiB.
 * @param charset the parameter `charset` of its media type.
 * @throws PapVersionError for a version that this package does not know; MalformedError
 */
export function readPapDocument(bytes: Uint8Array, charset?: string): PapDocument {
  const { root, documentType } = parseXmlDocument(bytes, TITLE, charset);
  if (root.name !== 'pap')
    throw new MalformedError(`${TITLE}: invalid root element ${root.name}: expected pap`);
  const version = papVersionOf(documentType);
  if (!version) {
    throw new PapVersionError(
      `${TITLE}: unsupported version in the document type ${JSON.stringify(documentType?.publicId ?? '')}: expected ${PAP_VERSIONS.join(', ')}`,
    );
  }
  const [child, ...more] = root.children.filter(isElement);
  if (!child || more.length > 0)
    throw new MalformedError(`${TITLE}: invalid pap: expected exactly one message`);
  if (!isKind(child.name))
    throw new MalformedError(`${TITLE}: unknown message ${child.name}: expected e.g. push-message`);
  const warnings: string[] = [];
  const message = CODECS[child.name].read(child, (problem) => {
    if (warnings.length < MAX_WARNINGS) warnings.push(`${TITLE}: ${problem}`);
  });
  return {
    message,
    version,
    productName: attributeOf(root, 'product-name'),
    warnings: warnings.length > 0 ? warnings : undefined,
  };
}

function isKind(name: string): name is PapMessage['kind'] {
  return Object.hasOwn(CODECS, name);
}

/**
 * Writes a document in UTF-8.
 * @param message the message.
 * @param version version of its document type; 2.1 by default.
 * @throws ConfigurationError if a value cannot be in a document, or if the version has no replacement of pushes.
 */
export function writePapDocument(
  message: PapMessage,
  { version = DEFAULT_PAP_VERSION, productName }: Partial<Pick<PapDocument, 'version' | 'productName'>> = {},
): Uint8Array {
  if (message.kind === 'push-message' && message.replacePushId !== undefined && version === '1.0') {
    throw new ConfigurationError('invalid PAP version 1.0: expected at least 2.0 for replacePushId');
  }
  const root = element('pap', { 'product-name': productName }, toElement(message));
  return writeXml(root, { documentType: papDocumentType(version) });
}

function toElement<Kind extends PapMessage['kind']>(
  message: Extract<PapMessage, { kind: Kind }>,
): MarkupElement {
  // TypeScript does not relate the kind of the message to that of its codec.
  const codec = CODECS[message.kind] as Codec<PapMessage>;
  return codec.write(message);
}
