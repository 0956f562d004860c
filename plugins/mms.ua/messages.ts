/** The known messages, in storage and in memory, and their files. */

import {
  type AppFiles,
  type AppLog,
  type AppStorage,
  printable,
  printableReason,
  type StorageOperation,
  TaskQueue,
} from 'sip-push/sdk';
import { filesOf, finished, isExpired, type Message, sizeOf } from './message.js';

const PREFIX = 'message/';
/** Messages are in memory too, usually a few KiB each. */
const MAX_MESSAGES = 500;
/** Less than the host's quota of an application, so that messages that are being retrieved fit too. */
const MAX_BYTES = 192 * 1024 * 1024;
/** A commit has a limit of operations, and many messages can expire while no push arrives. */
const MAX_EXPIRED_REMOVALS = 100;

interface Parts {
  readonly storage: AppStorage;
  readonly files: AppFiles;
  readonly log: AppLog;
}

export class Messages {
  /** Serializes changes: which messages are evicted depends on the ones that are stored. */
  private readonly turns = new TaskQueue();

  /** @param messages by key, oldest first. */
  private constructor(
    private readonly parts: Parts,
    private readonly messages: Map<string, Message>,
  ) {}

  /** Reads the stored messages, and removes files that belong to none of them, which a crash has left. */
  static async open(parts: Parts): Promise<Messages> {
    const kept: Message[] = [];
    for await (const [, value] of parts.storage.entries({ prefix: PREFIX })) {
      // Only this class writes under this prefix.
      kept.push(value as Message);
    }
    kept.sort((one, other) => Date.parse(one.receivedAt) - Date.parse(other.receivedAt));
    const messages = new Messages(parts, new Map(kept.map((message) => [message.key, message])));
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

  /**
   * Adds a message, and evicts the oldest beyond the limit.
   * @param commit writes the operations to storage.
   */
  add(message: Message, now: Date, commit: (operations: StorageOperation[]) => Promise<void>): Promise<void> {
    return this.turns.run(async () => {
      // The same notification can have arrived earlier than the duplicate filter remembers.
      const replaced = filesOf(this.messages.get(message.key));
      const gone = this.evictedBy(message, now);
      await commit([
        ...gone.map(({ key }) => ({ type: 'delete' as const, key: PREFIX + key })),
        { type: 'put', key: PREFIX + message.key, value: message },
      ]);
      for (const { key } of [...gone, message]) this.messages.delete(key);
      this.messages.set(message.key, message);
      await this.removeFiles([...replaced, ...gone.flatMap(filesOf)]);
    });
  }

  /**
   * Changes a message atomically.
   * @param change returns the changed message, or undefined to remove it with its files.
   * @returns the message after the change; undefined if it does not exist.
   */
  update(key: string, change: (message: Message) => Message | undefined): Promise<Message | undefined> {
    return this.turns.run(async () => {
      const message = this.messages.get(key);
      const next = message && change(message);
      if (next === message) return message;
      // Storage first: a crash may leave a file without a message, which the next start removes.
      if (next) await this.parts.storage.put(PREFIX + key, next);
      else await this.parts.storage.delete(PREFIX + key);
      if (next) this.messages.set(key, next);
      else this.messages.delete(key);
      const left = new Set(filesOf(next));
      await this.removeFiles(filesOf(message).filter((file) => !left.has(file)));
      return next;
    });
  }

  /** Removes retrieved messages, oldest first, until the rest fits. */
  async evict(): Promise<void> {
    let bytes = this.all().reduce((sum, message) => sum + sizeOf(message), 0);
    for (const message of this.all()) {
      if (bytes <= MAX_BYTES) return;
      if (!message.content) continue;
      bytes -= sizeOf(message);
      this.parts.log.warn(
        `message ${printable(message.transactionId)} was removed: the limit is ${MAX_BYTES} bytes`,
      );
      await this.update(message.key, finished);
    }
  }

  /** Best effort: files that cannot be removed now are removed at the next start. */
  async removeFiles(names: readonly string[]): Promise<void> {
    const { files, log } = this.parts;
    for (const name of names) {
      await files.remove(name).catch((error: unknown) => log.warn(`file ${name}: ${printableReason(error)}`));
    }
  }

  private async removeOrphans(): Promise<void> {
    const { files, log } = this.parts;
    const owned = new Set(this.all().flatMap(filesOf));
    try {
      const orphans = (await files.list()).filter(({ name }) => !owned.has(name));
      await this.removeFiles(orphans.map(({ name }) => name));
    } catch (error) {
      // The application can accept notifications without its files.
      log.error(`files: ${printableReason(error)}`);
    }
  }

  /** The messages to remove when this one is added: expired ones, then the oldest beyond the limit. */
  private evictedBy(message: Message, now: Date): Message[] {
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

/** Paths of the files for other programs, by file name. */
export async function pathsOf(files: AppFiles): Promise<ReadonlyMap<string, string>> {
  return new Map((await files.list()).map(({ name, path }) => [name, path]));
}
