/** The media type of content without one, from its application and its first octets. */

import type { MediaType } from './content.js';

/** Applications that accept one type. */
const byApplication = new Map([
  ['mms.ua', 'application/vnd.wap.mms-message'],
  ['syncml.dm', 'application/vnd.syncml.notification'],
  ['dcd.ua', 'application/vnd.oma.dcd'],
  ['push.sia', 'application/vnd.wap.sia'],
  ['ulp.ua', 'application/vnd.omaloc-supl-init'],
]);

/** Documents are recognised by their public identifier (WBXML) or their root element (XML). */
const documents = [
  {
    application: 'wml.ua',
    publicId: 0x05,
    root: 'si',
    wbxml: 'application/vnd.wap.sic',
    xml: 'text/vnd.wap.si',
  },
  {
    application: 'wml.ua',
    publicId: 0x06,
    root: 'sl',
    wbxml: 'application/vnd.wap.slc',
    xml: 'text/vnd.wap.sl',
  },
  {
    application: 'wml.ua',
    publicId: 0x07,
    root: 'co',
    wbxml: 'application/vnd.wap.coc',
    xml: 'text/vnd.wap.co',
  },
  {
    application: 'emn.ua',
    publicId: 0x0d,
    root: 'emn',
    wbxml: 'application/vnd.wap.emn+wbxml',
    xml: 'text/vnd.wap.emn+xml',
  },
];
const MAX_WBXML_VERSION = 3;
/** Octets that are searched for the root element. */
const ROOT_SEARCH_LENGTH = 1024;

/**
 * The media type of content without an envelope, for `PushEnvelope.open`; application/octet-stream if it is unknown. No
 * specification defines it: it follows other implementations.
 *
 * @param eventAppId event-app-id in its short form, `mms.ua`.
 * @param octets the content.
 */
export function rawContentType(eventAppId: string, octets: Uint8Array): MediaType {
  const type = byApplication.get(eventAppId) ?? typeOfDocument(eventAppId, octets);
  return { type: type ?? 'application/octet-stream', parameters: {} };
}

function typeOfDocument(eventAppId: string, octets: Uint8Array): string | undefined {
  const candidates = documents.filter(({ application }) => application === eventAppId);
  const [version = 0, publicId] = octets;
  if (version >= 1 && version <= MAX_WBXML_VERSION) {
    return candidates.find((candidate) => candidate.publicId === publicId)?.wbxml;
  }
  const start = new TextDecoder().decode(octets.subarray(0, ROOT_SEARCH_LENGTH));
  const root = /<([A-Za-z]+)[\s/>]/.exec(start)?.[1];
  return candidates.find((candidate) => candidate.root === root)?.xml;
}
