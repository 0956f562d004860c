/** Removes secrets from recorded messages. */

const CR = 0x0d;
const LF = 0x0a;
const CRLF_LENGTH = 2;
const HEAD_END = '\r\n\r\n';
/** Challenges and responses of SIP and of MSRP relays (RFC 3261 §22, RFC 4976 §9.1, RFC 8760), and the location of the device. */
const SECRET =
  /^(?:(?:proxy-)?authorization|(?:www|proxy)-authenticate|(?:proxy-)?authentication-info|p-access-network-info)[ \t]*:/i;

/** `sip:bob:secret@domain.test` (RFC 3261 §19.1.1). The repetitions are bounded to limit backtracking. */
const PASSWORD = /(\bsips?:[^\s:@<>;,"]{1,256}):[^\s@<>;,"]{0,256}@/gi;

/**
 * Removes secret headers with their continuation lines (RFC 3261 §7.3.1), and passwords in URIs. The body is unchanged.
 * Malformed messages are recorded too, with line breaks before the start line (§7.5) and lines that end in LF.
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
