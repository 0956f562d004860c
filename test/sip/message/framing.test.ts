import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { type FramerLimits, StreamFramer } from '../../../core/sip/message/framing.js';
import type { MalformedSipError } from '../../../core/sip/message/malformed-message.js';

import { writeMessage } from '../../../core/sip/message/writer.js';
import { messages } from './arbitraries.js';

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder('latin1').decode(bytes);

/** The events of a framer for a stream that is split into `chunks`. */
function frames(chunks: Iterable<Uint8Array>, limits: Partial<FramerLimits> = {}) {
  const reported: string[] = [];
  const errors: MalformedSipError[] = [];
  const framer = new StreamFramer(limits, {
    onMessage: (bytes) => reported.push(decode(bytes)),
    onKeepAlive: (kind) => reported.push(kind),
    onError: (error) => errors.push(error),
  });
  for (const chunk of chunks) framer.push(chunk);
  return { reported, errors };
}

/** Each chunk in separate memory, as from a socket. */
function cut(bytes: Uint8Array, offsets: readonly number[]): Uint8Array[] {
  const sorted = [0, ...[...offsets].sort((a, b) => a - b), bytes.length];
  return sorted.slice(1).map((end, at) => bytes.slice(sorted[at], end));
}

const head = (extra: string) => `MESSAGE sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=1\r\n${extra}\r\n`;
const WITH_BODY = `${head('Subject: x\r\ncontent-LENGTH : 6\r\nTo: <sip:a@b>\r\n')}ab\r\n\r\n`;
const FOLDED = `${head('l:\r\n 3\r\nX: l: 9\r\n')}xyz`;
const EMPTY = head('Content-Length: 0\r\n');
const STREAM = `\r\n\r\n${WITH_BODY}\r\n${FOLDED}${EMPTY}\r\n\r\n\r\n${WITH_BODY}`;
const EXPECTED = ['pong', 'ping', WITH_BODY, 'pong', FOLDED, EMPTY, 'pong', 'ping', 'pong', WITH_BODY];

/** Bytes that `indexOf` of arrays of bytes reads during `run`. */
function bytesSearched(run: () => void): number {
  const prototype: Uint8Array = Object.getPrototypeOf(Uint8Array.prototype);
  const original = prototype.indexOf;
  let bytes = 0;
  const search = vi.spyOn(prototype, 'indexOf').mockImplementation(function (
    this: Uint8Array,
    byte,
    from = 0,
  ) {
    const at = original.call(this, byte, from);
    bytes += (at < 0 ? this.length : at + 1) - from;
    return at;
  });
  run();
  search.mockRestore();
  return bytes;
}

describe('StreamFramer', () => {
  it('searches each byte a few times, however the head is split and whatever its lines are', () => {
    const lines = encode(head(`l: 0\r\n${'c\r\n'.repeat(8000)}`));
    const bytewise = Array.from(lines, (byte) => Uint8Array.of(byte));
    const most = lines.length * 5 + 8000 * 300;
    expect(bytesSearched(() => frames([lines]))).toBeLessThan(most);
    expect(bytesSearched(() => frames(bytewise))).toBeLessThan(most);
  });

  it('finds messages and keep-alives in one piece (RFC 3261 18.3, RFC 5626 4.4.1)', () => {
    expect(frames([encode(STREAM)])).toEqual({ reported: EXPECTED, errors: [] });
  });

  it('finds the same at every split, and byte by byte', () => {
    const bytes = encode(STREAM);
    for (let at = 0; at <= bytes.length; at++) {
      expect(frames(cut(bytes, [at]))).toEqual({ reported: EXPECTED, errors: [] });
    }
    expect(frames(Array.from(bytes, (byte) => Uint8Array.of(byte))).reported).toEqual(EXPECTED);
  });

  it('finds whole messages however they are split', () => {
    fc.assert(
      fc.property(
        fc.array(messages, { minLength: 1, maxLength: 4 }),
        fc.array(fc.nat()),
        (original, cuts) => {
          const written = original.map(writeMessage);
          const bytes = new Uint8Array(Buffer.concat(written));
          const { reported, errors } = frames(
            cut(
              bytes,
              cuts.map((at) => at % (bytes.length + 1)),
            ),
          );
          expect(errors).toEqual([]);
          expect(reported).toEqual(written.map(decode));
        },
      ),
    );
  });

  it('finds each message at every split of it', () => {
    fc.assert(
      fc.property(messages, (message) => {
        const bytes = writeMessage(message);
        for (let at = 0; at <= bytes.length; at++) {
          expect(frames(cut(bytes, [at])).reported).toEqual([decode(bytes)]);
        }
      }),
      { numRuns: 10 },
    );
  });

  it('does not copy a message that arrives in one piece', () => {
    const bytes = encode(EMPTY + WITH_BODY);
    const reported: Uint8Array[] = [];
    new StreamFramer(
      {},
      { onMessage: (message) => reported.push(message), onKeepAlive() {}, onError() {} },
    ).push(bytes);
    expect(reported.map(({ buffer }) => buffer === bytes.buffer)).toEqual([true, true]);
  });

  it('never changes the bytes of a reported message', () => {
    const reported: Uint8Array[] = [];
    const framer = new StreamFramer(
      {},
      { onMessage: (message) => reported.push(message), onKeepAlive() {}, onError() {} },
    );
    for (const chunk of cut(encode(WITH_BODY + FOLDED + EMPTY), [10, 100, 101, 130, 150])) framer.push(chunk);
    expect(reported.map(decode)).toEqual([WITH_BODY, FOLDED, EMPTY]);
  });

  it.each([
    ['no Content-Length', head('')],
    ['two Content-Length', head('l: 1\r\nContent-Length: 1\r\n')],
    ['a Content-Length that is not a number', head('l: -1\r\n')],
    ['a Content-Length of sixteen digits', head('l: 1000000000000000\r\n')],
    ['a Content-Length that an LF ends', head('l: 15\nX: y\r\n')],
  ])('refuses %s with 400, and reports nothing after', (_what, text) => {
    const bytes = encode(`${EMPTY}${text}${EMPTY}`);
    for (const chunks of [[bytes], Array.from(bytes, (byte) => Uint8Array.of(byte))]) {
      const { reported, errors } = frames(chunks);
      expect(reported).toEqual([EMPTY]);
      expect(errors.map(({ status }) => status)).toEqual([400]);
    }
  });

  it.each(['\r', '\n', '\n\n', '\r\r\n', '\n\r', '\r\n\n'])('skips stray %j between messages', (stray) => {
    const bytes = encode(`${EMPTY}${stray}${WITH_BODY}${stray}${EMPTY}`);
    for (const chunks of [[bytes], Array.from(bytes, (byte) => Uint8Array.of(byte))]) {
      const { reported, errors } = frames(chunks);
      // A CRLF among them is a keep-alive.
      const messages = reported.filter((each) => each.includes('SIP/2.0'));
      expect(messages).toEqual([EMPTY, WITH_BODY, EMPTY]);
      expect(errors).toEqual([]);
    }
  });

  it('returns the request if it can be answered', () => {
    const [error] = frames([encode(head(''))]).errors;
    expect(error?.partial?.headers.get('Via')).toBe('SIP/2.0/TCP h;branch=1');
  });

  it('refuses large headers and messages with 513', () => {
    const limits = { headerBytes: 200, messageBytes: 400 };
    const long = head(`X: ${'y'.repeat(200)}\r\nl: 0\r\n`);
    expect(frames([encode(long)], limits).errors).toMatchObject([{ status: 513 }]);
    expect(
      frames(
        Array.from(encode(long), (byte) => Uint8Array.of(byte)),
        limits,
      ).errors,
    ).toMatchObject([{ status: 513 }]);
    expect(frames([encode('x'.repeat(201))], limits).errors).toMatchObject([{ status: 513 }]);
    const big = frames([encode(head('l: 350\r\n'))], limits).errors;
    expect(big).toMatchObject([{ status: 513, partial: { method: 'MESSAGE' } }]);
    expect(frames([encode(`${head('l: 300\r\n')}${'z'.repeat(300)}`)], limits).reported).toHaveLength(1);
  });

  it('scans a message in single bytes in linear time', () => {
    const bytes = encode(`${head(`X: ${'y\r\n '.repeat(7000)}\r\nl: 200000\r\n`)}${'z'.repeat(200_000)}`);
    const { reported } = frames(Array.from(bytes, (byte) => Uint8Array.of(byte)));
    expect(reported).toHaveLength(1);
  });
});
