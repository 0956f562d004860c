/** Frames to bytes (RFC 4975 7 and 9). A chunk is `requestHead`, its body as it is, and `endLine`. */

import { MalformedError } from '../errors.js';
import type { ContinuationFlag, MsrpRequest, MsrpResponse } from './frame.js';
import { isHeaderValue, type MsrpHeaders } from './headers.js';
import { isTransactionId } from './transaction-id.js';

const encoder = new TextEncoder();

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
