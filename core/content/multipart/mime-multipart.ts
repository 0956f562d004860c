/** MIME multipart (RFC 2046 §5.1). A multipart whose first delimiter ends with a bare LF has lines that end with LF. */

import { ConfigurationError, MalformedError } from '../../errors.js';
import type { MediaType } from '../content.js';
import { OctetWriter } from '../wsp/octets.js';
import { Boundary, type Delimiter } from './boundary.js';
import { MAX_HEAD, readEntityHead, writeEntityHead } from './entity-head.js';
import { type OctetSource, PartBody } from './octet-source.js';
import {
  type ContentPart,
  checkPartCount,
  type Part,
  requirePlainTransfer,
  type StreamedPart,
  transferOf,
} from './part.js';
import { decodedBody, decodedPieces } from './transfer-encoding.js';

const LINE_END = new TextEncoder().encode('\r\n');
/** The type of a part without Content-Type (RFC 2046 §5.1). */
const PLAIN_TEXT: MediaType = { type: 'text/plain', parameters: {} };

/** Ignores the preamble and the epilogue. */
export function decodeMimeMultipart(type: MediaType, octets: Uint8Array): Part[] {
  const boundary = Boundary.forReading(type);
  const preamble = section(boundary, octets, type.type, true);
  const bare = preamble.bare === true;
  const parts: Part[] = [];
  let left = octets.subarray(preamble.end);
  for (let closed = preamble.close; !closed; ) {
    const count = parts.length + 1;
    const document = documentOf(type, count);
    checkPartCount(count, type.type);
    const { length, ...head } = readEntityHead(left, PLAIN_TEXT, document, true);
    left = left.subarray(length);
    const { before, end, close } = section(boundary, left, document, bare);
    const { transfer, ...part } = transferOf(head, document);
    parts.push({ ...part, body: decodedBody(transfer, left.subarray(0, before)) });
    left = left.subarray(end);
    closed = close;
  }
  return parts;
}

/** @throws ConfigurationError if a body contains the boundary. */
export function encodeMimeMultipart(type: MediaType, parts: readonly Part[]): Uint8Array {
  const boundary = Boundary.forWriting(type);
  const writer = new OctetWriter();
  for (const { type: partType, headers, body } of parts) {
    requirePlainTransfer(headers);
    if (boundary.at(body, 0, true) || boundary.find(body, true, false).delimiter) {
      throw new ConfigurationError(`invalid boundary "${type.parameters.boundary}": a part contains it`);
    }
    writer
      .octets(boundary.line)
      .octets(writeEntityHead({ type: partType, headers }))
      .octets(body)
      .octets(LINE_END);
  }
  return writer.octets(boundary.closingLine).finish();
}

export async function* readMimeParts(
  type: MediaType,
  source: OctetSource,
): AsyncGenerator<StreamedPart, void, undefined> {
  const boundary = Boundary.forReading(type);
  const preamble = new Section(boundary, source, type.type, true);
  while ((await preamble.next()) !== undefined);
  for (let previous = preamble, count = 1; !previous.closed; count += 1) {
    const document = documentOf(type, count);
    checkPartCount(count, type.type);
    await source.fill(MAX_HEAD);
    const { length, ...head } = readEntityHead(source.buffered, PLAIN_TEXT, document, true);
    source.skip(length);
    const current = new Section(boundary, source, document, preamble.bare);
    const { transfer, ...part } = transferOf(head, document);
    const body = new PartBody(decodedPieces(transfer, () => current.next()));
    yield { ...part, body: body.stream };
    await body.finish();
    previous = current;
  }
}

/** Does not check whether a part contains the boundary: use `withBoundary`. */
export async function* writeMimeParts(
  type: MediaType,
  parts: readonly ContentPart[],
): AsyncGenerator<Uint8Array, void, undefined> {
  const boundary = Boundary.forWriting(type);
  for (const { headers, content } of parts) {
    requirePlainTransfer(headers);
    yield boundary.line;
    yield writeEntityHead({ type: content.type, headers });
    yield* content.open();
    yield LINE_END;
  }
  yield boundary.closingLine;
}

/** Size in bytes of the output of `writeMimeParts`; undefined if the size of a part is not known. */
export function mimeMultipartSize(type: MediaType, parts: readonly ContentPart[]): number | undefined {
  const boundary = Boundary.forWriting(type);
  let size = boundary.closingLine.length;
  for (const { headers, content } of parts) {
    if (content.size === undefined) return undefined;
    const head = writeEntityHead({ type: content.type, headers });
    size += boundary.line.length + head.length + content.size + LINE_END.length;
  }
  return size;
}

function documentOf({ type }: MediaType, part: number): string {
  return `${type}, part ${part}`;
}

/** The octets up to the next delimiter. */
class Section {
  /** Whether the close delimiter followed. */
  closed = false;
  /** Whether the line of the delimiter that followed ends with a bare LF. */
  bare = false;
  #atStart = true;
  #done = false;

  constructor(
    private readonly boundary: Boundary,
    private readonly source: OctetSource,
    private readonly document: string,
    private readonly bareLines: boolean,
  ) {}

  /** The next octets; undefined at the end. */
  async next(): Promise<Uint8Array | undefined> {
    while (!this.#done) {
      const { buffered, ended } = this.source;
      // An empty body has no line end of its own before its delimiter.
      const match = this.#atStart ? this.boundary.at(buffered, 0, ended) : undefined;
      if (match !== 'open') {
        const { before, delimiter } = match
          ? { before: 0, delimiter: match }
          : this.boundary.find(buffered, ended, this.bareLines);
        if (before > 0) {
          this.#atStart = false;
          return this.source.take(before);
        }
        if (delimiter) {
          this.source.skip(delimiter.end);
          this.closed = delimiter.close;
          this.bare = delimiter.bare === true;
          this.#done = true;
          break;
        }
      }
      if (ended) throw noDelimiter(this.document);
      await this.source.more();
    }
    return undefined;
  }
}

/** Finds the next delimiter in complete octets. */
function section(
  boundary: Boundary,
  octets: Uint8Array,
  document: string,
  bareLines: boolean,
): Delimiter & { before: number } {
  const match = boundary.at(octets, 0, true);
  if (match && match !== 'open') return { before: 0, ...match };
  const { before, delimiter } = boundary.find(octets, true, bareLines);
  if (!delimiter) throw noDelimiter(document);
  return { before, ...delimiter };
}

function noDelimiter(document: string): MalformedError {
  return new MalformedError(`${document}: expected a line with the boundary, found the end`);
}
