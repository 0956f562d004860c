/** Frames in a trace: reassembled from any pieces; other data is skipped. */

import { describe, expect, it } from 'vitest';
import { MsrpFrames } from '../../sdk/trace/msrp-frames.js';

const HEAD = 'To-Path: msrp://127.0.0.1:9/a;tcp\r\nFrom-Path: msrp://127.0.0.1:8/b;tcp\r\n';
const SEND = `MSRP abcd SEND\r\n${HEAD}Message-ID: 1\r\nByte-Range: 1-12/12\r\nContent-Type: text/plain\r\n\r\nhello\r\n----x\r\n-------abcd$\r\n`;
const BODILESS = `MSRP efgh SEND\r\n${HEAD}Message-ID: 2\r\n-------efgh$\r\n`;
const ANSWER = `MSRP abcd 200 OK\r\n${HEAD}-------abcd$\r\n`;

function framesOf(pieces: readonly string[], limit = 1000): [string, number][] {
  const seen: [string, number][] = [];
  const frames = new MsrpFrames(limit, (bytes, left) => seen.push([Buffer.from(bytes).toString(), left]));
  for (const piece of pieces) frames.push(Buffer.from(piece));
  return seen;
}

describe('frames of a trace', () => {
  it('are reassembled wherever the stream was split', () => {
    const stream = SEND + BODILESS + ANSWER;
    const expected = [
      [SEND, 0],
      [BODILESS, 0],
      [ANSWER, 0],
    ];
    for (let at = 0; at <= stream.length; at++) {
      expect(framesOf([stream.slice(0, at), stream.slice(at)])).toEqual(expected);
    }
    expect(framesOf([...stream])).toEqual(expected);
  });

  it('have a limited body, and report the number of omitted bytes', () => {
    expect(framesOf([SEND + ANSWER], 3)).toEqual([
      [SEND.replace('hello\r\n----x', 'hel'), 9],
      [ANSWER, 0],
    ]);
  });

  it('do not change if the received bytes are overwritten', () => {
    const seen: string[] = [];
    const frames = new MsrpFrames(1000, (bytes) => seen.push(Buffer.from(bytes).toString()));
    const end = SEND.indexOf('----x');
    for (const part of [SEND.slice(0, end), SEND.slice(end)]) {
      const piece = Buffer.from(part);
      frames.push(piece);
      piece.fill(0);
    }
    expect(seen).toEqual([SEND]);
  });

  it('are not found in other data', () => {
    expect(framesOf(['SIP/2.0 200 OK\r\n\r\n', SEND])).toEqual([]);
    expect(framesOf(['MESSAGE sip:a@b SIP/2.0\r\n\r\n', SEND])).toEqual([]);
    expect(framesOf(['MSRP \r\n\r\n'])).toEqual([]);
  });
});
