/** Header names and their codes on the default code page (WAP-230 table 39). */

import { type VersionSteps, versionOfCode } from './values.js';

/** The index is the code. The later codes of a name are for later forms of its value. */
const names = [
  'Accept',
  'Accept-Charset',
  'Accept-Encoding',
  'Accept-Language',
  'Accept-Ranges',
  'Age',
  'Allow',
  'Authorization',
  'Cache-Control',
  'Connection',
  'Content-Base',
  'Content-Encoding',
  'Content-Language',
  'Content-Length',
  'Content-Location',
  'Content-MD5',
  'Content-Range',
  'Content-Type',
  'Date',
  'Etag',
  'Expires',
  'From',
  'Host',
  'If-Modified-Since',
  'If-Match',
  'If-None-Match',
  'If-Range',
  'If-Unmodified-Since',
  'Location',
  'Last-Modified',
  'Max-Forwards',
  'Pragma',
  'Proxy-Authenticate',
  'Proxy-Authorization',
  'Public',
  'Range',
  'Referer',
  'Retry-After',
  'Server',
  'Transfer-Encoding',
  'Upgrade',
  'User-Agent',
  'Vary',
  'Via',
  'Warning',
  'WWW-Authenticate',
  'Content-Disposition',
  'X-Wap-Application-Id',
  'X-Wap-Content-URI',
  'X-Wap-Initiator-URI',
  'Accept-Application',
  'Bearer-Indication',
  'Push-Flag',
  'Profile',
  'Profile-Diff',
  'Profile-Warning',
  'Expect',
  'TE',
  'Trailer',
  'Accept-Charset',
  'Accept-Encoding',
  'Cache-Control',
  'Content-Range',
  'X-WAP-Tod',
  'Content-ID',
  'Set-Cookie',
  'Cookie',
  'Encoding-Version',
  'Profile-Warning',
  'Content-Disposition',
  'X-WAP-Security',
  'Cache-Control',
  'X-Wap-Loc-Invocation',
  'X-Wap-Loc-Delivery',
] as const;

export type WspHeaderName = (typeof names)[number];

const since: VersionSteps = [
  [0x2e, '1.1'],
  [0x37, '1.2'],
  [0x43, '1.3'],
  [0x47, '1.4'],
  [0x49, '1.5'],
];

const firstCodes = new Map<string, number>();
for (const [code, name] of names.entries()) {
  const key = name.toLowerCase();
  if (!firstCodes.has(key)) firstCodes.set(key, code);
}

/** @param code 00 to 7F, without the high bit that it has on the wire */
export function headerName(code: number): WspHeaderName | undefined {
  return names[code];
}

/** The first code of a name, which all versions that have the name can read. */
export function headerCode(name: string): number | undefined {
  return firstCodes.get(name.toLowerCase());
}

/** The WSP encoding version that introduced the code. */
export function headerVersion(code: number): number {
  return versionOfCode(since, code);
}
