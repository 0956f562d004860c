/** The queries of the host: the list of messages, and actions on one of them. */

import * as z from 'zod/mini';
import type { Context, MmsTransaction } from './context.js';
import { finished, isExpired, type Message, partsWithPaths, retrieving, withAnswer } from './message.js';
import { type Messages, pathsOf } from './messages.js';

/** Several MMSCs can use the same Transaction-Id: the newest message is selected. */
const selector = z
  .object({ key: z.optional(z.string()), transactionId: z.optional(z.string()) })
  .check(
    z.refine(
      ({ key, transactionId }) => (key ?? transactionId) !== undefined,
      'expected { key } or { transactionId } of a message',
    ),
  );

type Selector = z.infer<typeof selector>;

export const queries = { messages: true, retrieve: selector, read: selector, remove: selector } as const;

export function queryHandlers({ storage, files, clock }: Context, messages: Messages) {
  /** Newest first. */
  function current(): Message[] {
    const now = clock.now();
    return messages
      .all()
      .filter((message) => message.state !== 'finished' && !isExpired(message, now))
      .reverse();
  }

  /** Calls `change` with the selected message in a transaction that runs alone. */
  function change<Result>(
    { key, transactionId }: Selector,
    change: (tx: MmsTransaction, message: Message) => Result,
  ): Promise<Result | undefined> {
    return storage.transaction(async (tx) => {
      const message = current().find((known) =>
        key === undefined ? known.transactionId === transactionId : known.key === key,
      );
      return message && change(tx, message);
    });
  }

  async function item(message: Message | undefined) {
    return message ? itemOf(message, await pathsOf(files)) : null;
  }

  return {
    async messages() {
      const paths = await pathsOf(files);
      return current().map((message) => itemOf(message, paths));
    },
    async retrieve(which: Selector) {
      const message = await change(which, (tx, known) => {
        if (known.state !== 'waiting' && known.state !== 'failed') return known;
        const next = retrieving(known);
        messages.put(tx, next);
        messages.retrieveAt(tx, next, clock.now());
        return next;
      });
      return item(message);
    },
    async read(which: Selector) {
      const message = await change(which, (tx, known) => {
        if (known.state !== 'retrieved' || known.read) return known;
        const next = withReadReport(known, clock.now());
        messages.put(tx, next);
        return next;
      });
      return item(message);
    },
    async remove(which: Selector) {
      const removed = await change(which, (tx, known) => {
        // Pending answers are still posted.
        messages.put(tx, finished(known));
        return true;
      });
      return removed ?? false;
    },
  };
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
    parts: content && partsWithPaths(content, paths),
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
