/** Header field names: spelling, compact forms, and which may occur more than once. */

export interface HeaderName {
  /** As written on the wire. */
  readonly name: string;
  /** The name in lower case, by which names are compared. */
  readonly key: string;
  /** The value is a comma-separated list: several lines and one line with commas are equivalent (RFC 3261 §7.3.1). */
  readonly list: boolean;
  /** One bit for each header that may occur only once; 0 for the others. */
  readonly singleBit: number;
}

/** Comma-separated lists (RFC 3261 §7.3.1; grammars of RFC 3325, 3327, 3329, 3608, 3841, 6050, 6665, 7044). */
const LISTS = [
  'Accept',
  'Accept-Contact',
  'Accept-Encoding',
  'Accept-Language',
  'Alert-Info',
  'Allow',
  'Allow-Events',
  'Call-Info',
  'Contact',
  'Content-Encoding',
  'Content-Language',
  'Error-Info',
  'Feature-Caps',
  'History-Info',
  'In-Reply-To',
  'P-Asserted-Identity',
  'P-Asserted-Service',
  'P-Associated-URI',
  'P-Preferred-Identity',
  'P-Preferred-Service',
  'Path',
  'Proxy-Require',
  'Reason',
  'Record-Route',
  'Recv-Info',
  'Reject-Contact',
  'Request-Disposition',
  'Require',
  'Resource-Priority',
  'Route',
  'Security-Client',
  'Security-Server',
  'Security-Verify',
  'Service-Route',
  'Supported',
  'Unsupported',
  'Via',
  'Warning',
];

/**
 * A message is framed, matched and dispatched by these headers: two of one name make it ambiguous (RFC 4475 §3.3.8 and
 * §3.3.9). A second one of any other header is harmless and no reason to refuse a message.
 */
const SINGLE = [
  'Call-ID',
  'Content-Length',
  'Content-Type',
  'CSeq',
  'Event',
  'Expires',
  'From',
  'Max-Forwards',
  'Refer-To',
  'To',
];

/** Other headers, listed for their capitals. */
const OTHERS = [
  'Authentication-Info',
  'Authorization',
  'Content-Disposition',
  'Content-ID',
  'Content-Transfer-Encoding',
  'Date',
  'Identity',
  'Max-Breadth',
  'MIME-Version',
  'Min-Expires',
  'Min-SE',
  'Organization',
  'P-Access-Network-Info',
  'P-Called-Party-ID',
  'P-Charging-Vector',
  'P-Visited-Network-ID',
  'Priority',
  'Privacy',
  'Proxy-Authenticate',
  'Proxy-Authorization',
  'RAck',
  'Referred-By',
  'Replaces',
  'Reply-To',
  'Retry-After',
  'RSeq',
  'Server',
  'Session-Expires',
  'SIP-ETag',
  'SIP-If-Match',
  'Subject',
  'Subscription-State',
  'Timestamp',
  'User-Agent',
  'WWW-Authenticate',
];

/** RFC 3261 §7.3.3 and §20, RFC 3515, 3841, 3892, 4028, 4474, 6665. */
const COMPACT: Readonly<Record<string, string>> = {
  a: 'Accept-Contact',
  b: 'Referred-By',
  c: 'Content-Type',
  d: 'Request-Disposition',
  e: 'Content-Encoding',
  f: 'From',
  i: 'Call-ID',
  j: 'Reject-Contact',
  k: 'Supported',
  l: 'Content-Length',
  m: 'Contact',
  o: 'Event',
  r: 'Refer-To',
  s: 'Subject',
  t: 'To',
  u: 'Allow-Events',
  v: 'Via',
  x: 'Session-Expires',
  y: 'Identity',
};

function buildTable(): Map<string, HeaderName> {
  const table = new Map<string, HeaderName>();
  const enter = (name: string, list: boolean, singleBit: number) => {
    const known: HeaderName = { name, key: name.toLowerCase(), list, singleBit };
    table.set(name, known).set(known.key, known);
  };
  for (const name of LISTS) enter(name, true, 0);
  for (const [bit, name] of SINGLE.entries()) enter(name, false, 1 << bit);
  for (const name of OTHERS) enter(name, false, 0);
  for (const [letter, name] of Object.entries(COMPACT)) {
    const known = table.get(name);
    if (known) table.set(letter, known).set(letter.toUpperCase(), known);
  }
  return table;
}

/** By usual spelling, lower case and compact form. */
export const KNOWN_HEADERS: ReadonlyMap<string, HeaderName> = buildTable();

/** Finds a name in any case, or its compact form. An unknown name keeps its spelling. */
export function headerName(name: string): HeaderName {
  const key = name.toLowerCase();
  return KNOWN_HEADERS.get(key) ?? { name, key, list: false, singleBit: 0 };
}
