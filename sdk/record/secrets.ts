/** What a recording does not have: what proves that somebody is who he says. */

const CR = 0x0d;
const LF = 0x0a;
const CRLF_LENGTH = 2;
const HEAD_END = '\r\n\r\n';
/** Of SIP and of MSRP relays: challenges and what answers them (RFC 3261 22, RFC 4976 9.1, RFC 8760), and where it is. */
const SECRET =
  /^(?:(?:proxy-)?authorization|(?:www|proxy)-authenticate|(?:proxy-)?authentication-info|p-access-network-info)[ \t]*:/i;

/** RFC 3261 19.1.1: `sip:bob:secret@domain.test`. Bounded, so that no message takes long. */
const PASSWORD = /(\bsips?:[^\s:@<>;,"]{1,256}):[^\s@<>;,"]{0,256}@/gi;

/**
 * A message without its secret headers, and their continuation lines (RFC 3261 7.3.1), and without passwords in URIs.
 * Its body is as it was. What is malformed is recorded, too: line breaks ahead of it (7.5), and lines that end in LF.
 */
export function withoutSecrets(message: Uint8Array): Uint8Array {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.length);
  const start = bytes.findIndex((octet) => octet !== CR && octet !== LF);
  const end = bytes.indexOf(HEAD_END, start);
  const headEnd = end < 0 ? bytes.length : end + CRLF_LENGTH;
  const kept: string[] = [];
  let secret = false;
  for (const line of bytes.toString('latin1', 0, headEnd).split(/(?<=\n)/)) {
    const folded = /^[ \t]/.test(line);
    if (!folded) secret = SECRET.test(line);
    if (!secret) kept.push(line.replace(PASSWORD, '$1@'));
  }
  return Buffer.concat([Buffer.from(kept.join(''), 'latin1'), bytes.subarray(headEnd)]);
}
