/** browser-level with the durability that `sync` promises, and one page at a time. */

import { BrowserLevel } from 'browser-level';
import { holdFolder } from './folder.js';
import { committed } from './page-store.js';

declare module 'browser-level' {
  /** What it has of abstract-level's contract with its stores, and the database itself; its types leave both out. */
  interface BrowserLevel<KDefault = string, VDefault = string> {
    readonly db: IDBDatabase;
    _open(options: object): Promise<void>;
    _close(): Promise<void>;
    _batch(operations: readonly Operation[], options: { sync?: boolean }): Promise<void>;
  }
}

interface Operation {
  type: 'put' | 'del';
  /** UTF-8. */
  key: Uint8Array<ArrayBuffer>;
  value?: Uint8Array;
}

/**
 * browser-level 3 takes what durability the browser has preset, which is relaxed: what is committed may be in the
 * system's buffers (Chromium since 121, Firefox, Safari). Strict is what `sync` promises. Its transactions are made
 * here; all else is its own.
 */
export class DurableLevel extends BrowserLevel<string, string> {
  #release: () => void = () => {};

  override async _open(options: object): Promise<void> {
    // Two hosts would take the same pushes twice.
    this.#release = await holdFolder(this.location);
    try {
      await super._open(options);
    } catch (error) {
      this.#release();
      throw error;
    }
  }

  override async _close(): Promise<void> {
    try {
      await super._close();
    } finally {
      this.#release();
    }
  }

  /** All of them, or none. */
  override async _batch(
    operations: readonly Operation[],
    { sync = false }: { sync?: boolean },
  ): Promise<void> {
    const transaction = this.db.transaction([this.location], 'readwrite', {
      durability: sync ? 'strict' : 'relaxed',
    });
    const written = committed(transaction);
    const records = transaction.objectStore(this.location);
    try {
      for (const { type, key, value } of operations) {
        if (type === 'del') records.delete(key);
        else records.put(value, key);
      }
      transaction.commit();
    } catch (error) {
      transaction.abort();
      await written.catch(() => {});
      throw error;
    }
    await written;
  }
}
