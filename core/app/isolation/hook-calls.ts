/** Running calls of hooks in a worker: the host keeps the content and the commit of each. */

import type { ByteRange, Content } from '../../content/content.js';
import { SipPushError } from '../../errors.js';
import type { Push } from '../contract/push.js';
import type { CommitOperation } from '../contract/transaction.js';
import type { CommitOperations } from '../services/transactions.js';
import { INLINE_CONTENT } from './limits.js';
import { fieldsOf, rangeOf } from './messages.js';
import type { Peer } from './peer.js';

interface HookCall extends HookParts {
  /** Ids of the open streams of its content. */
  readonly streams: Set<number>;
}

/** The arguments of a hook that stay in the host. */
interface HookParts {
  readonly content?: Content;
  readonly commit?: CommitOperations;
  /** Present if the content is arriving. */
  readonly arrived?: () => Promise<void>;
}

/** A push without its content, as it is sent to a worker. */
export type PackedPush = Omit<Push, 'content' | 'bytes' | 'text'>;

/** Content as it is sent to a worker: with its bytes if it is small, without them otherwise. */
export type PackedContent = Pick<Content, 'type' | 'size'> & { readonly bytes?: Uint8Array };

export class HookCalls {
  readonly #hookCalls = new Map<number, HookCall>();

  constructor(private readonly peer: Peer) {}

  /** Calls a hook, which can commit and read content while it runs. */
  async during<T>(parts: HookParts, call: (id: number) => Promise<T>): Promise<T> {
    const id = this.peer.next();
    const streams = new Set<number>();
    this.#hookCalls.set(id, { ...parts, streams });
    try {
      return await call(id);
    } finally {
      this.#hookCalls.delete(id);
      for (const stream of streams) this.peer.streams.withdraw(stream, ended());
    }
  }

  /** @throws what the commit throws. */
  async commit(args: unknown): Promise<void> {
    const { hookCall, operations } = fieldsOf(args);
    const commit = this.#hookCalls.get(Number(hookCall))?.commit;
    if (!commit) throw new SipPushError('commit came too late: the call of its hook has ended');
    // The application's writes validate the operations.
    await commit(operations as readonly CommitOperation[]);
  }

  /** Resolves when the content has arrived. @throws AppError when its transfer fails. */
  async arrived(args: unknown): Promise<void> {
    await this.#hookCalls.get(Number(fieldsOf(args).hookCall))?.arrived?.();
  }

  /** Sends a stream of the content, or of a range of it. */
  open(args: unknown): void {
    const { hookCall, stream, range } = fieldsOf(args);
    const id = Number(stream);
    const call = this.#hookCalls.get(Number(hookCall));
    const content = call?.content;
    call?.streams.add(id);
    this.peer.streams.send(id, content ? opened(content, rangeOf(range)) : broken(ended()), {
      // Each stream of content has chunks of its own.
      transferred: true,
      onEnd: () => {
        call?.streams.delete(id);
        // If the content was still arriving, its size is now known.
        if (content?.size !== undefined) this.peer.notify('size', { hookCall, size: content.size });
      },
    });
  }
}

/** The push and its content, for the call of a hook. */
export async function packPush(push: Push): Promise<{
  push: PackedPush;
  content: PackedContent;
}> {
  const { id, app, from, to, mode, headers, fileName, receivedAt, content } = push;
  const rest = { id, app, from, to, mode, headers, fileName, receivedAt };
  const { type, size } = content;
  // In session mode the content may still be arriving.
  const small = rest.mode !== 'session' && size !== undefined && size <= INLINE_CONTENT;
  const bytes = small ? await content.bytes(size).catch(() => undefined) : undefined;
  return {
    push: rest,
    content: { type, size, bytes },
  };
}

function opened(content: Content, range: ByteRange | undefined): ReadableStream {
  try {
    return content.open(range);
  } catch (error) {
    return broken(error);
  }
}

function broken(why: unknown): ReadableStream {
  return new ReadableStream({ start: (controller) => controller.error(why) });
}

function ended(): Error {
  return new SipPushError('the content is only readable during the call of its hook, which has ended');
}
