/** Writes the SIP messages and MSRP frames of an agent to a file, one JSON object per line. */

import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { ConfigurationError } from '../../core/errors.js';
import type { Address, Sockets } from '../../core/platform/sockets.js';
import type { WireObserver } from '../../core/sip/transport/flow.js';
import { reasonOf } from '../../core/text.js';
import { withoutCredentials } from './credentials.js';
import { tracedSockets } from './traced-sockets.js';

/** Bytes that can wait for a slow disk. Further messages are dropped and counted. */
const MAX_WAITING = 64 * 1024 * 1024;

/** Bytes of each MSRP body: enough to recognize a file. */
const BODY_LIMIT = 1024;

export interface TraceOptions {
  /** Written bytes of each MSRP body. */
  bodyLimit?: number;
  /** Removes secrets from a message. By default, credentials are masked. */
  clean?(bytes: Uint8Array): Uint8Array;
  /** Whether the events of the host are also written. */
  events?: boolean;
  /** Called with a message if the trace is incomplete. */
  onProblem?(problem: string): void;
}

export class TraceWriter {
  /** Options of an agent: the observer of its SIP messages, and sockets that observe its media. */
  readonly taps: { onWire: WireObserver; sockets: Sockets };
  readonly #events: boolean;
  readonly #onProblem: (problem: string) => void;
  #leftOut = 0;

  private constructor(
    private readonly stream: WriteStream,
    {
      bodyLimit = BODY_LIMIT,
      clean = withoutCredentials,
      events = false,
      onProblem = () => {},
    }: TraceOptions,
  ) {
    this.#events = events;
    this.#onProblem = onProblem;
    // A full disk ends the trace, not the host.
    stream.on('error', ({ message }) => onProblem(`the trace ${stream.path} ends here: ${message}`));
    this.taps = {
      onWire: (direction, bytes, { transport, local, remote }) =>
        this.#message({ direction, transport, local, remote }, clean(bytes)),
      sockets: tracedSockets(bodyLimit, (direction, bytes, { protocol, local, remote }, bodyLeft) =>
        this.#message({ direction, transport: protocol.toUpperCase(), local, remote }, clean(bytes), {
          protocol: 'MSRP',
          bodyLeft: bodyLeft > 0 ? bodyLeft : undefined,
        }),
      ),
    };
  }

  /** @throws ConfigurationError if the file cannot be written. */
  static async open(file: string, options: TraceOptions = {}): Promise<TraceWriter> {
    // Pushes and identities are private.
    const stream = createWriteStream(file, { mode: 0o600 });
    try {
      await once(stream, 'open');
    } catch (error) {
      throw new ConfigurationError(`cannot write ${file}: ${reasonOf(error)}`, {
        cause: error,
      });
    }
    return new TraceWriter(stream, options);
  }

  /** Writes an event of the host. */
  event(event: object): void {
    if (this.#events) this.#write({ event });
  }

  close(): Promise<void> {
    if (this.#leftOut > 0)
      this.#onProblem(
        `the last ${this.#leftOut} lines are missing in ${this.stream.path}: the disk was too slow`,
      );
    return new Promise((resolve) => this.stream.end(() => resolve()));
  }

  #message(where: Where, bytes: Uint8Array, more: object = {}): void {
    this.#write({ ...where, bytes: Buffer.from(bytes).toString('base64'), ...more });
  }

  #write(fields: object): void {
    // The disk is full, or the trace is closed and an agent still sends.
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
