/** Writes every SIP message of an agent to a file: one JSON object a line, the bytes in base64. */

import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { ConfigurationError } from '../../core/errors.js';
import type { WireObserver } from '../../core/sip/flow.js';

/** Bytes that may wait for a slow disk; messages past that are left out, and counted. */
const MAX_WAITING = 64 * 1024 * 1024;

export class TraceWriter {
  #left = 0;

  private constructor(private readonly stream: WriteStream) {}

  /** @throws ConfigurationError when the file cannot be written. */
  static async open(file: string): Promise<TraceWriter> {
    // What users are sent, and their identities, are nobody else's business.
    const stream = createWriteStream(file, { mode: 0o600 });
    try {
      await once(stream, 'open');
    } catch (error) {
      throw new ConfigurationError(`${file} cannot be written: ${(error as Error).message}`, {
        cause: error,
      });
    }
    // A full disk ends the trace, not the host.
    stream.on('error', () => {});
    return new TraceWriter(stream);
  }

  readonly observe: WireObserver = (direction, bytes, { transport, local, remote }) => {
    if (this.stream.writableLength > MAX_WAITING) {
      this.#left++;
      return;
    }
    const record = {
      time: new Date().toISOString(),
      direction,
      transport,
      local,
      remote,
      bytes: Buffer.from(bytes).toString('base64'),
      ...(this.#left > 0 ? { leftOut: this.#left } : {}),
    };
    this.#left = 0;
    this.stream.write(`${JSON.stringify(record)}\n`);
  };

  close(): Promise<void> {
    return new Promise((resolve) => this.stream.end(() => resolve()));
  }
}
