/** Records the MSRP frames of connections that this process opens, in order, as text. */

import { vi } from 'vitest';
import { platform } from '#platform';
import type { Channel } from '../../../core/platform/sockets.js';

export interface TappedFrame {
  /** Whether the end that opened the connection sent it. */
  direction: 'out' | 'in';
  /** Method or status, such as `SEND`, `REPORT` or `200`. */
  what: string;
  transactionId: string;
  headers: ReadonlyMap<string, string>;
  body: string;
  /** Continuation flag: `+`, `$` or `#`. */
  flag: string;
}

/** Records until the spies are restored (`vi.restoreAllMocks`). SIP frames are not recorded. */
export function tapMsrp(): TappedFrame[] {
  const frames: TappedFrame[] = [];
  const connect = platform.connect.bind(platform);
  vi.spyOn(platform, 'connect').mockImplementation(async (...where) => {
    const channel = await connect(...where);
    const streams = { in: '', out: '' };
    return tapped(channel, (direction, bytes) => {
      streams[direction] += Buffer.from(bytes).toString('latin1');
      streams[direction] = readFrames(streams[direction], (frame) => frames.push({ direction, ...frame }));
    });
  });
  return frames;
}

function tapped(channel: Channel, see: (direction: 'out' | 'in', bytes: Uint8Array) => void): Channel {
  return new Proxy(channel, {
    get(target, name) {
      if (name === 'send') {
        return (...parts: Uint8Array[]) => {
          see('out', Buffer.concat(parts));
          target.send(...parts);
        };
      }
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
    set(target, name, value) {
      if (name !== 'ondata') return Reflect.set(target, name, value, target);
      target.ondata = (bytes) => {
        see('in', bytes);
        value(bytes);
      };
      return true;
    },
  });
}

/** @returns the incomplete rest of the stream. */
function readFrames(stream: string, found: (frame: Omit<TappedFrame, 'direction'>) => void): string {
  let rest = stream;
  for (;;) {
    const [start, transactionId = '', what = ''] = /^MSRP (\S+) (\S+)[^\r]*\r\n/.exec(rest) ?? [];
    if (start === undefined) return rest;
    const end = new RegExp(`-------${transactionId}([+$#])\r\n`).exec(rest);
    if (!end) return rest;
    const text = rest.slice(start.length, end.index);
    const blank = text.indexOf('\r\n\r\n');
    const head = blank < 0 ? text : text.slice(0, blank);
    const lines = head.split('\r\n').filter((line) => line !== '');
    const headers = new Map(lines.map((line) => line.split(': ', 2) as [string, string]));
    const body = blank < 0 ? '' : text.slice(blank + 4, -2);
    found({ what, transactionId, headers, body, flag: end[1] ?? '' });
    rest = rest.slice(end.index + end[0].length);
  }
}
