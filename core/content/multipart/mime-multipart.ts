/** MIME's multipart (RFC 2046 5.1), byte for byte: bodies are octets, whatever they hold. */

import { ConfigurationError, MalformedError } from '../../errors.js';
import type { MediaType } from '../content.js';
import { type HeaderList, headerOf, withoutHeader } from '../headers.js';
import { formatMediaType, parseMediaType } from '../media-type.js';
import { OctetWriter } from '../wsp/octet-writer.js';
import { Boundary } from './boundary.js';
import { endOfHeaderBlock, formatHeaderBlock, parseHeaderBlock } from './header-block.js';
import type { OctetSource } from './octet-source.js';
import { type ContentPart, MAX_PART_HEAD, type Part, requireFewParts, type StreamedPart } from './part.js';
import { PartBody } from './part-body.js';
import { chunksOf } from './streams.js';

const encoder = new TextEncoder();
const LINE_END = encoder.encode('\r\n');

/** What stands before the first part and behind the last is passed over. */
export function decodeMimeMultipart(type: MediaType, octets: Uint8Array): Part[] {
  const boundary = Boundary.of(type);
  const parts: Part[] = [];
  let left = octets;
  for (let isPart = false; ; isPart = true) {
    const head = isPart ? readHead(left, type.type) : undefined;
    if (head) left = left.subarray(head.length);
    const { before, end, close } = section(boundary, left, type.type);
    if (head) parts.push({ type: head.type, headers: head.headers, body: left.slice(0, before) });
    requireFewParts(parts.length, type.type);
    if (close) return parts;
    left = left.subarray(end);
  }
}

/** @throws ConfigurationError where a body has a line that begins with the boundary. */
export function encodeMimeMultipart(type: MediaType, parts: readonly Part[]): Uint8Array {
  const boundary = Boundary.given(type);
  const writer = new OctetWriter();
  for (const { type: partType, headers, body } of parts) {
    if (boundary.at(body, 0, true) || boundary.find(body, true).delimiter) {
      throw new ConfigurationError(`the boundary "${type.parameters.boundary}" stands in a part`);
    }
    writer.octets(boundary.line).octets(headOf(partType, headers)).octets(body).octets(LINE_END);
  }
  return writer.octets(boundary.closingLine).finish();
}

export async function* readMimeParts(
  type: MediaType,
  source: OctetSource,
): AsyncGenerator<StreamedPart, void, undefined> {
  const boundary = Boundary.of(type);
  const preamble = new Section(boundary, source, type.type);
  while ((await preamble.next()) !== undefined);
  for (let previous = preamble, count = 1; !previous.closed; count += 1) {
    const document = `${type.type}, part ${count}`;
    requireFewParts(count, type.type);
    await source.fill(MAX_PART_HEAD);
    const { length, ...head } = readHead(source.buffered, document);
    source.skip(length);
    const current = new Section(boundary, source, document);
    const body = new PartBody(() => current.next());
    yield { ...head, body: body.stream };
    await body.finish();
    previous = current;
  }
}

/** The boundary is taken not to stand in any part: one of `withBoundary` does not. */
export async function* writeMimeParts(
  type: MediaType,
  parts: readonly ContentPart[],
): AsyncGenerator<Uint8Array, void, undefined> {
  const boundary = Boundary.given(type);
  for (const { headers, content } of parts) {
    yield boundary.line;
    yield headOf(content.type, headers);
    yield* chunksOf(content.open());
    yield LINE_END;
  }
  yield boundary.closingLine;
}

/** What stands between two delimiters, of which the first was read. */
class Section {
  /** Whether the delimiter behind it was the last. */
  closed = false;
  #atStart = true;
  #done = false;

  constructor(
    private readonly boundary: Boundary,
    private readonly source: OctetSource,
    private readonly document: string,
  ) {}

  /** The next octets, undefined behind the last. */
  async next(): Promise<Uint8Array | undefined> {
    while (!this.#done) {
      const { buffered, ended } = this.source;
      // The line end before a delimiter may be the one that was read before the section: an empty body.
      const match = this.#atStart ? this.boundary.at(buffered, 0, ended) : undefined;
      if (match !== 'open') {
        const { before, delimiter } = match
          ? { before: 0, delimiter: match }
          : this.boundary.find(buffered, ended);
        if (before > 0) {
          this.#atStart = false;
          return this.source.take(before);
        }
        if (delimiter) {
          this.source.skip(delimiter.end);
          this.closed = delimiter.close;
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

/** The same of octets that are all there. */
function section(
  boundary: Boundary,
  octets: Uint8Array,
  document: string,
): { before: number; end: number; close: boolean } {
  const match = boundary.at(octets, 0, true);
  if (match && match !== 'open') return { before: 0, ...match };
  const { before, delimiter } = boundary.find(octets, true);
  if (!delimiter) throw noDelimiter(document);
  return { before, ...delimiter };
}

function noDelimiter(document: string): MalformedError {
  return new MalformedError(`${document}: expected a line with its boundary, found the end`);
}

/** @param octets from the start of a part; the first ones suffice. */
function readHead(
  octets: Uint8Array,
  document: string,
): { type: MediaType; headers: HeaderList; length: number } {
  const block = octets.subarray(0, MAX_PART_HEAD);
  const length = endOfHeaderBlock(block);
  if (length === undefined) {
    throw new MalformedError(
      `${document}: expected an empty line behind at most ${MAX_PART_HEAD} octets of headers`,
    );
  }
  const headers = parseHeaderBlock(block.subarray(0, length), document);
  // RFC 2046 5.1: a part that says nothing is plain text.
  const written = headerOf(headers, 'Content-Type') ?? 'text/plain';
  const type = parseMediaType(written);
  if (!type) throw new MalformedError(`${document}: Content-Type: expected a media type, found "${written}"`);
  return { type, headers: withoutHeader(headers, 'Content-Type'), length };
}

function headOf(type: MediaType, headers: HeaderList): Uint8Array {
  const block = formatHeaderBlock([
    ['Content-Type', formatMediaType(type)],
    ...withoutHeader(headers, 'Content-Type'),
  ]);
  return encoder.encode(block);
}
