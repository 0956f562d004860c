/** The documents that wml.ua accepts, each as XML or WBXML. */

import {
  type CacheOperation,
  cacheOperation,
  type ReadDocument,
  type ServiceIndication,
  type ServiceLoading,
  serviceIndication,
  serviceLoading,
} from 'sip-push/formats';
import { type Push, refuse } from 'sip-push/sdk';

/** Characters of the decoded document. WBXML can refer to one text many times, and hundreds of indications are stored. */
const MAX_CHARACTERS = 16_384;

export type PushDocument = (
  | { readonly kind: 'service-indication'; readonly document: ServiceIndication }
  | { readonly kind: 'service-loading'; readonly document: ServiceLoading }
  | { readonly kind: 'cache-operation'; readonly document: Invalidated }
) & {
  /** Malformed parts that were left out, in words. */
  readonly warnings?: readonly string[];
};

/** URIs of objects, and URI prefixes of services. */
export interface Invalidated {
  readonly invalidateObjects: readonly string[];
  readonly invalidateServices: readonly string[];
}

const READERS = new Map<string, (octets: Uint8Array, charset?: string) => PushDocument>([
  ['text/vnd.wap.si', (octets, charset) => indication(serviceIndication.fromXml(octets, charset))],
  [
    'application/vnd.wap.sic',
    (octets, charset) => indication(serviceIndication.fromWbxml(octets, { charset })),
  ],
  ['text/vnd.wap.sl', (octets, charset) => loading(serviceLoading.fromXml(octets, charset))],
  ['application/vnd.wap.slc', (octets, charset) => loading(serviceLoading.fromWbxml(octets, { charset }))],
  ['text/vnd.wap.co', (octets, charset) => operation(cacheOperation.fromXml(octets, charset))],
  ['application/vnd.wap.coc', (octets, charset) => operation(cacheOperation.fromWbxml(octets, { charset }))],
]);

export const MEDIA_TYPES = [...READERS.keys()];

/** @throws MalformedError; PushRefused of kind `size` if the document is too large when decoded. */
export async function documentOf(push: Push): Promise<PushDocument> {
  const { type, parameters } = push.content.type;
  const read = READERS.get(type);
  if (!read) throw refuse('type', `unsupported media type ${type}`);
  const pushed = read(await push.bytes(), parameters.charset);
  const characters = JSON.stringify(pushed.document).length;
  if (characters > MAX_CHARACTERS) {
    throw refuse(
      'size',
      `the ${pushed.kind} has ${characters} characters: expected at most ${MAX_CHARACTERS}`,
    );
  }
  return pushed;
}

function indication({ warnings, ...document }: ReadDocument<ServiceIndication>): PushDocument {
  return { kind: 'service-indication', document, warnings };
}

function loading({ warnings, ...document }: ReadDocument<ServiceLoading>): PushDocument {
  // WAP-168 5.2: href is mandatory.
  if (document.href === '') throw refuse('type', 'invalid sl href "": expected a URI');
  return { kind: 'service-loading', document, warnings };
}

function operation({ invalidations, warnings }: ReadDocument<CacheOperation>): PushDocument {
  const uris = (kind: 'object' | 'service') =>
    invalidations.filter(({ what }) => what === kind).map(({ uri }) => uri);
  return {
    kind: 'cache-operation',
    document: { invalidateObjects: uris('object'), invalidateServices: uris('service') },
    warnings,
  };
}
