/** Media types and their WSP codes (WAP-230 table 40, and the OMNA registry). */

import { readInteger, writeLongInteger } from './integers.js';
import type { OctetReader, OctetWriter } from './octets.js';
import { readTextString, writeTextString } from './text.js';
import { NEWEST, type VersionSteps, versionOfCode } from './values.js';

/** The index is the code; 59 is unassigned. */
const assigned: readonly (string | undefined)[] = [
  '*/*',
  'text/*',
  'text/html',
  'text/plain',
  'text/x-hdml',
  'text/x-ttml',
  'text/x-vcalendar',
  'text/x-vcard',
  'text/vnd.wap.wml',
  'text/vnd.wap.wmlscript',
  'application/vnd.wap.catc',
  'multipart/*',
  'multipart/mixed',
  'multipart/form-data',
  'multipart/byteranges',
  'multipart/alternative',
  'application/*',
  'application/java-vm',
  'application/x-www-form-urlencoded',
  'application/x-hdmlc',
  'application/vnd.wap.wmlc',
  'application/vnd.wap.wmlscriptc',
  'application/vnd.wap.wsic',
  'application/vnd.wap.uaprof',
  'application/vnd.wap.wtls-ca-certificate',
  'application/vnd.wap.wtls-user-certificate',
  'application/x-x509-ca-cert',
  'application/x-x509-user-cert',
  'image/*',
  'image/gif',
  'image/jpeg',
  'image/tiff',
  'image/png',
  'image/vnd.wap.wbmp',
  'application/vnd.wap.multipart.*',
  'application/vnd.wap.multipart.mixed',
  'application/vnd.wap.multipart.form-data',
  'application/vnd.wap.multipart.byteranges',
  'application/vnd.wap.multipart.alternative',
  'application/xml',
  'text/xml',
  'application/vnd.wap.wbxml',
  'application/x-x968-cross-cert',
  'application/x-x968-ca-cert',
  'application/x-x968-user-cert',
  'text/vnd.wap.si',
  'application/vnd.wap.sic',
  'text/vnd.wap.sl',
  'application/vnd.wap.slc',
  'text/vnd.wap.co',
  'application/vnd.wap.coc',
  'application/vnd.wap.multipart.related',
  'application/vnd.wap.sia',
  'text/vnd.wap.connectivity-xml',
  'application/vnd.wap.connectivity-wbxml',
  'application/pkcs7-mime',
  'application/vnd.wap.hashed-certificate',
  'application/vnd.wap.signed-certificate',
  'application/vnd.wap.cert-response',
  'application/xhtml+xml',
  'application/wml+xml',
  'text/css',
  'application/vnd.wap.mms-message',
  'application/vnd.wap.rollover-certificate',
  'application/vnd.wap.locc+wbxml',
  'application/vnd.wap.loc+xml',
  'application/vnd.syncml.dm+wbxml',
  'application/vnd.syncml.dm+xml',
  'application/vnd.syncml.notification',
  'application/vnd.wap.xhtml+xml',
  'application/vnd.wv.csp.cir',
  'application/vnd.oma.dd+xml',
  'application/vnd.oma.drm.message',
  'application/vnd.oma.drm.content',
  'application/vnd.oma.drm.rights+xml',
  'application/vnd.oma.drm.rights+wbxml',
  'application/vnd.wv.csp+xml',
  'application/vnd.wv.csp+wbxml',
  'application/vnd.syncml.ds.notification',
  'audio/*',
  'video/*',
  'application/vnd.oma.dd2+xml',
  'application/mikey',
  'application/vnd.oma.dcd',
  'application/vnd.oma.dcdc',
  'text/x-vmessage',
  'application/vnd.omads-email+wbxml',
  'text/x-vbookmark',
  'application/vnd.syncml.dm.notification',
  undefined,
  'application/octet-stream',
];

const registered: readonly (readonly [code: number, type: string])[] = [
  [0x0201, 'application/vnd.uplanet.cacheop-wbxml'],
  [0x0202, 'application/vnd.uplanet.signal'],
  [0x0203, 'application/vnd.uplanet.alert-wbxml'],
  [0x0204, 'application/vnd.uplanet.list-wbxml'],
  [0x0205, 'application/vnd.uplanet.listcmd-wbxml'],
  [0x0206, 'application/vnd.uplanet.channel-wbxml'],
  [0x0207, 'application/vnd.uplanet.provisioning-status-uri'],
  [0x0208, 'x-wap.multipart/vnd.uplanet.header-set'],
  [0x0209, 'application/vnd.uplanet.bearer-choice-wbxml'],
  [0x020a, 'application/vnd.phonecom.mmc-wbxml'],
  [0x020b, 'application/vnd.nokia.syncset+wbxml'],
  [0x020c, 'image/x-up-wpng'],
  [0x0300, 'application/iota.mmc-wbxml'],
  [0x0301, 'application/iota.mmc-xml'],
  [0x0302, 'application/vnd.syncml+xml'],
  [0x0303, 'application/vnd.syncml+wbxml'],
  [0x0304, 'text/vnd.wap.emn+xml'],
  [0x0305, 'text/calendar'],
  [0x0306, 'application/vnd.omads-email+xml'],
  [0x0307, 'application/vnd.omads-file+xml'],
  [0x0308, 'application/vnd.omads-folder+xml'],
  [0x0309, 'text/directory;profile=vcard'],
  [0x030a, 'application/vnd.wap.emn+wbxml'],
  [0x030b, 'application/vnd.nokia.ipdc-purchase-response'],
  [0x030c, 'application/vnd.motorola.screen3+xml'],
  [0x030d, 'application/vnd.motorola.screen3+gzip'],
  [0x030e, 'application/vnd.cmcc.setting+wbxml'],
  [0x030f, 'application/vnd.cmcc.bombing+wbxml'],
  [0x0310, 'application/vnd.docomo.pf'],
  [0x0311, 'application/vnd.docomo.ub'],
  [0x0312, 'application/vnd.omaloc-supl-init'],
  [0x0313, 'application/vnd.oma.group-usage-list+xml'],
  [0x0314, 'application/oma-directory+xml'],
  [0x0315, 'application/vnd.docomo.pf2'],
  [0x0316, 'application/vnd.oma.drm.roap-trigger+wbxml'],
  [0x0317, 'application/vnd.sbm.mid2'],
  [0x0318, 'application/vnd.wmf.bootstrap'],
  [0x0319, 'application/vnc.cmcc.dcd+xml'],
  [0x031a, 'application/vnd.sbm.cid'],
  [0x031b, 'application/vnd.oma.bcast.provisioningtrigger'],
  [0x031c, 'application/vnd.docomo.dm'],
  [0x031d, 'application/vnd.oma.scidm.messages+xml'],
  [0x031e, 'application/vnd.innopath.wamp.notification'],
];

/** The codes that fit a short-integer. */
export const SHORT_CODE_MAX = 0x7f;

const since: VersionSteps = [
  [0x2d, '1.1'],
  [0x34, '1.2'],
  [0x36, '1.3'],
  [0x3f, '1.4'],
  [0x4e, '1.5'],
  [0x50, '1.6'],
];

const types = new Map<number, string>(registered);
const codes = new Map<string, number>();
for (const [code, type] of assigned.entries()) if (type !== undefined) types.set(code, type);
for (const [code, type] of types) codes.set(type, code);

/** Lower-case `type/subtype`. The registered name of 0309 includes a parameter. */
export function mediaTypeOfCode(code: number): string | undefined {
  return types.get(code);
}

/** The WSP encoding version that introduced the code; the newest for registered codes. */
function mediaTypeVersion(code: number): number {
  return versionOfCode(since, code);
}

/** @param type lower-case `type/subtype` */
export function codeOfMediaType(type: string): number | undefined {
  return codes.get(type);
}

/**
 * A media type without parameters (WAP-230 8.4.2.24), by code or by name. An unassigned code becomes
 * `application/x-wsp-XXXX`, so that it can be refused by name.
 */
export function readMedia(reader: OctetReader, field: string): string {
  const first = reader.peek();
  if (first !== undefined && first >= 0x20 && first < 0x80) return readTextString(reader, field);
  const code = readInteger(reader, field);
  return mediaTypeOfCode(code) ?? `application/x-wsp-${code.toString(16).padStart(4, '0')}`;
}

/** Constrained-media: a code of one octet, or text. */
export function writeConstrainedMedia(writer: OctetWriter, type: string, version = NEWEST): void {
  const code = codeForVersion(type, version);
  if (code !== undefined && code <= SHORT_CODE_MAX) writer.octet(code | 0x80);
  else writeTextString(writer, type);
}

/** The media of Content-general-form, which allows codes of two octets. */
export function writeMedia(writer: OctetWriter, type: string, version = NEWEST): void {
  const code = codeForVersion(type, version);
  if (code !== undefined && code > SHORT_CODE_MAX) writeLongInteger(writer, code);
  else writeConstrainedMedia(writer, type, version);
}

/** The code of a type, if readers of that encoding version know it. */
export function codeForVersion(type: string, version: number): number | undefined {
  const code = codeOfMediaType(type.toLowerCase());
  return code !== undefined && mediaTypeVersion(code) <= version ? code : undefined;
}
