/** Versions of PAP. A message names its version by its document type. */

import type { PublicDocumentType, XmlDocumentType } from '../content/xml/document-type.js';

/** Oldest first. */
export const PAP_VERSIONS = ['1.0', '2.0', '2.1', '2.2'] as const;

/** A version of PAP. */
export type PapVersion = (typeof PAP_VERSIONS)[number];

/** The version of most deployed Push Initiators and gateways. */
export const DEFAULT_PAP_VERSION: PapVersion = '2.1';

/** The identifiers of 2.2 are a guess, by those of 2.1: no public implementation has them. */
const IDENTIFIERS: Readonly<Record<PapVersion, readonly [publicId: string, systemId: string]>> = {
  '1.0': ['-//WAPFORUM//DTD PAP 1.0//EN', 'http://www.wapforum.org/DTD/pap_1.0.dtd'],
  '2.0': ['-//WAPFORUM//DTD PAP 2.0//EN', 'http://www.wapforum.org/DTD/pap_2.0.dtd'],
  '2.1': ['-//WAPFORUM//DTD PAP 2.1//EN', 'http://www.openmobilealliance.org/tech/DTD/pap_2.1.dtd'],
  '2.2': ['-//OMA//DTD PAP 2.2//EN', 'http://www.openmobilealliance.org/tech/DTD/pap_2.2.dtd'],
};

/** The instruction `<?wap-pap-ver supported-versions="2.0,1.*"?>`: the versions that the sender can read. */
const INSTRUCTION = 'wap-pap-ver';

/**
 * The version to answer in: that of the document type, or else the latest of those that the sender lists. Without either
 * it is the default.
 * @returns undefined if the sender names versions, and this package knows none of them.
 */
export function papVersionOf(documentType: XmlDocumentType | undefined): PapVersion | undefined {
  const own = /DTD PAP (\d+\.\d+)/i.exec(documentType?.publicId ?? '')?.[1];
  const known = PAP_VERSIONS.find((version) => version === own);
  if (known) return known;
  const listed = documentType?.instructions?.find(({ target }) => target === INSTRUCTION)?.data;
  const list = /supported-versions\s*=\s*["']([^"']*)["']/.exec(listed ?? '')?.[1];
  if (own === undefined && list === undefined) return DEFAULT_PAP_VERSION;
  const patterns = (list ?? '').split(',').map((pattern) => pattern.trim());
  return PAP_VERSIONS.findLast((version) => patterns.some((pattern) => matches(pattern, version)));
}

/** `1.*` matches each minor version. */
function matches(pattern: string, version: PapVersion): boolean {
  return pattern === version || (pattern.endsWith('.*') && version.startsWith(pattern.slice(0, -1)));
}

/** The document type declaration of a version. From 2.0, it lists this version and the earlier ones as supported. */
export function papDocumentType(version: PapVersion): PublicDocumentType {
  const [publicId, systemId] = IDENTIFIERS[version];
  const older = PAP_VERSIONS.slice(0, PAP_VERSIONS.indexOf(version) + 1).filter((each) => each !== '1.0');
  const list = [...older.reverse(), '1.*'].join(',');
  const instructions =
    version === '1.0' ? [] : [{ target: INSTRUCTION, data: `supported-versions="${list}"` }];
  return { publicId, systemId, instructions };
}
