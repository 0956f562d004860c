/** The documents that wml.ua accepts, each as XML or WBXML. */

import {
  type CacheOperation,
  cacheOperation,
  type ServiceIndication,
  type ServiceLoading,
  serviceIndication,
  serviceLoading,
} from 'sip-push/formats';
import { type Push, refuse } from 'sip-push/sdk';

/** Characters of the decoded document. WBXML can refer to one text many times, and hundreds of indications are stored. */
const MAX_CHARACTERS = 16_384;

export type PushDocument =
  | { readonly kind: 'service-indication'; readonly document: ServiceIndication }
  | { readonly kind: 'service-loading'; readonly document: ServiceLoading }
  | { readonly kind: 'cache-operation'; readonly document: Invalidated };

/** URIs of objects, and URI prefixes of services. */
export interface Invalidated {
  readonly invalidateObjects: readonly string[];
  readonly invalidateServices: readonly string[];
}

const READERS = new Map<string, (octets: Uint8Array) => PushDocument>([
  ['text/vnd.wap.si', (octets) => indication(serviceIndication.fromXml(octets))],
  ['application/vnd.wap.sic', (octets) => indication(serviceIndication.fromWbxml(octets))],
  ['text/vnd.wap.sl', (octets) => loading(serviceLoading.fromXml(octets))],
  ['application/vnd.wap.slc', (octets) => loading(serviceLoading.fromWbxml(octets))],
  ['text/vnd.wap.co', (octets) => operation(cacheOperation.fromXml(octets))],
  ['application/vnd.wap.coc', (octets) => operation(cacheOperation.fromWbxml(octets))],
]);

export const MEDIA_TYPES = [...READERS.keys()];

/** @throws MalformedError; PushRefused of kind `size` if the document is too large when decoded. */
export async function documentOf(push: Push): Promise<PushDocument> {
  const { type } = push.content.type;
  const read = READERS.get(type);
  if (!read) throw refuse('type', `unsupported media type ${type}`);
  const pushed = read(await push.bytes());
  const characters = JSON.stringify(pushed.document).length;
  if (characters > MAX_CHARACTERS) {
    throw refuse(
      'size',
      `the ${pushed.kind} has ${characters} characters: expected at most ${MAX_CHARACTERS}`,
    );
  }
  return pushed;
}

function indication(document: ServiceIndication): PushDocument {
  return { kind: 'service-indication', document };
}

function loading(document: ServiceLoading): PushDocument {
  // WAP-168 5.2: href is mandatory.
  if (document.href === '') throw refuse('type', 'invalid sl href "": expected a URI');
  return { kind: 'service-loading', document };
}

function operation({ invalidations }: CacheOperation): PushDocument {
  const uris = (kind: 'object' | 'service') =>
    invalidations.filter(({ what }) => what === kind).map(({ uri }) => uri);
  return {
    kind: 'cache-operation',
    document: { invalidateObjects: uris('object'), invalidateServices: uris('service') },
  };
}
