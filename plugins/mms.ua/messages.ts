/** The known messages, in storage and in memory, their files, and their alarms. */

import type { AppFiles } from 'sip-push/sdk';
import { type Context, type MmsTransaction, reasonOf } from './context.js';
import { filesOf, finished, isExpired, type Message, sizeOf } from './message.js';

const PREFIX = 'message/';
/** Messages are in memory too, usually a few KiB each. */
const MAX_MESSAGES = 500;
/** Less than the host's quota of an application, so that messages that are being retrieved fit too. */
const MAX_BYTES = 192 * 1024 * 1024;
/** A transaction has a limit of operations, and many messages can expire while no push arrives. */
const MAX_EXPIRED_REMOVALS = 100;

/** Changes are in transactions that run alone, so that they see each other. */
export class Messages {
  /** @param messages by key, oldest first. */
  private constructor(
    private readonly context: Context,
    private readonly messages: Map<string, Message>,
  ) {}

  /** Reads the stored messages, and removes files that belong to none of them, which a crash has left. */
  static async open(context: Context): Promise<Messages> {
    const stored: Message[] = [];
    for await (const [, value] of context.storage.entries({ prefix: PREFIX })) {
      // Only this class writes under this prefix.
      stored.push(value as Message);
    }
    stored.sort((one, other) => Date.parse(one.receivedAt) - Date.parse(other.receivedAt));
    const messages = new Messages(context, new Map(stored.map((message) => [message.key, message])));
    await messages.removeOrphans();
    return messages;
  }

  /** Oldest first, including finished messages. */
  all(): Message[] {
    return [...this.messages.values()];
  }

  get(key: string): Message | undefined {
    return this.messages.get(key);
  }

  /** Adds a message as the newest, and removes expired ones and the oldest beyond the limit. */
  add(tx: MmsTransaction, message: Message): void {
    for (const { key } of this.evictedBy(message)) this.remove(tx, key);
    // The same notification can have arrived earlier than the duplicate filter remembers.
    tx.afterCommit(() => this.messages.delete(message.key));
    this.put(tx, message);
    if (message.state === 'retrieving') this.retrieveAt(tx, message, this.context.clock.now());
    else if (message.state === 'waiting' && message.dueAt !== undefined)
      this.retrieveAt(tx, message, new Date(message.dueAt));
  }

  /** Changes a message, if there is one. @returns the message after the change. */
  update(tx: MmsTransaction, key: string, change: (message: Message) => Message): Message | undefined {
    const message = this.messages.get(key);
    const next = message && change(message);
    if (next && next !== message) this.put(tx, next);
    return next;
  }

  /** Stores a message. The first pending answer sets the alarm that posts it; the last one ends a finished message. */
  put(tx: MmsTransaction, message: Message): void {
    const { key, state, answers } = message;
    if (state === 'finished' && answers.length === 0) {
      this.remove(tx, key);
      return;
    }
    const old = this.messages.get(key);
    tx.put(PREFIX + key, message);
    if (state !== 'waiting' && state !== 'retrieving') tx.cancelAlarm(alarmKey('retrieve', key));
    if (answers.length > 0 && !old?.answers.length) {
      tx.setAlarm(alarmKey('answer', key), this.context.clock.now());
    }
    tx.afterCommit(() => {
      this.messages.set(key, message);
      void this.removeFiles(filesOf(old).filter((file) => !filesOf(message).includes(file)));
    });
  }

  /** Removes a message and its files. Its alarms are cancelled, so that a retrieval in progress cannot commit. */
  remove(tx: MmsTransaction, key: string): void {
    const files = filesOf(this.messages.get(key));
    tx.delete(PREFIX + key);
    tx.cancelAlarm(alarmKey('retrieve', key));
    tx.cancelAlarm(alarmKey('answer', key));
    tx.afterCommit(() => {
      this.messages.delete(key);
      void this.removeFiles(files);
    });
  }

  /** Sets the alarm that retrieves a message. */
  retrieveAt(tx: MmsTransaction, { key }: Message, when: Date | number): void {
    tx.setAlarm(alarmKey('retrieve', key), when);
  }

  /** Removes the oldest retrieved messages until the rest fits beside this one. */
  makeRoom(tx: MmsTransaction, message: Message): void {
    const others = this.all().filter(({ key, content }) => content && key !== message.key);
    let bytes = others.reduce((sum, other) => sum + sizeOf(other), sizeOf(message));
    for (const other of others) {
      if (bytes <= MAX_BYTES) return;
      bytes -= sizeOf(other);
      this.put(tx, finished(other));
      const { log } = this.context;
      tx.afterCommit(() =>
        log.warn(`message ${other.transactionId} was removed: the limit is ${MAX_BYTES} bytes`),
      );
    }
  }

  /** Best effort: files that cannot be removed now are removed at the next start. */
  async removeFiles(names: readonly string[]): Promise<void> {
    const { files, log } = this.context;
    for (const name of names) {
      await files.remove(name).catch((error: unknown) => log.warn(`file ${name}: ${reasonOf(error)}`));
    }
  }

  private async removeOrphans(): Promise<void> {
    const { files, log } = this.context;
    const owned = new Set(this.all().flatMap(filesOf));
    try {
      const orphans = (await files.list()).filter(({ name }) => !owned.has(name));
      await this.removeFiles(orphans.map(({ name }) => name));
    } catch (error) {
      // The application can accept notifications without its files.
      log.error(`files: ${reasonOf(error)}`);
    }
  }

  /** The messages to remove when this one is added: expired ones, then the oldest beyond the limit. */
  private evictedBy(message: Message): Message[] {
    const now = this.context.clock.now();
    const expired: Message[] = [];
    const left: Message[] = [];
    for (const other of this.messages.values()) {
      if (other.key === message.key) continue;
      const removable = other.state !== 'finished' && other.state !== 'retrieving' && isExpired(other, now);
      (removable && expired.length < MAX_EXPIRED_REMOVALS ? expired : left).push(other);
    }
    return [...expired, ...left.slice(0, Math.max(0, left.length - MAX_MESSAGES + 1))];
  }
}

/** The alarms of a message: one retrieves it, the other posts its answers. */
function alarmKey(work: 'retrieve' | 'answer', key: string): string {
  return `${work}/${key}`;
}

/** The key of the message that an alarm belongs to. */
export function keyOfAlarm({ key }: { readonly key: string }): string {
  return key.slice(key.indexOf('/') + 1);
}

/** Paths of the files for other programs, by file name. */
export async function pathsOf(files: AppFiles): Promise<ReadonlyMap<string, string>> {
  return new Map((await files.list()).map(({ name, path }) => [name, path]));
}
