/**
 * Parses one SIP message (RFC 3261 §7 and §25; the torture tests are RFC 4475). One pass separates the lines and their
 * names. Only the values that frame, answer and match a message are parsed here; `SipHeaders` keeps them.
 *
 * The parser is strict where two readers could understand a message differently: only CRLF ends a line, the start line
 * has single spaces, there is one From and one Content-Length. Headers that are not UTF-8 are refused, because decoding
 * and encoding would change their bytes.
 */

import { parseNameAddrs } from '../values/name-addr.js';
import { parseUri, SipUri } from '../values/uri.js';
import { isBlank, isToken, trimBlanks } from './grammar.js';
import { type HeaderName, headerName, KNOWN_HEADERS } from './header-names.js';
import {
  MAX_HEADER_BYTES,
  MAX_HEADER_LINES,
  MAX_URI_LENGTH,
  MalformedSipError,
} from './malformed-message.js';
import { isRequest, NO_BODY, SipHeaders, type SipMessage, type SipRequest } from './message.js';

const CR = 0x0d;
const LF = 0x0a;
const MAX_MAX_FORWARDS = 255;
/** Values of Contact in a request. A REGISTER has one for each device of its sender. */
const MAX_CONTACTS = 100;

// A byte order mark is ordinary text here.
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const lenientUtf8 = new TextDecoder('utf-8', { ignoreBOM: true });

const REQUEST_LINE = /^([^ ]+) ([^ ]+) (SIP\/[0-9]+\.[0-9]+)$/i;
const STATUS_LINE = /^(SIP\/[0-9]+\.[0-9]+) ([0-9]{3})(?: ([^\r\n]*))?$/i;

/**
 * Parses a datagram, a WebSocket message, or one message framed from a stream. The body is a view of `bytes`, not a
 * copy; bytes after it are ignored (RFC 3261 §18.3).
 * @throws MalformedSipError
 */
export function parseMessage(bytes: Uint8Array): SipMessage {
  const start = skipLineBreaks(bytes);
  const headEnd = endOfHead(bytes, start);
  if (headEnd < 0) {
    throw malformedHead(bytes.subarray(start), 400, 'the headers do not end with an empty line');
  }
  if (headEnd - start > MAX_HEADER_BYTES) {
    throw new MalformedSipError(
      513,
      `headers of ${headEnd - start} bytes: expected at most ${MAX_HEADER_BYTES}`,
    );
  }
  const text = decode(bytes.subarray(start, headEnd));
  const { message, fault } = parseHead(text);
  const refused = fault ?? check(message);
  if (refused) throw refusal(refused, message);

  const length = message.headers.get('Content-Length');
  const available = bytes.length - headEnd;
  const wanted = length === undefined ? available : parseLength(length);
  if (wanted === undefined || wanted > available) {
    throw refusal(bad(`Content-Length is ${length}, but ${available} bytes follow`), message);
  }
  // Not `subarray`: of a Node.js Buffer it returns a Buffer, whose `slice` does not copy.
  if (wanted > 0) message.body = new Uint8Array(bytes.buffer, bytes.byteOffset + headEnd, wanted);
  return message;
}

/** The error for bytes that are refused for `reason`, with the request as far as it can be parsed. */
export function malformedHead(bytes: Uint8Array, status: number, reason: string): MalformedSipError {
  const { message } = parseHead(lenientUtf8.decode(bytes.subarray(0, MAX_HEADER_BYTES)));
  return refusal({ status, reason }, message);
}

interface Fault {
  status: number;
  reason: string;
}

function bad(reason: string): Fault {
  return { status: 400, reason };
}

/** RFC 3261 §7.5: line breaks before the start line are ignored. */
function skipLineBreaks(bytes: Uint8Array): number {
  let at = 0;
  while (bytes[at] === CR && bytes[at + 1] === LF) at += 2;
  return at;
}

/** Index after the empty line; -1 if there is none. */
function endOfHead(bytes: Uint8Array, start: number): number {
  for (let lf = bytes.indexOf(LF, start); lf >= 0; lf = bytes.indexOf(LF, lf + 1)) {
    if (bytes[lf + 1] === CR && bytes[lf + 2] === LF && bytes[lf - 1] === CR) return lf + 3;
  }
  return -1;
}

function decode(head: Uint8Array): string {
  try {
    return strictUtf8.decode(head);
  } catch {
    throw malformedHead(head, 400, 'the headers are not UTF-8');
  }
}

/** Parses the start line and the headers as far as possible; `fault` is the first error. */
function parseHead(text: string): { message: SipMessage; fault: Fault | undefined } {
  const headers = new SipHeaders();
  const firstEnd = text.indexOf('\r\n');
  const startLine = firstEnd < 0 ? text : text.slice(0, firstEnd);
  const started = parseStartLine(startLine, headers);
  const fault = firstEnd < 0 ? undefined : parseHeaders(text, firstEnd + 2, headers);
  return { message: started.message, fault: started.fault ?? fault };
}

function parseStartLine(
  line: string,
  headers: SipHeaders,
): { message: SipMessage; fault: Fault | undefined } {
  if (line.slice(0, 4).toUpperCase() === 'SIP/') {
    const [, version, digits, reason = ''] = STATUS_LINE.exec(line) ?? [];
    const status = Number(digits);
    const message = { status, reason, headers, body: NO_BODY };
    if (version === undefined) return { message, fault: bad('malformed status line') };
    const fault = versionFault(version);
    return { message, fault: fault ?? (status < 100 || status > 699 ? bad(`status ${status}`) : undefined) };
  }
  const [, method, uri, version] = REQUEST_LINE.exec(line) ?? [];
  if (method === undefined || uri === undefined || version === undefined) {
    return { message: salvageRequestLine(line, headers), fault: bad('malformed request line') };
  }
  const message = { method, uri, headers, body: NO_BODY };
  return { message, fault: requestLineFault(method, uri, version) };
}

function requestLineFault(method: string, uri: string, version: string): Fault | undefined {
  if (!isToken(method)) return bad('the method is not a token');
  const fault = versionFault(version);
  if (fault) return fault;
  if (uri.length > MAX_URI_LENGTH) {
    return {
      status: 414,
      reason: `a Request-URI of ${uri.length} characters: expected at most ${MAX_URI_LENGTH}`,
    };
  }
  const parsed = parseUri(uri);
  if (!parsed) return bad('malformed Request-URI');
  // RFC 3261 §19.1.1 does not allow headers there; RFC 4475 §3.1.2.11.
  if (parsed instanceof SipUri && parsed.headers !== undefined) return bad('a Request-URI with headers');
  return undefined;
}

/** The method and the URI of a malformed request line, for a log; the response needs neither. */
function salvageRequestLine(line: string, headers: SipHeaders): SipRequest {
  const [method = '', ...rest] = trimBlanks(line.slice(0, MAX_URI_LENGTH)).split(/[ \t]+/);
  return { method, uri: rest.slice(0, -1).join(' '), headers, body: NO_BODY };
}

function versionFault(version: string): Fault | undefined {
  if (version.toUpperCase() === 'SIP/2.0') return undefined;
  return { status: 505, reason: `${version} is not supported: expected SIP/2.0` };
}

const TOO_MANY_LINES: Fault = { status: 513, reason: `more than ${MAX_HEADER_LINES} header lines` };

/** Appends the lines of `text` at `from` to `headers`. */
function parseHeaders(text: string, from: number, headers: SipHeaders): Fault | undefined {
  let fault: Fault | undefined;
  let seen = 0;
  let at = from;
  for (let lines = 0; at < text.length; lines++) {
    let lineEnd = endOfLine(text, at);
    if (lineEnd === at) break;
    if (lineEnd < 0) return fault ?? bad('a CR or an LF alone in a header');
    if (lines >= MAX_HEADER_LINES) return TOO_MANY_LINES;
    const colon = text.indexOf(':', at);
    const header = colon < 0 || colon > lineEnd ? undefined : parseName(text, at, colon);
    let value = header ? trimBlanks(text, colon + 1, lineEnd) : '';
    at = lineEnd + 2;
    if (isBlank(text.charCodeAt(at))) {
      const pieces = [value];
      do {
        lineEnd = endOfLine(text, at);
        if (lineEnd < 0) return fault ?? bad('a CR or an LF alone in a header');
        pieces.push(trimBlanks(text, at, lineEnd));
        if (++lines >= MAX_HEADER_LINES) return TOO_MANY_LINES;
        at = lineEnd + 2;
      } while (isBlank(text.charCodeAt(at)));
      value = unfold(pieces);
    }
    if (!header) {
      fault ??= bad('a line that is not a header');
      continue;
    }
    if ((seen & header.singleBit) !== 0) fault ??= bad(`${header.name} occurs twice`);
    seen |= header.singleBit;
    headers.appendParsed(header, value);
  }
  return fault;
}

/** Index of the CRLF that ends the line; -1 if the line contains a CR or an LF alone. */
function endOfLine(text: string, from: number): number {
  const cr = text.indexOf('\r', from);
  const lf = text.indexOf('\n', from);
  if (cr < 0 && lf < 0) return text.length;
  return lf === cr + 1 && cr >= 0 ? cr : -1;
}

/** RFC 3261 §7.3.1: the line break and the blanks around it are equivalent to one SP. */
function unfold(pieces: readonly string[]): string {
  return pieces.filter((piece) => piece !== '').join(' ');
}

function parseName(text: string, from: number, colon: number): HeaderName | undefined {
  const known = KNOWN_HEADERS.get(text.slice(from, colon));
  if (known) return known;
  const name = trimBlanks(text, from, colon);
  return isToken(name) && text.startsWith(name, from) ? headerName(name) : undefined;
}

/** Headers that RFC 3261 §8.1.1 and §20 require. Max-Forwards and a branch are not required: RFC 2543 has neither. */
function check(message: SipMessage): Fault | undefined {
  const { headers } = message;
  if (!headers.via) return absentOrMalformed(headers, 'Via');
  if (!headers.from) return absentOrMalformed(headers, 'From');
  if (!headers.to) return absentOrMalformed(headers, 'To');
  if (!isCallId(headers.get('Call-ID'))) return absentOrMalformed(headers, 'Call-ID');
  if (!headers.cseq) return absentOrMalformed(headers, 'CSeq');
  return isRequest(message) ? checkRequest(message) : undefined;
}

function absentOrMalformed(headers: SipHeaders, name: string): Fault {
  return bad(headers.get(name) === undefined ? `no ${name}` : `malformed ${name}`);
}

function checkRequest({ method, headers }: SipRequest): Fault | undefined {
  const of = headers.cseq?.method;
  if (of !== method) return bad(`the method of CSeq is ${of}, the method of the request is ${method}`);
  const maxForwards = headers.get('Max-Forwards');
  if (maxForwards !== undefined && !(digits(maxForwards) <= MAX_MAX_FORWARDS)) {
    return bad('malformed Max-Forwards');
  }
  // Only of requests: a response is still useful if its Contact is malformed.
  const contacts = headers.getAll('Contact');
  if (contacts.length > MAX_CONTACTS) return bad(`more than ${MAX_CONTACTS} values of Contact`);
  if (contacts.length > 0 && contacts[0] !== '*' && !parseNameAddrs(contacts))
    return bad('malformed Contact');
  return undefined;
}

/** Wider than `word ["@" word]`, but blanks and commas would make it two values. */
function isCallId(text: string | undefined): boolean {
  return text !== undefined && text !== '' && !/[\s,;]/.test(text);
}

function parseLength(text: string): number | undefined {
  const length = digits(text);
  return Number.isSafeInteger(length) ? length : undefined;
}

/** NaN for text other than digits. */
function digits(text: string): number {
  return /^[0-9]+$/.test(text) ? Number(text) : Number.NaN;
}

function refusal({ status, reason }: Fault, message: SipMessage): MalformedSipError {
  const answerable = isRequest(message) && isToken(message.method) && message.headers.has('Via');
  return new MalformedSipError(status, reason, answerable ? message : undefined);
}
