/** The SEND requests of one message (RFC 4975 7.1.1), but for what differs from chunk to chunk. */

import { formatByteRange } from './byte-range.js';
import type { MsrpRequest } from './frame.js';
import { MsrpHeaders } from './headers.js';
import type { OutgoingMessage } from './message.js';
import { newTransactionId, transactionIdFor } from './transaction-id.js';

/** RFC 4975 7.1.1: a longer chunk is interruptible, and then its end is not told. */
const MAX_UNINTERRUPTIBLE = 2048;

export class OutgoingChunks {
  readonly #headers = new MsrpHeaders();

  /** @throws MalformedError when a header cannot be written. */
  constructor(
    private readonly message: OutgoingMessage,
    messageId: string,
    private readonly paths: { toPath: readonly string[]; fromPath: readonly string[] },
  ) {
    const { successReport, failureReport = 'yes', headers = [], contentType } = message;
    this.#headers.set('Message-ID', messageId).set('Byte-Range', '1-0/0');
    if (successReport) this.#headers.set('Success-Report', 'yes');
    if (failureReport !== 'yes') this.#headers.set('Failure-Report', failureReport);
    for (const [name, value] of headers) this.#headers.set(name, value);
    this.#headers.set('Content-Type', contentType);
  }

  /** @param sent bytes of the message ahead of this chunk. */
  request(sent: number, body: readonly Uint8Array[], last: boolean): MsrpRequest {
    const length = body.reduce((sum, piece) => sum + piece.length, 0);
    const end = sent + length;
    const total = this.message.size ?? (last ? end : undefined);
    const start = sent + 1;
    this.#headers.set(
      'Byte-Range',
      formatByteRange({ start, end: length > MAX_UNINTERRUPTIBLE ? undefined : end, total }),
    );
    return this.#request(transactionIdFor(...body));
  }

  /** Says that nothing more comes; without a body. */
  abort(sent: number): MsrpRequest {
    const start = sent + 1;
    this.#headers.set('Byte-Range', formatByteRange({ start, end: sent, total: this.message.size }));
    return this.#request(newTransactionId());
  }

  #request(transactionId: string): MsrpRequest {
    const { toPath, fromPath } = this.paths;
    return { method: 'SEND', transactionId, toPath, fromPath, headers: this.#headers };
  }
}
