/** Writes the SIP messages and MSRP frames of an agent to a file, one JSON object per line. */

import type { Address, Sockets } from '../../core/platform/sockets.js';
import type { WireObserver } from '../../core/sip/transport/flow.js';
import { withoutCredentials } from './credentials.js';
import { TraceFile, type TraceFileOptions } from './trace-file.js';
import { tracedSockets } from './traced-sockets.js';

/** Bytes of each MSRP body: enough to recognize a file. */
const BODY_LIMIT = 1024;

export interface TraceOptions extends Pick<TraceFileOptions, 'whole' | 'maxBytes'> {
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
    private readonly file: TraceFile,
    private readonly path: string,
    {
      bodyLimit = BODY_LIMIT,
      clean = withoutCredentials,
      events = false,
      onProblem = () => {},
    }: TraceOptions,
  ) {
    this.#events = events;
    this.#onProblem = onProblem;
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

  /** Continues the trace of an earlier run. @throws ConfigurationError if the file cannot be written, or is not a trace. */
  static async open(path: string, options: TraceOptions = {}): Promise<TraceWriter> {
    const { whole, maxBytes, onProblem = () => {} } = options;
    const file = await TraceFile.open(path, { whole, maxBytes, onProblem });
    return new TraceWriter(file, path, options);
  }

  /** Writes an event of the host. */
  event(event: object): void {
    if (this.#events) this.#write({ event });
  }

  close(): Promise<void> {
    if (this.#leftOut > 0)
      this.#onProblem(`the last ${this.#leftOut} lines are missing in ${this.path}: the disk was too slow`);
    return this.file.close();
  }

  #message(where: Where, bytes: Uint8Array, more: object = {}): void {
    this.#write({ ...where, bytes: Buffer.from(bytes).toString('base64'), ...more });
  }

  #write(fields: object): void {
    // The disk is full, or the trace is closed and an agent still sends.
    if (!this.file.writable) return;
    if (!this.file.hasRoom) {
      this.#leftOut++;
      return;
    }
    const gap = this.#leftOut > 0 ? { leftOut: this.#leftOut } : {};
    this.#leftOut = 0;
    this.file.write(`${JSON.stringify({ time: new Date().toISOString(), ...fields, ...gap })}\n`);
  }
}

interface Where {
  direction: 'in' | 'out';
  transport: string;
  local: Address;
  remote: Address;
}
