/** The output of MsrpParser as values, and the wire fixtures: bytes with their expected output. */

import { readdirSync, readFileSync } from 'node:fs';
import type { ContinuationFlag, MsrpRequest, MsrpResponse } from '../../core/msrp/frames/frame.js';
import type { FrameLimits } from '../../core/msrp/frames/limits.js';
import { MsrpParser } from '../../core/msrp/frames/parser.js';

/** One frame in JSON. A body is text with one character for each octet. */
export interface Reported {
  request?: Plain<MsrpRequest>;
  response?: Plain<MsrpResponse>;
  body?: string;
  /** Absent without an end. */
  flag?: ContinuationFlag;
}

type Plain<T> = Omit<T, 'headers'> & { headers: [string, string][] };

export interface Report {
  frames: Reported[];
  error?: string;
}

export function plain<T extends MsrpRequest | MsrpResponse>(frame: T): Plain<T> {
  return { ...frame, headers: [...frame.headers.entries()] };
}

/** The output for a stream in these pieces. */
export function report(chunks: Iterable<Uint8Array>, limits: Partial<FrameLimits> = {}): Report {
  const frames: Reported[] = [];
  let current: Reported = {};
  const parser = new MsrpParser(
    {
      onRequest(request) {
        current = { request: plain(request) };
        frames.push(current);
      },
      onResponse: (response) => void frames.push({ response: plain(response) }),
      onBody(bytes) {
        if (bytes.length === 0) throw new Error('a piece without bytes');
        current.body = (current.body ?? '') + latin1(bytes);
      },
      onEnd(flag) {
        current.flag = flag;
      },
    },
    limits,
  );
  try {
    for (const chunk of chunks) parser.push(chunk);
  } catch (error) {
    return { frames, error: String(error) };
  }
  return { frames };
}

/** Each piece in its own memory, as sockets deliver them. */
export function cut(bytes: Uint8Array, offsets: readonly number[]): Uint8Array[] {
  const sorted = [0, ...[...offsets].sort((a, b) => a - b), bytes.length];
  return sorted.slice(1).map((end, at) => Uint8Array.from(bytes.subarray(sorted[at], end)));
}

export function octets(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'latin1'));
}

export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

export interface Fixture {
  name: string;
  bytes: Uint8Array;
  expected: Report;
}

/** The fixtures of a folder whose names begin with the prefix. */
export function fixtures(kind: 'valid' | 'broken', prefix = ''): Fixture[] {
  const folder = new URL(`./fixtures/${kind}/`, import.meta.url);
  return readdirSync(folder)
    .filter((file) => file.startsWith(prefix) && file.endsWith('.msrp'))
    .map((file) => {
      const name = file.slice(0, -'.msrp'.length);
      const expected: Report = JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8'));
      return { name, bytes: new Uint8Array(readFileSync(new URL(file, folder))), expected };
    });
}
