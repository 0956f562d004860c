/** What is known of header field names: spelling, compact form, and how values of one name combine. */

export interface HeaderName {
  /** As written on the wire. */
  readonly name: string;
  /** What names are compared by. */
  readonly key: string;
  /** Values are a comma-separated list: several lines and one line with commas mean the same (RFC 3261 7.3.1). */
  readonly list: boolean;
  /** One bit for each header that may stand once only; 0 for the others. */
  readonly singleBit: number;
}

/** RFC 3261 7.3.1 and the grammars of RFC 3325, 3327, 3329, 3608, 3841, 6050, 6665, 7044: comma-separated lists. */
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
 * By these a message is framed, matched and dispatched: two of one make it ambiguous (RFC 4475 3.3.8 and
 * 3.3.9). Others that should stand once are harmless twice, and no reason to lose a message.
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

/** Neither: opaque text that may repeat. Listed for their capitals. */
const OTHERS = [
  'Authentication-Info',
  'Authorization',
  'Content-Disposition',
  'Content-ID',
  'Content-Transfer-Encoding',
  'Date',
  'Identity',
  'MIME-Version',
  'Min-Expires',
  'Min-SE',
  'Organization',
  'P-Access-Network-Info',
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

/** RFC 3261 7.3.3 and 20, RFC 3515, 3841, 3892, 4028, 4474, 6665. */
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

const KNOWN = buildTable();

/** Looks a name up in any case or compact form. A name nobody knows keeps its spelling. */
export function headerName(name: string): HeaderName {
  const known = KNOWN.get(name);
  if (known) return known;
  const key = name.toLowerCase();
  return KNOWN.get(key) ?? { name, key, list: false, singleBit: 0 };
}

/** The known name, where `name` is spelled as usual; spares the check that it is a token. */
export function usualHeaderName(name: string): HeaderName | undefined {
  return KNOWN.get(name);
}
