/** Messages in a container (message/cpim) or in a transfer encoding: their content is passed on as it arrives. */

import { readWrappedHead, type WrappedHead } from '../../content/cpim.js';
import type { TransferEncoding } from '../../content/multipart/transfer-encoding.js';
import { MalformedError } from '../../errors.js';
import { type MessageReporter, type MessageSink, MsrpRefusedError } from '../../msrp/index.js';
import { reasonOf } from '../../text.js';

const EMPTY = new Uint8Array(0);

export class WrappedMessage implements MessageSink {
  /** The headers as far as they have arrived, until they are complete. */
  #head = EMPTY;
  /** Size of the headers in bytes, once they are complete. */
  #length = 0;
  #content: MessageSink | undefined;

  /** @param open called for the content. Throws MsrpRefusedError. */
  constructor(private readonly open: (head: WrappedHead) => MessageSink) {}

  write(offset: number, bytes: Uint8Array): void | Promise<void> {
    if (this.#content) return this.#pass(this.#content, offset, bytes);
    if (offset !== this.#head.length) {
      throw new MsrpRefusedError(400, 'the headers of a message/cpim are not in its first bytes');
    }
    const head = new Uint8Array(offset + bytes.length);
    head.set(this.#head);
    head.set(bytes, offset);
    this.#head = head;
    const wrapped = readHead(head);
    if (!wrapped) return undefined;
    this.#length = wrapped.length;
    this.#head = EMPTY;
    this.#content = this.open(wrapped);
    return this.#pass(this.#content, 0, head);
  }

  end(size: number, reporter: MessageReporter): void {
    if (this.#content) this.#content.end(size - this.#length, reporter);
    else reporter.failure(400, 'a message/cpim without the end of its headers');
  }

  abort(error: Error): void {
    this.#content?.abort(error);
  }

  #pass(content: MessageSink, offset: number, bytes: Uint8Array): void | Promise<void> {
    const start = offset - this.#length;
    if (start >= 0) return content.write(start, bytes);
    const rest = bytes.subarray(-start);
    return rest.length > 0 ? content.write(0, rest) : undefined;
  }
}

/**
 * A message in a Content-Transfer-Encoding (RFC 2045 §6), which MSRP does not need, but gateways from mail and from RCS leave.
 * Its bytes have to arrive in order.
 */
export class EncodedMessage implements MessageSink {
  /** Offset of the next encoded byte. */
  #next = 0;
  /** Offset of the next decoded byte. */
  #decoded = 0;
  #aborted = false;

  constructor(
    private readonly decoder: NonNullable<TransferEncoding['decoder']>,
    private readonly content: MessageSink,
  ) {}

  write(offset: number, bytes: Uint8Array): void | Promise<void> {
    if (offset > this.#next) {
      throw new MsrpRefusedError(400, 'a message in a transfer encoding does not arrive in order');
    }
    const rest = bytes.subarray(this.#next - offset);
    this.#next += rest.length;
    return this.#pass(this.decoder.decode(rest));
  }

  end(_size: number, reporter: MessageReporter): void {
    void this.#end(reporter);
  }

  abort(error: Error): void {
    this.#aborted = true;
    this.content.abort(error);
  }

  async #end(reporter: MessageReporter): Promise<void> {
    try {
      await this.#pass(this.decoder.finish());
    } catch (error) {
      reporter.failure(error instanceof MsrpRefusedError ? error.status : 400, reasonOf(error));
      this.content.abort(error instanceof Error ? error : new Error(reasonOf(error)));
      return;
    }
    if (!this.#aborted) this.content.end(this.#decoded, reporter);
  }

  #pass(bytes: Uint8Array): void | Promise<void> {
    if (bytes.length === 0) return undefined;
    const offset = this.#decoded;
    this.#decoded += bytes.length;
    return this.content.write(offset, bytes);
  }
}

function readHead(bytes: Uint8Array): WrappedHead | undefined {
  try {
    return readWrappedHead(bytes);
  } catch (error) {
    if (error instanceof MalformedError) throw new MsrpRefusedError(400, error.message);
    throw error;
  }
}
