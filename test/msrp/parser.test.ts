import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MalformedError } from '../../core/errors.js';
import { MalformedMsrpError } from '../../core/msrp/frames/frame.js';
import { MsrpParser } from '../../core/msrp/frames/parser.js';
import { chunkBytes, chunks } from './arbitraries.js';
import { cut, fixtures, latin1, octets, plain, report } from './frames.js';

const VALID = fixtures('valid');
const ALL = [...VALID, ...fixtures('broken')];

describe.each(ALL)('$name', ({ bytes, expected }) => {
  it('parses one piece', () => {
    expect(report([bytes])).toEqual(expected);
  });

  it('parses the same at every split, and byte by byte', () => {
    for (let at = 0; at <= bytes.length; at++) expect(report(cut(bytes, [at]))).toEqual(expected);
    expect(report(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(expected);
  });
});

describe('a stream of frames', () => {
  it('parses the same however it is split', () => {
    const bytes = new Uint8Array(Buffer.concat(VALID.map((fixture) => fixture.bytes)));
    const expected = { frames: VALID.flatMap((fixture) => fixture.expected.frames) };
    const offsets = fc.array(fc.nat(bytes.length), { maxLength: 200 });
    fc.assert(
      fc.property(offsets, (at) => {
        expect(report(cut(bytes, at))).toEqual(expected);
      }),
    );
  });

  it('survives a round trip with foreign end-lines in bodies, however it is split', () => {
    const streams = fc.array(chunks, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(streams, fc.array(fc.nat(), { maxLength: 50 }), (written, offsets) => {
        const bytes = new Uint8Array(Buffer.concat(written.map(chunkBytes)));
        const at = offsets.map((offset) => offset % (bytes.length + 1));
        expect(report(cut(bytes, at))).toEqual({
          frames: written.map(({ request, body, flag }) => ({
            request: plain(request),
            body: body && body.length > 0 ? latin1(body) : undefined,
            flag,
          })),
        });
      }),
      { numRuns: 500 },
    );
  });

  it('parses the same at every split and byte by byte, with any body', () => {
    fc.assert(
      fc.property(chunks, (chunk) => {
        const bytes = chunkBytes(chunk);
        const expected = report([bytes]);
        for (let at = 1; at < bytes.length; at++) expect(report(cut(bytes, [at]))).toEqual(expected);
        expect(report(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(expected);
      }),
      { numRuns: 30 },
    );
  });

  it('throws nothing but MalformedMsrpError for any bytes', () => {
    const start = fc.constantFrom(
      '',
      'MSRP ',
      'MSRP abcd SEND\r\n',
      'MSRP abcd SEND\r\nTo-Path: msrp://a;tcp\r\n',
    );
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 200 }), (text, bytes) => {
        const { error } = report([octets(text), bytes]);
        if (error !== undefined) expect(error).toMatch(/^MalformedMsrpError: /);
      }),
    );
  });
});

const HEAD = 'MSRP abcd1234 SEND\r\nTo-Path: msrp://a;tcp\r\nFrom-Path: msrp://b;tcp\r\n';
const TYPE = 'Content-Type: text/plain\r\n\r\n';
const END = '\r\n-------abcd1234$\r\n';

describe('a body', () => {
  it('is passed on as views; held bytes follow when they are not an end-line', () => {
    const pieces: Uint8Array[] = [];
    const parser = new MsrpParser({
      onRequest() {},
      onResponse() {},
      onBody: (bytes) => pieces.push(bytes),
      onEnd() {},
    });
    const first = octets(`${HEAD}${TYPE}first`);
    const second = octets('second\r\n-------abcd');
    const third = octets(`x third${END}`);
    for (const bytes of [first, second, third]) parser.push(bytes);
    expect(pieces.map(latin1)).toEqual(['first', 'second', '\r\n-------abcd', 'x third']);
    expect(
      pieces.map(({ buffer }) => [first, second, third].findIndex((one) => one.buffer === buffer)),
    ).toEqual([0, 1, -1, 2]);
  });

  it('is passed on as Uint8Array, even from a Buffer, whose slice does not copy', () => {
    const pieces: Uint8Array[] = [];
    const parser = new MsrpParser({
      onRequest() {},
      onResponse() {},
      onBody: (bytes) => pieces.push(bytes),
      onEnd() {},
    });
    parser.push(Buffer.from(`${HEAD}${TYPE}body${END}`));
    expect(pieces.map((piece) => Buffer.isBuffer(piece))).toEqual([false]);
  });

  it('holds back only a possible end-line', () => {
    expect(report([octets(`${HEAD}${TYPE}abc\rdef\r\n----`)]).frames[0]?.body).toBe('abc\rdef');
    expect(report([octets(`${HEAD}${TYPE}abc\r\n---- \r`)]).frames[0]?.body).toBe('abc\r\n---- ');
  });
});

describe('limits', () => {
  const limits = { headerBytes: 200, headers: 4 };
  const GOOD = `${HEAD}${END.slice(2)}`.replaceAll('abcd', 'good');

  it('makes a request with headers that are too long malformed, and parses the next one', () => {
    for (const long of [`X: ${'y'.repeat(300)}\r\n`, `X: ${'y'.repeat(60)}\r\n`.repeat(2)]) {
      for (const rest of [END.slice(2), `${TYPE}skipped${END}`]) {
        const bytes = octets(`${HEAD}${long}${rest}${GOOD}`);
        const reports = [[bytes], cut(bytes, [250]), Array.from(bytes, (byte) => Uint8Array.of(byte))];
        for (const { frames, error } of reports.map((pieces) => report(pieces, limits))) {
          expect(error).toBeUndefined();
          expect(frames).toMatchObject([
            {
              request: {
                transactionId: 'abcd1234',
                fromPath: ['msrp://b;tcp'],
                malformed: 'headers of more than 200 bytes',
              },
              flag: '$',
            },
            { request: { transactionId: 'good1234' }, flag: '$' },
          ]);
          expect(frames).toHaveLength(2);
          expect(frames[0]?.body).toBeUndefined();
          expect(frames[1]?.request?.malformed).toBeUndefined();
        }
      }
    }
  });

  it('rejects a stream whose start line is too long', () => {
    const { error } = report([octets('MSRP abcd1234 SEND'), octets('x'.repeat(200))], limits);
    expect(error).toBe('MalformedMsrpError: malformed start line');
  });

  it('makes a request with too many headers malformed', () => {
    const { frames } = report([octets(`${HEAD}${'X: y\r\n'.repeat(3)}${END.slice(2)}${GOOD}`)], limits);
    expect(frames.map(({ request }) => request?.malformed)).toEqual(['more than 4 headers', undefined]);
  });
});

describe('MalformedMsrpError', () => {
  it('is thrown at the first invalid byte', () => {
    expect(report([octets('\r\nMS'), octets('T')]).error).toBe(
      'MalformedMsrpError: invalid start of a frame: expected "MSRP "',
    );
    expect(report([Uint8Array.of(0x16)]).error).toBe(
      'MalformedMsrpError: invalid start of a frame: expected "MSRP "',
    );
  });

  it('is a MalformedError, after which bytes are ignored', () => {
    const calls: unknown[] = [];
    const record = (what: unknown) => calls.push(what);
    const parser = new MsrpParser({ onRequest: record, onResponse: record, onBody: record, onEnd: record });
    expect(() => parser.push(octets('nonsense'))).toThrow(MalformedMsrpError);
    expect(new MalformedMsrpError('x')).toBeInstanceOf(MalformedError);
    parser.push(octets(`${HEAD}${END.slice(2)}`));
    expect(calls).toEqual([]);
  });
});
