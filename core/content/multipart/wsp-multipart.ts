/** WSP multipart (WAP-230 8.5): the number of parts, then each part after its lengths. */

import { ConfigurationError, MalformedError } from '../../errors.js';
import type { MediaType } from '../content.js';
import { readContentType, writeContentType } from '../wsp/content-type.js';
import { readHeaders, type WspHeaders, writeHeaders } from '../wsp/headers.js';
import { readUintvar, writeUintvar } from '../wsp/integers.js';
import { OctetReader, OctetWriter } from '../wsp/octets.js';
import { NEWEST, readAnyValue } from '../wsp/values.js';
import { MAX_HEAD } from './entity-head.js';
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

const DOCUMENT = 'WSP multipart';
const CONTENT_TYPE = 'Content-Type';
/** The type of a part whose Content-Type cannot be read. */
const UNKNOWN_TYPE: MediaType = { type: 'application/octet-stream', parameters: {} };
/** The longest uintvar. */
const UINTVAR_OCTETS = 5;

/** Ignores octets after the last part. */
export function decodeWspMultipart(octets: Uint8Array): Part[] {
  const reader = new OctetReader(octets, DOCUMENT);
  const count = readUintvar(reader, 'number of parts');
  checkPartCount(count, DOCUMENT);
  return Array.from({ length: count }, (_, index) => {
    const document = documentOf(index + 1, count);
    const headLength = readUintvar(reader, 'length of headers');
    const bodyLength = readUintvar(reader, 'length of data');
    checkHeadLength(headLength, document);
    const head = readHead(reader.octets(headLength, 'headers'), document);
    const { transfer, ...part } = transferOf(head, document);
    return { ...part, body: decodedBody(transfer, reader.octets(bodyLength, 'data')) };
  });
}

export function encodeWspMultipart(parts: readonly Part[]): Uint8Array {
  const writer = new OctetWriter();
  writeUintvar(writer, parts.length);
  for (const part of parts) {
    writer.octets(headOf(part.type, part, part.body.length)).octets(part.body);
  }
  return writer.finish();
}

export async function* readWspParts(source: OctetSource): AsyncGenerator<StreamedPart, void, undefined> {
  const [count = 0] = await numbers(source, ['number of parts'], DOCUMENT);
  checkPartCount(count, DOCUMENT);
  for (let index = 1; index <= count; index += 1) {
    const document = documentOf(index, count);
    const fields = ['length of headers', 'length of data'];
    const [headLength = 0, size = 0] = await numbers(source, fields, document);
    checkHeadLength(headLength, document);
    await source.fill(headLength);
    const octets = new OctetReader(source.buffered, document).octets(headLength, 'headers');
    const { transfer, ...part } = transferOf(readHead(octets, document), document);
    source.skip(headLength);
    const body = new PartBody(decodedPieces(transfer, counted(source, size, document)));
    yield { ...part, size: transfer.decoder ? undefined : size, body: body.stream };
    await body.finish();
  }
}

export async function* writeWspParts(
  parts: readonly ContentPart[],
): AsyncGenerator<Uint8Array, void, undefined> {
  const writer = new OctetWriter();
  writeUintvar(writer, parts.length);
  yield writer.finish();
  for (const { headers, content } of parts) {
    const { type, size } = content;
    if (size === undefined)
      throw new ConfigurationError('missing size of a part: WSP multipart needs content of known size');
    yield headOf(type, { headers }, size);
    let written = 0;
    for await (const chunk of content.open()) {
      written += chunk.length;
      if (written > size) break;
      yield chunk;
    }
    if (written !== size)
      throw new ConfigurationError(
        `the content has ${written > size ? 'more' : written} bytes: expected its size ${size}`,
      );
  }
}

function checkHeadLength(length: number, document: string): void {
  if (length <= MAX_HEAD) return;
  throw new MalformedError(`${document}: headers of ${length} octets: expected at most ${MAX_HEAD}`);
}

function documentOf(part: number, count: number): string {
  return `${DOCUMENT}, part ${part} of ${count}`;
}

/** Malformed headers cost only themselves, because the length of the block is known. */
function readHead(octets: Uint8Array, document: string): WspHeaders & { type: MediaType } {
  const block = new OctetReader(octets, `${document}, headers`);
  const read = block.attempt((reader) => readContentType(reader, CONTENT_TYPE));
  if (!read && !block.attempt((reader) => readAnyValue(reader, CONTENT_TYPE))) block.rest();
  return { type: read?.value ?? UNKNOWN_TYPE, ...readHeaders(block, true), warnings: block.warnings };
}

/** Lengths, content type and headers. */
function headOf(type: MediaType, headers: WspHeaders, size: number): Uint8Array {
  requirePlainTransfer(headers.headers);
  const block = new OctetWriter();
  writeContentType(block, type);
  writeHeaders(block, headers, NEWEST);
  const octets = block.finish();
  const writer = new OctetWriter();
  writeUintvar(writer, octets.length);
  writeUintvar(writer, size);
  return writer.octets(octets).finish();
}

async function numbers(source: OctetSource, fields: readonly string[], document: string): Promise<number[]> {
  await source.fill(UINTVAR_OCTETS * fields.length);
  const reader = new OctetReader(source.buffered, document);
  const values = fields.map((field) => readUintvar(reader, field));
  source.skip(reader.offset);
  return values;
}

/** The next `size` octets. */
function counted(source: OctetSource, size: number, document: string): () => Promise<Uint8Array | undefined> {
  let left = size;
  return async () => {
    if (left === 0) return undefined;
    const octets = await source.next(left);
    if (octets === undefined)
      throw new MalformedError(`${document}: data: expected ${left} more octets, found the end`);
    left -= octets.length;
    return octets;
  };
}
