/** A message in a container (message/cpim): its content is passed on as it arrives. */

import { readWrappedHead, type WrappedHead } from '../../content/cpim.js';
import { MalformedError } from '../../errors.js';
import { type MessageReporter, type MessageSink, MsrpRefusedError } from '../../msrp/index.js';

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

function readHead(bytes: Uint8Array): WrappedHead | undefined {
  try {
    return readWrappedHead(bytes);
  } catch (error) {
    if (error instanceof MalformedError) throw new MsrpRefusedError(400, error.message);
    throw error;
  }
}
