/**
 * The cost of MSRP frames compared with the minimum: one search of the bytes, and one copy of them (as in the
 * kernel). Chunks of 64 KiB in reads of 64 KiB, as from a fast sender; and bodies that are slow to parse.
 *
 * `npx vitest bench --config test/vitest.config.ts --run test/bench/msrp-codec.bench.ts`
 */

import { randomBytes } from 'node:crypto';
import { bench, describe } from 'vitest';
import {
  endLine,
  holdsTransactionId,
  MsrpHeaders,
  type MsrpRequest,
  newTransactionId,
  requestHead,
} from '../../core/msrp/frames/frame.js';
import { MsrpParser } from '../../core/msrp/frames/parser.js';

const READ_BYTES = 65_536;
const STREAM_BYTES = 4 * 1024 * 1024;

function send(transactionId: string, offset: number, total: number): MsrpRequest {
  const headers = new MsrpHeaders()
    .set('Message-ID', '5f2d9c1e7a3b4d60')
    .set('Byte-Range', `${offset + 1}-*/${total}`)
    .set('Success-Report', 'yes')
    .set('Content-Type', 'application/octet-stream');
  return {
    method: 'SEND',
    transactionId,
    toPath: ['msrp://userpc.domain.test:8888/9di4ea3f0c5d6e78a1c7d90c63f4a5db;tcp'],
    fromPath: ['msrp://psa.domain.test:7654/a3cd20b8ae7f8a1c7d90c63f4a5db1b3;tcp'],
    headers,
  };
}

function streamOf(content: Uint8Array, chunkBytes: number): Buffer {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < content.length; at += chunkBytes) {
    const id = newTransactionId();
    const body = content.subarray(at, at + chunkBytes);
    const flag = at + chunkBytes < content.length ? '+' : '$';
    parts.push(requestHead(send(id, at, content.length), true), body, endLine(id, flag, true));
  }
  return Buffer.concat(parts);
}

function* reads(stream: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < stream.length; at += size) yield stream.subarray(at, at + size);
}

function parse(stream: Buffer, readBytes = READ_BYTES): number {
  let bytes = 0;
  const parser = new MsrpParser({
    onRequest() {},
    onResponse() {},
    onBody(body) {
      bytes += body.length;
    },
    onEnd() {},
  });
  for (const read of reads(stream, readBytes)) parser.push(read);
  return bytes;
}

const random = randomBytes(STREAM_BYTES);
const text = Buffer.alloc(STREAM_BYTES, 'A line of text, as in mail and in markup, ends like this.\r\n');
const END_LINE = '\r\n-------8a1c7d90c63f4a5d';

describe(`${STREAM_BYTES / 1024 / 1024} MiB of random content`, () => {
  const stream = streamOf(random, READ_BYTES);
  const small = streamOf(random, 2048);
  const target = Buffer.alloc(STREAM_BYTES);
  bench('a search for an end-line', () => {
    for (const read of reads(random, READ_BYTES)) read.indexOf(END_LINE);
  });
  bench('a copy', () => {
    for (const read of reads(random, READ_BYTES)) read.copy(target);
  });
  bench('parse, chunks of 64 KiB', () => void parse(stream));
  bench('parse, chunks of 2 KiB', () => void parse(small));
  bench('write, chunks of 64 KiB', () => {
    for (let at = 0; at < random.length; at += READ_BYTES) {
      const id = newTransactionId();
      holdsTransactionId(id, random.subarray(at, at + READ_BYTES));
      requestHead(send(id, at, random.length), true);
      endLine(id, '+', true);
    }
  });
});

describe(`${STREAM_BYTES / 1024 / 1024} MiB of lines of text`, () => {
  const stream = streamOf(text, READ_BYTES);
  bench('a search for an end-line', () => {
    for (const read of reads(text, READ_BYTES)) read.indexOf(END_LINE);
  });
  bench('parse, chunks of 64 KiB', () => void parse(stream));
});

/** The size is doubled: the cost should at most double. */
describe.each([
  ['CR', '\r'],
  ['hyphens', '-'],
  ['starts of end-lines', '\r\n-----'],
  ['almost end-lines', '\r\n-------8a1c7d90c63f4a5d!'],
])('a body of %s', (_what, piece) => {
  const head = requestHead(send('8a1c7d90c63f4a5d', 0, 0), true);
  const stream = (bytes: number) =>
    Buffer.concat([head, Buffer.alloc(bytes, piece), endLine('8a1c7d90c63f4a5d', '$', true)]);
  const [once, twice] = [stream(65_536), stream(131_072)];
  bench('64 KiB', () => void parse(once));
  bench('128 KiB', () => void parse(twice));
  bench('64 KiB, byte by byte', () => void parse(once, 1));
  bench('128 KiB, byte by byte', () => void parse(twice, 1));
});

describe('a head that grows byte by byte', () => {
  const head = (bytes: number) => Buffer.from(`MSRP 8a1c7d90c63f4a5d SEND\r\nX: ${'y'.repeat(bytes)}`);
  const [once, twice] = [head(8000), head(16_000)];
  bench('8 KB', () => void parse(once, 1));
  bench('16 KB', () => void parse(twice, 1));
});
