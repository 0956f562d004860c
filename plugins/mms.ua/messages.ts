/** The messages that are known, in storage and in memory, and the files that are theirs. */

import {
  type AppFiles,
  type AppLog,
  type AppStorage,
  printable,
  printableReason,
  type StorageOperation,
  TaskQueue,
} from 'sip-push/sdk';
import { filesOf, isExpired, type Message, finished, sizeOf } from './message.js';

const PREFIX = 'message/';
/** Each is in memory, some KiB as a rule. */
const MAX_MESSAGES = 500;
/** Less than a host lets an application keep, with room for those that are on their way. */
const MAX_BYTES = 192 * 1024 * 1024;
/** After a long silence many have expired at once; a commit has its limit. */
const MAX_EXPIRED_REMOVALS = 100;

interface Parts {
  readonly storage: AppStorage;
  readonly files: AppFiles;
  readonly log: AppLog;
}

export class Messages {
  /** One after another: what goes depends on what is there. */
  private readonly turns = new TaskQueue();

  /** @param messages by key, the oldest first. */
  private constructor(
    private readonly parts: Parts,
    private readonly messages: Map<string, Message>,
  ) {}

  /** Files that no message names go: a crash left them. */
  static async open(parts: Parts): Promise<Messages> {
    const kept: Message[] = [];
    for await (const [, value] of parts.storage.entries({ prefix: PREFIX })) {
      // Nobody else writes here.
      kept.push(value as Message);
    }
    kept.sort((one, other) => Date.parse(one.receivedAt) - Date.parse(other.receivedAt));
    const messages = new Messages(parts, new Map(kept.map((message) => [message.key, message])));
    await messages.removeUnnamed();
    return messages;
  }

  /** The oldest first, also those that are over. */
  all(): Message[] {
    return [...this.messages.values()];
  }

  get(key: string): Message | undefined {
    return this.messages.get(key);
  }

  /** Runs `take` with what must be written for one more; the oldest go where there are too many. */
  add(message: Message, now: Date, take: (operations: StorageOperation[]) => Promise<void>): Promise<void> {
    return this.turns.run(async () => {
      // It may have come before, longer ago than anybody remembers.
      const replaced = filesOf(this.messages.get(message.key));
      const gone = this.evictedBy(message, now);
      await take([
        ...gone.map(({ key }) => ({ type: 'delete' as const, key: PREFIX + key })),
        { type: 'put', key: PREFIX + message.key, value: message },
      ]);
      for (const { key } of [...gone, message]) this.messages.delete(key);
      this.messages.set(message.key, message);
      await this.removeFiles([...replaced, ...gone.flatMap(filesOf)]);
    });
  }

  /**
   * Changes one that may have been changed, or have gone, since it was looked at.
   * @param change gives the message as it is to be; undefined: it goes, with its files
   * @returns as it is now; undefined: it is not there any more.
   */
  update(key: string, change: (message: Message) => Message | undefined): Promise<Message | undefined> {
    return this.turns.run(async () => {
      const message = this.messages.get(key);
      const next = message && change(message);
      if (next === message) return message;
      // Storage first: a file that nobody names goes in the end, a name without its file never would.
      if (next) await this.parts.storage.put(PREFIX + key, next);
      else await this.parts.storage.delete(PREFIX + key);
      if (next) this.messages.set(key, next);
      else this.messages.delete(key);
      const left = new Set(filesOf(next));
      await this.removeFiles(filesOf(message).filter((file) => !left.has(file)));
      return next;
    });
  }

  /** Removes what was retrieved, the oldest first, until the rest fits. */
  async evict(): Promise<void> {
    let bytes = this.all().reduce((sum, message) => sum + sizeOf(message), 0);
    for (const message of this.all()) {
      if (bytes <= MAX_BYTES) return;
      if (!message.content) continue;
      bytes -= sizeOf(message);
      this.parts.log.warn(
        `message ${printable(message.transactionId)} removed: at most ${MAX_BYTES} bytes are kept`,
      );
      await this.update(message.key, finished);
    }
  }

  /** Best effort: what stays goes at the next start. */
  async removeFiles(names: readonly string[]): Promise<void> {
    const { files, log } = this.parts;
    for (const name of names) {
      await files.remove(name).catch((error: unknown) => log.warn(`file ${name}: ${printableReason(error)}`));
    }
  }

  private async removeUnnamed(): Promise<void> {
    const { files, log } = this.parts;
    const named = new Set(this.all().flatMap(filesOf));
    try {
      const unnamed = (await files.list()).filter(({ name }) => !named.has(name));
      await this.removeFiles(unnamed.map(({ name }) => name));
    } catch (error) {
      // Notifications are taken all the same.
      log.error(`files: ${printableReason(error)}`);
    }
  }

  /** What goes when one more comes: what has expired, then the oldest that stand in its way. */
  private evictedBy(message: Message, now: Date): Message[] {
    const expired: Message[] = [];
    const left: Message[] = [];
    for (const other of this.messages.values()) {
      if (other.key === message.key) continue;
      const goes = other.state !== 'over' && other.state !== 'retrieving' && isExpired(other, now);
      (goes && expired.length < MAX_EXPIRED_REMOVALS ? expired : left).push(other);
    }
    return [...expired, ...left.slice(0, Math.max(0, left.length - MAX_MESSAGES + 1))];
  }
}
