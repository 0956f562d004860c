/** Reads a trace line by line, because traces can be large. */

import { createReadStream } from 'node:fs';
import { z } from 'zod';
import { ConfigurationError } from '../../core/errors.js';
import { validate } from '../config/validate.js';

/** Largest line in bytes: a frame of a recording in base64 fits. */
const MAX_LINE = 16 * 1024 * 1024;
const LF = 0x0a;
/** Last time of a capture in seconds since 1970: its field has 32 bits. */
const LAST_SECOND = 2 ** 32 - 1;
/** Largest payload of a UDP datagram over IPv4 in bytes (RFC 768, RFC 791). */
const MAX_DATAGRAM = 65_507;

const address = z.object({ host: z.string().max(255), port: z.int().min(0).max(65_535) });
const common = {
  time: z.iso
    .datetime()
    .transform((time) => Date.parse(time))
    .refine((time) => time >= 0 && time / 1000 <= LAST_SECOND, 'expected a time since 1970'),
  /** Number of lines that are missing before this one. */
  leftOut: z.int().optional(),
};
const message = z
  .object({
    ...common,
    direction: z.enum(['in', 'out']),
    transport: z.enum(['UDP', 'TCP', 'TLS', 'WS', 'WSS']),
    protocol: z.enum(['SIP', 'MSRP']).default('SIP'),
    local: address,
    remote: address,
    bytes: z.base64('expected base64').transform((text) => new Uint8Array(Buffer.from(text, 'base64'))),
    /** Number of bytes of the body that are not in the trace. */
    bodyLeft: z.int().optional(),
  })
  .refine(({ transport, bytes }) => transport !== 'UDP' || bytes.length <= MAX_DATAGRAM, {
    error: `expected at most ${MAX_DATAGRAM} bytes for a UDP datagram`,
    path: ['bytes'],
  });
const hostEvent = z.object({ ...common, event: z.looseObject({ event: z.string() }) });

/** A SIP message or an MSRP frame as on the wire. `time` is in milliseconds since 1970. */
export type TracedMessage = z.infer<typeof message>;
/** An event of the host in a recording. */
export type TracedEvent = z.infer<typeof hostEvent>;

/** @throws ConfigurationError naming the file and the invalid line, after the lines before it. */
export async function* readTrace(file: string): AsyncGenerator<TracedMessage | TracedEvent> {
  for await (const { text, number, whole } of linesOf(file)) {
    if (text.trim() === '') continue;
    const where = `${file}, line ${number}`;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      const what = whole
        ? 'invalid JSON: expected a trace, written by "sip-push host --trace FILE"'
        : 'the line is incomplete: the trace was truncated';
      throw new ConfigurationError(`${where}: ${what}`, { cause: error });
    }
    const event = typeof value === 'object' && value !== null && 'event' in value;
    yield event ? validate(hostEvent, value, where) : validate(message, value, where);
  }
}

interface Line {
  text: string;
  /** Starts at 1. */
  number: number;
  /** Whether the line has its end. */
  whole: boolean;
}

async function* linesOf(file: string): AsyncGenerator<Line> {
  let number = 1;
  let parts: Buffer[] = [];
  let length = 0;
  const add = (part: Buffer) => {
    parts.push(part);
    length += part.length;
    if (length > MAX_LINE) {
      throw new ConfigurationError(
        `${file}, line ${number}: invalid line of more than ${MAX_LINE} bytes: expected a trace`,
      );
    }
  };
  const line = (whole: boolean): Line => {
    const text = Buffer.concat(parts).toString();
    parts = [];
    length = 0;
    return { text, number: number++, whole };
  };
  for await (const chunk of chunksOf(file)) {
    let at = 0;
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, at)) {
      add(chunk.subarray(at, end));
      yield line(true);
      at = end + 1;
    }
    add(chunk.subarray(at));
  }
  if (length > 0) yield line(false);
}

async function* chunksOf(file: string): AsyncGenerator<Buffer> {
  try {
    yield* createReadStream(file);
  } catch (error) {
    const { code, message: reason } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'does not exist' : `cannot be read: ${reason}`;
    throw new ConfigurationError(`${file} ${why}`, { cause: error });
  }
}
