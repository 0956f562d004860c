/** Writes what an agent sends and receives to a file: SIP messages and MSRP frames, one JSON object a line. */

import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { ConfigurationError } from '../../core/errors.js';
import type { Address, Sockets } from '../../core/platform/sockets.js';
import type { WireObserver } from '../../core/sip/transport/flow.js';
import { tracedSockets } from './traced-sockets.js';

/** Bytes that may wait for a slow disk; messages past that are left out, and counted. */
const MAX_WAITING = 64 * 1024 * 1024;

/** Bytes of each MSRP body: what a file is, not the file. */
const BODY_LIMIT = 1024;

export interface TraceOptions {
  /** Bytes of each MSRP body that are written. */
  bodyLimit?: number;
  /** What is written of a message; all of it when absent. */
  clean?(bytes: Uint8Array): Uint8Array;
  /** Whether what the host tells is written as well. */
  events?: boolean;
  /** Told, for people, what is missing at the end. */
  onProblem?(problem: string): void;
}

export class TraceWriter {
  /** Of an agent, and what its media go through. */
  readonly taps: { onWire: WireObserver; sockets: Sockets };
  readonly #events: boolean;
  readonly #onProblem: (problem: string) => void;
  #leftOut = 0;

  private constructor(
    private readonly stream: WriteStream,
    { bodyLimit = BODY_LIMIT, clean = (bytes) => bytes, events = false, onProblem = () => {} }: TraceOptions,
  ) {
    this.#events = events;
    this.#onProblem = onProblem;
    // A full disk ends the trace, not the host.
    stream.on('error', ({ message }) => onProblem(`nothing more is written to ${stream.path}: ${message}`));
    this.taps = {
      onWire: (direction, bytes, { transport, local, remote }) =>
        this.#message({ direction, transport, local, remote }, clean(bytes)),
      sockets: tracedSockets(bodyLimit, (direction, bytes, { protocol, local, remote }, bodyLeft) =>
        this.#message({ direction, transport: protocol.toUpperCase(), local, remote }, clean(bytes), {
          protocol: 'MSRP',
          ...(bodyLeft > 0 ? { bodyLeft } : {}),
        }),
      ),
    };
  }

  /** @throws ConfigurationError when the file cannot be written. */
  static async open(file: string, options: TraceOptions = {}): Promise<TraceWriter> {
    // What users are sent, and their identities, are nobody else's business.
    const stream = createWriteStream(file, { mode: 0o600 });
    try {
      await once(stream, 'open');
    } catch (error) {
      throw new ConfigurationError(`${file} cannot be written: ${(error as Error).message}`, {
        cause: error,
      });
    }
    return new TraceWriter(stream, options);
  }

  /** What the host told meanwhile. */
  event(event: object): void {
    if (this.#events) this.#write({ event });
  }

  close(): Promise<void> {
    if (this.#leftOut > 0)
      this.#onProblem(`${this.stream.path} lacks its last ${this.#leftOut} lines: the disk was slow`);
    return new Promise((resolve) => this.stream.end(() => resolve()));
  }

  #message(where: Where, bytes: Uint8Array, more: object = {}): void {
    this.#write({ ...where, bytes: Buffer.from(bytes).toString('base64'), ...more });
  }

  #write(fields: object): void {
    // Its disk is full, or it was closed and an agent says its last.
    if (!this.stream.writable) return;
    if (this.stream.writableLength > MAX_WAITING) {
      this.#leftOut++;
      return;
    }
    const gap = this.#leftOut > 0 ? { leftOut: this.#leftOut } : {};
    this.#leftOut = 0;
    this.stream.write(`${JSON.stringify({ time: new Date().toISOString(), ...fields, ...gap })}\n`);
  }
}

interface Where {
  direction: 'in' | 'out';
  transport: string;
  local: Address;
  remote: Address;
}
