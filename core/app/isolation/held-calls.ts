/** Calls of hooks under way in a worker: the content and the commit of each, which stay on the host's side. */

import type { ByteRange, Content } from '../../content/content.js';
import { SipPushError } from '../../errors.js';
import type { CommitOperation, Push } from '../contract/push-app.js';
import { INLINE_CONTENT } from './limits.js';
import { fieldsOf, rangeOf } from './messages.js';
import type { Peer } from './peer.js';

interface Held extends Given {
  /** Numbers of the streams of its content. */
  readonly streams: Set<number>;
}

/** What a hook is given that stays here. */
interface Given {
  readonly content?: Content;
  readonly commit?: (operations: readonly CommitOperation[]) => Promise<void>;
}

/** A push without its content, as it crosses. */
export type CrossingPush = Omit<Push, 'content'>;

/** Of content that is small, all; of other content, what is known of it. */
export type CrossingContent = Pick<Content, 'type' | 'size'> & { readonly bytes?: Uint8Array };

export class HeldCalls {
  readonly #held = new Map<number, Held>();

  constructor(private readonly peer: Peer) {}

  /** Calls a hook, which may commit while it runs. */
  async during<T>(given: Given, call: (id: number) => Promise<T>): Promise<T> {
    const id = this.peer.next();
    const streams = new Set<number>();
    this.#held.set(id, { ...given, streams });
    try {
      return await call(id);
    } finally {
      this.#held.delete(id);
      for (const stream of streams) this.peer.streams.withdraw(stream, ended());
    }
  }

  /** @throws what the commit throws. */
  async commit(args: unknown): Promise<void> {
    const { held, operations } = fieldsOf(args);
    const commit = this.#held.get(Number(held))?.commit;
    if (!commit) throw new SipPushError('commit came too late: the call that it belongs to has ended');
    // What they are is looked at where they are written.
    await commit(operations as readonly CommitOperation[]);
  }

  /** The worker reads content, or a part of it. */
  open(args: unknown): void {
    const { held, stream, range } = fieldsOf(args);
    const id = Number(stream);
    const call = this.#held.get(Number(held));
    const content = call?.content;
    call?.streams.add(id);
    this.peer.streams.give(id, content ? opened(content, rangeOf(range)) : broken(ended()), {
      // Content gives every reader chunks of its own.
      ours: true,
      onEnd: () => {
        call?.streams.delete(id);
        // Of content that was still coming it is known now.
        if (content?.size !== undefined) this.peer.tell('size', { held, size: content.size });
      },
    });
  }
}

/** What goes over with the call itself. */
export async function crossing({ content, ...rest }: Push): Promise<{
  push: CrossingPush;
  content: CrossingContent;
}> {
  const { type, size } = content;
  // In session mode it may be still coming.
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
  return new SipPushError('content of a push is there while it is received: the call has ended');
}
