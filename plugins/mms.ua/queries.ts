/** The queries of the host: the list of messages, and actions on one of them. */

import type { AppClock, AppFiles } from 'sip-push/sdk';
import type { Answers } from './answers.js';
import { finished, isExpired, type Message, withAnswer } from './message.js';
import { type Messages, pathsOf } from './messages.js';
import type { Retrievals } from './retrievals.js';

interface Parts {
  readonly messages: Messages;
  readonly retrievals: Retrievals;
  readonly answers: Answers;
  readonly files: AppFiles;
  readonly clock: AppClock;
}

export class Queries {
  constructor(private readonly parts: Parts) {}

  async answer(name: string, args: unknown): Promise<unknown> {
    switch (name) {
      case 'messages':
        return this.items(this.current());
      case 'retrieve':
        return this.retrieve(this.keyOf(args));
      case 'read':
        return this.read(this.keyOf(args));
      case 'remove':
        return this.remove(this.keyOf(args));
      default:
        throw new Error(`unknown query "${name}": expected "messages", "retrieve", "read" or "remove"`);
    }
  }

  private async retrieve(key: string) {
    return this.known(key) ? this.item(await this.parts.retrievals.request(key)) : null;
  }

  private async read(key: string) {
    if (!this.known(key)) return null;
    const { messages, answers, clock } = this.parts;
    const message = await messages.update(key, (known) =>
      known.state === 'retrieved' && !known.read ? withReadReport(known, clock.now()) : known,
    );
    if (message) answers.resume(message);
    return this.item(message);
  }

  private async remove(key: string): Promise<boolean> {
    const message = this.known(key);
    // Pending answers are still posted.
    if (message) await this.parts.messages.update(key, finished);
    return message !== undefined;
  }

  /** Selects the newest message, because several MMSCs can use the same Transaction-Id. */
  private keyOf(args: unknown): string {
    const { key, transactionId }: { key?: unknown; transactionId?: unknown } = Object(args);
    if (typeof key === 'string') return key;
    if (typeof transactionId !== 'string') {
      throw new Error('invalid arguments: expected { key } or { transactionId } of a message');
    }
    return this.current().find((message) => message.transactionId === transactionId)?.key ?? '';
  }

  private known(key: string): Message | undefined {
    const message = this.parts.messages.get(key);
    return message && this.isCurrent(message) ? message : undefined;
  }

  /** Newest first. */
  private current(): Message[] {
    return this.parts.messages
      .all()
      .filter((message) => this.isCurrent(message))
      .reverse();
  }

  private isCurrent(message: Message): boolean {
    return message.state !== 'finished' && !isExpired(message, this.parts.clock.now());
  }

  private async item(message: Message | undefined) {
    const [item = null] = await this.items(message ? [message] : []);
    return item;
  }

  private async items(messages: readonly Message[]) {
    const paths = await pathsOf(this.parts.files);
    return messages.map((message) => itemOf(message, paths));
  }
}

/** A message without the internal fields. */
function itemOf(message: Message, paths: ReadonlyMap<string, string>) {
  const { key, state, transactionId, from, subject, messageClass, messageSize, expiry } = message;
  const { receivedAt, dueAt, contentLocation, reason, read, content } = message;
  return {
    key,
    state,
    transactionId,
    from,
    subject,
    messageClass,
    messageSize,
    expiry,
    receivedAt,
    dueAt,
    contentLocation,
    reason,
    read,
    messageId: content?.messageId,
    date: content?.date,
    parts: content?.parts.map(({ file, ...part }) => ({ ...part, path: paths.get(file) })),
  };
}

/** Adds an M-Read-Rec.ind if the sender asked for a report and its address is known. */
function withReadReport(message: Message, now: Date): Message {
  const { from, content } = message;
  const read: Message = { ...message, read: true };
  if (!content?.readReport || content.messageId === undefined || from === undefined) return read;
  const { messageId } = content;
  return withAnswer(read, { pdu: 'M-Read-Rec.ind', messageId, to: from, date: now.toISOString() });
}
