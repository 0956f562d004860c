/** The documents that wml.ua accepts, each as XML or WBXML. */

import {
  type CacheOperation,
  cacheOperation,
  type DocumentCodec,
  MalformedError,
  type ServiceIndication,
  type ServiceLoading,
  serviceIndication,
  serviceLoading,
} from 'sip-push/formats';
import { type Push, PushRefused } from 'sip-push/sdk';

/** Octets. Real documents have a few hundred. */
export const MAX_SIZE = 65_536;
/** Characters of the decoded document. WBXML can refer to one text many times, and hundreds of indications are stored. */
const MAX_CHARACTERS = 16_384;

export type PushDocument =
  | { readonly kind: 'service-indication'; readonly document: ServiceIndication }
  | { readonly kind: 'service-loading'; readonly document: ServiceLoading }
  | { readonly kind: 'cache-operation'; readonly document: CacheOperation };

type Reader = (octets: Uint8Array) => PushDocument;

function readers<T>(
  codec: DocumentCodec<T>,
  of: (document: T) => PushDocument,
): { xml: Reader; wbxml: Reader } {
  return {
    xml: (octets) => of(codec.fromXml(octets)),
    wbxml: (octets) => of(codec.fromWbxml(octets)),
  };
}

const si = readers(serviceIndication, (document) => ({ kind: 'service-indication', document }));
const sl = readers(serviceLoading, (document) => ({ kind: 'service-loading', document }));
const co = readers(cacheOperation, (document) => ({ kind: 'cache-operation', document }));

const READERS: ReadonlyMap<string, Reader> = new Map([
  ['text/vnd.wap.si', si.xml],
  ['application/vnd.wap.sic', si.wbxml],
  ['text/vnd.wap.sl', sl.xml],
  ['application/vnd.wap.slc', sl.wbxml],
  ['text/vnd.wap.co', co.xml],
  ['application/vnd.wap.coc', co.wbxml],
]);

export const MEDIA_TYPES = [...READERS.keys()];

/** @throws PushRefused of kind `type` if the document is malformed, of kind `size` if it is too large when decoded. */
export async function documentOf({ content }: Push): Promise<PushDocument> {
  const { type } = content.type;
  const read = READERS.get(type);
  if (!read)
    throw new PushRefused(
      'type',
      `unsupported media type ${type}: expected one of ${MEDIA_TYPES.join(', ')}`,
    );
  const pushed = readOrRefuse(read, await content.bytes(MAX_SIZE));
  const characters = JSON.stringify(pushed.document).length;
  if (characters > MAX_CHARACTERS) {
    throw new PushRefused(
      'size',
      `the ${pushed.kind} has ${characters} characters: expected at most ${MAX_CHARACTERS}`,
    );
  }
  // WAP-168 5.2: href is mandatory.
  if (pushed.kind === 'service-loading' && pushed.document.href === '') {
    throw new PushRefused('type', 'invalid sl href "": expected a URI');
  }
  return pushed;
}

function readOrRefuse(read: Reader, octets: Uint8Array): PushDocument {
  try {
    return read(octets);
  } catch (error) {
    if (error instanceof MalformedError) throw new PushRefused('type', error.message, { cause: error });
    throw error;
  }
}
