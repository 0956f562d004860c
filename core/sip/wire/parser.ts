/**
 * One SIP message of bytes (RFC 3261 7 and 25, held against RFC 4475). One pass finds the lines and their
 * names; values are cut out, and parsed by whoever asks. Only what decides whether the message can be framed,
 * answered and matched is parsed here.
 *
 * Strict where two readers could understand two things: CRLF alone ends a line, single blanks in the start
 * line, one From, one Content-Length. Header bytes that are no UTF-8 are refused: passed on as text they would
 * come out as other bytes than came in.
 */

import { isBlank, isToken, trimBlanks } from '../message/grammar.js';
import { type HeaderName, headerName, usualHeaderName } from '../message/header-names.js';
import {
  isRequest,
  MAX_HEADER_BYTES,
  MAX_HEADER_LINES,
  MAX_URI_LENGTH,
  MalformedSip,
  NO_BODY,
  SipHeaders,
  type SipMessage,
  type SipRequest,
} from '../message/message.js';
import { parseNameAddr, parseNameAddrs } from '../values/name-addr.js';
import { parseUri, SipUri } from '../values/uri.js';
import { Via } from '../values/via.js';

export { MalformedSip } from '../message/message.js';

const CR = 0x0d;
const LF = 0x0a;
const MAX_CSEQ = 2 ** 31;
const MAX_MAX_FORWARDS = 255;

// A byte order mark is text like any other here.
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const lenientUtf8 = new TextDecoder('utf-8', { ignoreBOM: true });

const REQUEST_LINE = /^([^ ]+) ([^ ]+) (SIP\/[0-9]+\.[0-9]+)$/i;
const STATUS_LINE = /^(SIP\/[0-9]+\.[0-9]+) ([0-9]{3})(?: ([^\r\n]*))?$/i;

/**
 * A datagram, a WebSocket message, or one message framed from a stream. The body is a view of `bytes`, not a
 * copy; bytes after it are dropped (RFC 3261 18.3). Throws MalformedSip.
 */
export function parseMessage(bytes: Uint8Array): SipMessage {
  const start = skipLineBreaks(bytes);
  const headEnd = endOfHead(bytes, start);
  if (headEnd < 0)
    throw malformedHead(bytes.subarray(start), 400, 'the headers do not end with an empty line');
  if (headEnd - start > MAX_HEADER_BYTES) {
    throw new MalformedSip(513, `headers of ${headEnd - start} bytes; at most ${MAX_HEADER_BYTES} are taken`);
  }
  const text = decode(bytes.subarray(start, headEnd));
  const { message, problem } = parseHead(text);
  const fault = problem ?? check(message);
  if (fault) throw refusal(fault, message);

  const length = message.headers.get('Content-Length');
  const available = bytes.length - headEnd;
  const wanted = length === undefined ? available : parseLength(length);
  if (wanted === undefined || wanted > available) {
    throw refusal(
      { status: 400, reason: `Content-Length ${length}, but ${available} bytes follow` },
      message,
    );
  }
  // Not `subarray`: of a Node.js Buffer that is a Buffer, whose `slice` means something else.
  if (wanted > 0) message.body = new Uint8Array(bytes.buffer, bytes.byteOffset + headEnd, wanted);
  return message;
}

/**
 * The error for bytes that begin like a message and are refused for a reason of their own (framing), with
 * whatever can be read of the request.
 */
export function malformedHead(bytes: Uint8Array, status: number, reason: string): MalformedSip {
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

/** RFC 3261 7.5: line breaks before the start line are ignored. */
function skipLineBreaks(bytes: Uint8Array): number {
  let at = 0;
  while (bytes[at] === CR && bytes[at + 1] === LF) at += 2;
  return at;
}

/** Index after the empty line; -1 when there is none. */
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

/** Start line and headers of `text`, as far as they can be read; `problem` is the first thing wrong with them. */
function parseHead(text: string): { message: SipMessage; problem: Fault | undefined } {
  const headers = new SipHeaders();
  const firstEnd = text.indexOf('\r\n');
  const startLine = firstEnd < 0 ? text : text.slice(0, firstEnd);
  const started = parseStartLine(startLine, headers);
  const problem = firstEnd < 0 ? undefined : parseHeaders(text, firstEnd + 2, headers);
  return { message: started.message, problem: started.problem ?? problem };
}

function parseStartLine(
  line: string,
  headers: SipHeaders,
): { message: SipMessage; problem: Fault | undefined } {
  if (line.slice(0, 4).toUpperCase() === 'SIP/') {
    const [, version, digits, reason = ''] = STATUS_LINE.exec(line) ?? [];
    const status = Number(digits);
    const message = { status, reason, headers, body: NO_BODY };
    if (version === undefined) return { message, problem: bad('malformed status line') };
    if (!isVersion2(version))
      return { message, problem: { status: 505, reason: `${version} is not spoken here` } };
    return { message, problem: status < 100 || status > 699 ? bad(`status ${status}`) : undefined };
  }
  const [, method, uri, version] = REQUEST_LINE.exec(line) ?? [];
  if (method === undefined || uri === undefined || version === undefined) {
    return { message: salvageRequestLine(line, headers), problem: bad('malformed request line') };
  }
  const message = { method, uri, headers, body: NO_BODY };
  return { message, problem: requestLineFault(method, uri, version) };
}

function requestLineFault(method: string, uri: string, version: string): Fault | undefined {
  if (!isToken(method)) return bad('the method is no token');
  if (!isVersion2(version)) return { status: 505, reason: `${version} is not spoken here` };
  if (uri.length > MAX_URI_LENGTH) {
    return {
      status: 414,
      reason: `a Request-URI of ${uri.length} characters; at most ${MAX_URI_LENGTH} are taken`,
    };
  }
  const parsed = parseUri(uri);
  if (!parsed) return bad('malformed Request-URI');
  // RFC 3261 19.1.1: headers are not allowed there; RFC 4475 3.1.2.11.
  if (parsed instanceof SipUri && parsed.headers !== undefined) return bad('a Request-URI with headers');
  return undefined;
}

/** Enough of a malformed request line for a response, which carries none of it, and for a log. */
function salvageRequestLine(line: string, headers: SipHeaders): SipRequest {
  const [method = '', ...rest] = trimBlanks(line.slice(0, MAX_URI_LENGTH)).split(/[ \t]+/);
  return { method, uri: rest.slice(0, -1).join(' '), headers, body: NO_BODY };
}

function isVersion2(version: string): boolean {
  return version.toUpperCase() === 'SIP/2.0';
}

/** Fills `headers` from the lines of `text` at `from`. */
function parseHeaders(text: string, from: number, headers: SipHeaders): Fault | undefined {
  let problem: Fault | undefined;
  let seen = 0;
  let at = from;
  for (let lines = 0; at < text.length; lines++) {
    let lineEnd = endOfLine(text, at);
    if (lineEnd === at) break;
    if (lineEnd < 0) return problem ?? bad('CR or LF alone in a header');
    if (lines === MAX_HEADER_LINES) {
      return { status: 513, reason: `more than ${MAX_HEADER_LINES} header lines` };
    }
    const colon = text.indexOf(':', at);
    const header = colon < 0 || colon > lineEnd ? undefined : parseName(text, at, colon);
    let value = header ? trimBlanks(text, colon + 1, lineEnd) : '';
    at = lineEnd + 2;
    if (isBlank(text.charCodeAt(at))) {
      const pieces = [value];
      do {
        lineEnd = endOfLine(text, at);
        if (lineEnd < 0) return problem ?? bad('CR or LF alone in a header');
        pieces.push(trimBlanks(text, at, lineEnd));
        at = lineEnd + 2;
      } while (isBlank(text.charCodeAt(at)));
      value = unfold(pieces);
    }
    if (!header) {
      problem ??= bad('a line that is no header');
      continue;
    }
    if ((seen & header.singleBit) !== 0) problem ??= bad(`${header.name} stands twice`);
    seen |= header.singleBit;
    headers.appendParsed(header, value);
  }
  return problem;
}

/** Index of the CRLF that ends the line; -1 when a CR or an LF stands alone in it. */
function endOfLine(text: string, from: number): number {
  const cr = text.indexOf('\r', from);
  const lf = text.indexOf('\n', from);
  if (cr < 0 && lf < 0) return text.length;
  return lf === cr + 1 && cr >= 0 ? cr : -1;
}

/** RFC 3261 7.3.1: the line break and the blanks around it mean one SP. */
function unfold(pieces: readonly string[]): string {
  return pieces.filter((piece) => piece !== '').join(' ');
}

function parseName(text: string, from: number, colon: number): HeaderName | undefined {
  const usual = usualHeaderName(text.slice(from, colon));
  if (usual) return usual;
  const name = trimBlanks(text, from, colon);
  return isToken(name) && text.startsWith(name, from) ? headerName(name) : undefined;
}

/** What RFC 3261 8.1.1 and 20 demand of every message. Max-Forwards and a branch are not: RFC 2543 had none. */
function check(message: SipMessage): Fault | undefined {
  const { headers } = message;
  const via = headers.get('Via');
  if (via === undefined) return bad('no Via');
  if (!Via.parse(via)) return bad('malformed Via');
  for (const name of ['From', 'To']) {
    const value = headers.get(name);
    if (value === undefined) return bad(`no ${name}`);
    if (!parseNameAddr(value)) return bad(`malformed ${name}`);
  }
  if (!isCallId(headers.get('Call-ID'))) return bad('no Call-ID, or a malformed one');
  return checkCSeq(message) ?? (isRequest(message) ? checkRequest(headers) : undefined);
}

function checkCSeq(message: SipMessage): Fault | undefined {
  const parsed = parseCSeq(message.headers.get('CSeq') ?? '');
  if (!parsed) return bad('no CSeq, or a malformed one');
  if (isRequest(message) && parsed.method !== message.method) {
    return bad(`CSeq is of ${parsed.method}, the request is ${message.method}`);
  }
  return undefined;
}

function checkRequest(headers: SipHeaders): Fault | undefined {
  const maxForwards = headers.get('Max-Forwards');
  if (maxForwards !== undefined && !(digits(maxForwards) <= MAX_MAX_FORWARDS))
    return bad('malformed Max-Forwards');
  // Only of requests: a response is not lost for a contact of somebody else's that we cannot read.
  const contacts = headers.getAll('Contact');
  if (contacts.length > 0 && contacts[0] !== '*' && !parseNameAddrs(contacts))
    return bad('malformed Contact');
  return undefined;
}

/** `word ["@" word]` is wider than what anybody sends; blanks and commas would make it two. */
function isCallId(text: string | undefined): boolean {
  return text !== undefined && text !== '' && !/[\s,;]/.test(text);
}

/** Number (below 2^31, RFC 3261 8.1.1.5) and method of a CSeq value. Undefined when malformed. */
export function parseCSeq(text: string): { number: number; method: string } | undefined {
  const space = text.search(/[ \t]/);
  if (space < 0) return undefined;
  const number = digits(text.slice(0, space));
  const method = trimBlanks(text, space);
  return number < MAX_CSEQ && isToken(method) ? { number, method } : undefined;
}

function parseLength(text: string): number | undefined {
  const length = digits(text);
  return Number.isSafeInteger(length) ? length : undefined;
}

/** NaN for anything but digits: no sign, no blanks, no exponent. */
function digits(text: string): number {
  return /^[0-9]+$/.test(text) ? Number(text) : Number.NaN;
}

function refusal({ status, reason }: Fault, message: SipMessage): MalformedSip {
  const answerable = isRequest(message) && isToken(message.method) && message.headers.has('Via');
  return new MalformedSip(status, reason, answerable ? message : undefined);
}
