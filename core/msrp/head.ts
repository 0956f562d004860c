/**
 * Start line and headers of a frame (RFC 4975 9). What can be answered is answered: only a start line that gives no
 * transaction identifier makes the stream unreadable.
 */

import type { MsrpRequest, MsrpResponse } from './frame.js';
import { isHeaderName, isHeaderValue, MsrpHeaders, trimBlanks } from './headers.js';
import { MalformedMsrp } from './malformed.js';
import { isTransactionId } from './transaction-id.js';
import { parsePath } from './uri.js';

// A byte order mark is text like any other here.
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const lenientUtf8 = new TextDecoder('utf-8', { ignoreBOM: true });

const START_LINE = /^MSRP ([^ \r\n]+) ([^ \r\n]+)(?: ([^\r\n]*))?$/;
const STATUS = /^[0-9]{3}$/;
const METHOD = /^[A-Z]+$/;

/** Two of them would be understood by two readers in two ways. */
const SINGLE = new Set([
  ...['to-path', 'from-path', 'message-id', 'byte-range', 'status', 'success-report', 'failure-report'],
  'content-type',
]);

const NO_PATH: readonly string[] = [];

export class HeadParser {
  readonly #toPath = new PathReader();
  readonly #fromPath = new PathReader();
  readonly #maxHeaders: number;

  constructor(maxHeaders: number) {
    this.#maxHeaders = maxHeaders;
  }

  /**
   * @param bytes start line and headers, each with its CRLF
   * @param problem what is known to be wrong with them
   * @throws MalformedMsrp
   */
  parse(bytes: Uint8Array, problem?: string): MsrpRequest | MsrpResponse {
    const { text, fault } = decode(bytes);
    const firstEnd = text.indexOf('\r\n');
    const [line, transactionId = '', second = '', third = ''] =
      START_LINE.exec(text.slice(0, Math.max(firstEnd, 0))) ?? [];
    if (line === undefined || !isTransactionId(transactionId))
      throw new MalformedMsrp('malformed start line');
    const headers = new MsrpHeaders();
    const read = { toPath: NO_PATH, fromPath: NO_PATH, headers };
    const lineFault = this.#readHeaders(text, firstEnd + 2, read);
    if (STATUS.test(second)) {
      // A response is known by its identifier and its status, and nobody answers it.
      return { transactionId, status: Number(second), comment: third, ...read };
    }
    const malformed = problem ?? fault ?? startFault(second, third) ?? lineFault ?? pathFault(read);
    return { method: second, transactionId, ...read, ...(malformed !== undefined && { malformed }) };
  }

  /** Puts into `read` what the lines of `text` at `from` say; the first thing wrong with them. */
  #readHeaders(
    text: string,
    from: number,
    read: { toPath: readonly string[]; fromPath: readonly string[]; headers: MsrpHeaders },
  ): string | undefined {
    let fault: string | undefined;
    const seen = new Set<string>();
    let count = 0;
    for (let at = from; at < text.length; count++) {
      if (count === this.#maxHeaders) return fault ?? `more than ${this.#maxHeaders} headers`;
      const lineEnd = text.indexOf('\r\n', at);
      const line = text.slice(at, lineEnd < 0 ? text.length : lineEnd);
      at += line.length + 2;
      const colon = line.indexOf(':');
      const name = line.slice(0, Math.max(colon, 0));
      const value = trimBlanks(line.slice(colon + 1));
      if (!isHeaderName(name) || !isHeaderValue(value)) {
        fault ??= 'a line that is no header';
        continue;
      }
      const key = name.toLowerCase();
      if (SINGLE.has(key)) {
        if (seen.has(key)) fault ??= `${name} stands twice`;
        seen.add(key);
      }
      if (key === 'to-path') read.toPath = this.#toPath.read(value);
      else if (key === 'from-path') read.fromPath = this.#fromPath.read(value);
      else read.headers.append(name, value);
    }
    return fault;
  }
}

function decode(bytes: Uint8Array): { text: string; fault?: string } {
  try {
    return { text: strictUtf8.decode(bytes) };
  } catch {
    return { text: lenientUtf8.decode(bytes), fault: 'the headers are not UTF-8' };
  }
}

function startFault(method: string, rest: string): string | undefined {
  return METHOD.test(method) && rest === '' ? undefined : 'malformed start line';
}

function pathFault({ toPath, fromPath }: Pick<MsrpRequest, 'toPath' | 'fromPath'>): string | undefined {
  if (toPath.length === 0) return 'no To-Path, or a malformed one';
  return fromPath.length === 0 ? 'no From-Path, or a malformed one' : undefined;
}

/** Remembers the path of the frame before: on most connections it is that of the next one. */
class PathReader {
  #text = '';
  #uris = NO_PATH;

  /** The URIs as written; none where one of them is malformed. */
  read(text: string): readonly string[] {
    if (text !== this.#text) {
      this.#text = text;
      this.#uris = parsePath(text) ? text.split(/[ \t]+/) : NO_PATH;
    }
    return this.#uris;
  }
}
