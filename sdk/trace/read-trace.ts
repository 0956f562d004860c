/** Reads a trace, a line at a time: traces of a busy host are large. */

import { createReadStream } from 'node:fs';
import { z } from 'zod';
import { ConfigurationError } from '../../core/errors.js';
import { validate } from '../config/validate.js';

/** Bytes of a line: a whole frame of a recording, in base64. A longer line is no trace. */
const MAX_LINE = 16 * 1024 * 1024;
const LF = 0x0a;
/** Seconds since 1970 that a capture can have: until 2106. */
const LAST_SECOND = 2 ** 32 - 1;
/** Bytes of a UDP datagram over IPv4 (RFC 768, RFC 791). */
const MAX_DATAGRAM = 65_507;

const address = z.object({ host: z.string().max(255), port: z.int().min(0).max(65_535) });
const common = {
  time: z.iso
    .datetime()
    .transform((time) => Date.parse(time))
    .refine((time) => time >= 0 && time / 1000 <= LAST_SECOND, 'expected a time since 1970'),
  /** Lines that are missing ahead of this one. */
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
    /** Bytes of its body that are not in the trace. */
    bodyLeft: z.int().optional(),
  })
  .refine(({ transport, bytes }) => transport !== 'UDP' || bytes.length <= MAX_DATAGRAM, {
    error: `expected at most ${MAX_DATAGRAM} bytes, which a UDP datagram may have`,
    path: ['bytes'],
  });
const told = z.object({ ...common, event: z.looseObject({ event: z.string() }) });

/** A SIP message, or an MSRP frame, as it was on the wire. `time` is in milliseconds since 1970. */
export type TracedMessage = z.infer<typeof message>;
/** What the host told, in a recording. */
export type TracedEvent = z.infer<typeof told>;

/** @throws ConfigurationError naming the file and the line that is wrong; what comes before it was given. */
export async function* readTrace(file: string): AsyncGenerator<TracedMessage | TracedEvent> {
  for await (const { text, number, whole } of linesOf(file)) {
    if (text.trim() === '') continue;
    const where = `${file}, line ${number}`;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      const what = whole
        ? 'is no JSON; expected a message as "sip-push host --trace" writes it'
        : 'breaks off: the trace was cut short there';
      throw new ConfigurationError(`${where} ${what}`, { cause: error });
    }
    const event = typeof value === 'object' && value !== null && 'event' in value;
    yield event ? validate(told, value, where) : validate(message, value, where);
  }
}

interface Line {
  text: string;
  /** From 1. */
  number: number;
  /** Its end is there. */
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
        `${file}, line ${number} has more than ${MAX_LINE} bytes: it is no line of a trace`,
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
