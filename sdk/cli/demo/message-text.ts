/** Formats a SIP message for people: its headers without credentials, and its body as text, or as a hex dump. */

import { withoutCredentials } from '../../trace/credentials.js';

const ROW = 16;
/** Largest number of rows of a hex dump. A whole MESSAGE fits. */
const MAX_ROWS = 100;
const MAX_TEXT = 16_384;
const END_OF_HEADERS = '\r\n\r\n';

export function messageText(received: Uint8Array): string {
  const bytes = withoutCredentials(received);
  const message = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = message.indexOf(END_OF_HEADERS);
  const bodyAt = end < 0 ? message.length : end + END_OF_HEADERS.length;
  const head = message.toString('utf8', 0, bodyAt).replaceAll('\r\n', '\n');
  const body = message.subarray(bodyAt);
  return `${head}${decodeText(body) ?? hexDump(body)}`.trimEnd();
}

/** @returns undefined if the body is not text. */
function decodeText(body: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body.subarray(0, MAX_TEXT));
    return /[^\P{Cc}\t\r\n]/u.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

/** Rows such as `0010  62 65 61 63 68 00  beach.` */
function hexDump(body: Buffer): string {
  const rows: string[] = [];
  for (let at = 0; at < body.length && rows.length < MAX_ROWS; at += ROW) {
    const row = body.subarray(at, at + ROW);
    const hex = row
      .toString('hex')
      .replace(/../g, '$& ')
      .padEnd(3 * ROW);
    const text = row.toString('latin1').replace(/[^\x20-\x7e]/g, '.');
    rows.push(`${at.toString(16).padStart(4, '0')}  ${hex} ${text}`);
  }
  return rows.join('\n');
}
