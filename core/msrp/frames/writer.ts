/** Transaction, session and message identifiers (RFC 4975 7.1, 14.1). */

import { platform } from '#platform';
import { MalformedError } from '../../errors.js';
import {
  type ContinuationFlag,
  isHeaderValue,
  type MsrpHeaders,
  type MsrpRequest,
  type MsrpResponse,
} from './frame.js';

/** RFC 4975 7.1 asks for 64 random bits. */
const TRANSACTION_ID_BYTES = 8;
/** RFC 4975 14.1 asks for 80: whoever guesses it has the session. */
const SESSION_ID_BYTES = 16;
const MESSAGE_ID_BYTES = 16;

/** RFC 4975 9 has 4 to 32 characters: shorter and longer ones harm nobody. */
const IDENT = /^[A-Za-z0-9][A-Za-z0-9.\-+%=]{0,63}$/;

const encoder = new TextEncoder();

export function isTransactionId(text: string): boolean {
  return IDENT.test(text);
}

export function newTransactionId(): string {
  return platform.randomHex(TRANSACTION_ID_BYTES);
}

export function newSessionId(): string {
  return platform.randomHex(SESSION_ID_BYTES);
}

export function newMessageId(): string {
  return platform.randomHex(MESSAGE_ID_BYTES);
}

/**
 * RFC 4975 7.1: an end-line of the chunk must not stand in its body. We ask for more, that the identifier itself
 * does not: one search, and no reader takes anything for the end, however it spells it.
 *
 * @param before what was sent of the body just before: the identifier may begin there
 */
export function holdsTransactionId(transactionId: string, body: Uint8Array, before?: Uint8Array): boolean {
  const pattern = encoder.encode(transactionId);
  if (platform.indexOf(body, pattern) >= 0) return true;
  const across = pattern.length - 1;
  if (before === undefined || across === 0) return false;
  const head = before.subarray(Math.max(0, before.length - across));
  const seam = new Uint8Array(head.length + Math.min(across, body.length));
  seam.set(head);
  seam.set(body.subarray(0, across), head.length);
  return platform.indexOf(seam, pattern) >= 0;
}

/** A new identifier that does not stand in any of these pieces, nor across two neighbours. */
export function transactionIdFor(...body: readonly Uint8Array[]): string {
  for (;;) {
    const id = newTransactionId();
    if (!body.some((piece, at) => holdsTransactionId(id, piece, body[at - 1]))) return id;
  }
}

/** Frames to bytes (RFC 4975 7 and 9). A chunk is `requestHead`, its body as it is, and `endLine`. */

/**
 * All that stands before the body; before the end-line, where there is none.
 * @throws MalformedError for what would not be a request.
 */
export function requestHead(request: MsrpRequest, hasBody: boolean): Uint8Array {
  const { method, transactionId, headers } = request;
  if (!/^[A-Z]+$/.test(method)) throw new MalformedError(`${JSON.stringify(method)} is no method`);
  const head = `MSRP ${checkedId(transactionId)} ${method}\r\n${paths(request)}${headerLines(headers)}`;
  return encoder.encode(hasBody ? `${head}\r\n` : head);
}

/** @param hasBody true where `requestHead` was told so, also when the body had no bytes */
export function endLine(transactionId: string, flag: ContinuationFlag, hasBody: boolean): Uint8Array {
  return encoder.encode(`${hasBody ? '\r\n' : ''}-------${transactionId}${flag}\r\n`);
}

/** @throws MalformedError for what would not be a response. */
export function responseFrame(response: MsrpResponse): Uint8Array {
  const { transactionId, status, comment, headers } = response;
  if (!Number.isInteger(status) || status < 0 || status > 999 || !isHeaderValue(comment)) {
    throw new MalformedError(`${JSON.stringify(`${status} ${comment}`)} is no status and comment`);
  }
  const start = `MSRP ${checkedId(transactionId)} ${String(status).padStart(3, '0')}`;
  return encoder.encode(
    `${comment === '' ? start : `${start} ${comment}`}\r\n` +
      `${paths(response)}${headerLines(headers)}-------${transactionId}$\r\n`,
  );
}

function checkedId(transactionId: string): string {
  if (isTransactionId(transactionId)) return transactionId;
  throw new MalformedError(`${JSON.stringify(transactionId)} is no transaction identifier`);
}

function paths({ toPath, fromPath }: Pick<MsrpRequest, 'toPath' | 'fromPath'>): string {
  if (toPath.length === 0 || fromPath.length === 0) throw new MalformedError('a path without a URI');
  for (const uri of [...toPath, ...fromPath]) {
    if (uri === '' || /[^!-~]/.test(uri)) throw new MalformedError(`${JSON.stringify(uri)} is no MSRP URI`);
  }
  return `To-Path: ${toPath.join(' ')}\r\nFrom-Path: ${fromPath.join(' ')}\r\n`;
}

/** RFC 4975 9: the headers of the content come after those of MSRP, and Content-Type last of all. */
function headerLines(headers: MsrpHeaders): string {
  let own = '';
  let content = '';
  let type = '';
  for (const [name, value] of headers.entries()) {
    const line = `${name}: ${value}\r\n`;
    if (/^content-type$/i.test(name)) type += line;
    else if (/^content-/i.test(name)) content += line;
    else own += line;
  }
  return own + content + type;
}
