/** MIME multipart (RFC 2046 §5.1). Bodies are octets; a Content-Transfer-Encoding is not decoded. */

import { ConfigurationError, MalformedError } from '../../errors.js';
import type { MediaType } from '../content.js';
import { OctetWriter } from '../wsp/octets.js';
import { Boundary } from './boundary.js';
import { MAX_HEAD, readEntityHead, writeEntityHead } from './entity-head.js';
import { type OctetSource, PartBody } from './octet-source.js';
import { type ContentPart, checkPartCount, type Part, type StreamedPart } from './part.js';

const LINE_END = new TextEncoder().encode('\r\n');
/** The type of a part without Content-Type (RFC 2046 §5.1). */
const PLAIN_TEXT: MediaType = { type: 'text/plain', parameters: {} };

/** Ignores the preamble and the epilogue. */
export function decodeMimeMultipart(type: MediaType, octets: Uint8Array): Part[] {
  const boundary = Boundary.forReading(type);
  const parts: Part[] = [];
  let left = octets;
  for (let isPart = false; ; isPart = true) {
    const head = isPart ? readEntityHead(left, PLAIN_TEXT, type.type) : undefined;
    if (head) left = left.subarray(head.length);
    const { before, end, close } = section(boundary, left, type.type);
    if (head) parts.push({ type: head.type, headers: head.headers, body: left.slice(0, before) });
    checkPartCount(parts.length, type.type);
    if (close) return parts;
    left = left.subarray(end);
  }
}

/** @throws ConfigurationError if a body contains the boundary. */
export function encodeMimeMultipart(type: MediaType, parts: readonly Part[]): Uint8Array {
  const boundary = Boundary.forWriting(type);
  const writer = new OctetWriter();
  for (const { type: partType, headers, body } of parts) {
    if (boundary.at(body, 0, true) || boundary.find(body, true).delimiter) {
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
  const preamble = new Section(boundary, source, type.type);
  while ((await preamble.next()) !== undefined);
  for (let previous = preamble, count = 1; !previous.closed; count += 1) {
    const document = `${type.type}, part ${count}`;
    checkPartCount(count, type.type);
    await source.fill(MAX_HEAD);
    const { length, ...head } = readEntityHead(source.buffered, PLAIN_TEXT, document);
    source.skip(length);
    const current = new Section(boundary, source, document);
    const body = new PartBody(() => current.next());
    yield { ...head, body: body.stream };
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
    yield boundary.line;
    yield writeEntityHead({ type: content.type, headers });
    yield* content.open();
    yield LINE_END;
  }
  yield boundary.closingLine;
}

/** The octets up to the next delimiter. */
class Section {
  /** Whether the close delimiter followed. */
  closed = false;
  #atStart = true;
  #done = false;

  constructor(
    private readonly boundary: Boundary,
    private readonly source: OctetSource,
    private readonly document: string,
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

/** Finds the next delimiter in complete octets. */
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
  return new MalformedError(`${document}: expected a line with the boundary, found the end`);
}
