/** browser-level with durable batches, for one page at a time. */

import { BrowserLevel } from 'browser-level';
import { holdFolder } from './folder.js';
import { committed } from './page-store.js';

declare module 'browser-level' {
  /** Members that the types of browser-level omit: those of abstract-level for stores, and the database. */
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
 * browser-level 3 uses the browser's default durability, `relaxed`: committed data can be in the system's buffers (Chromium
 * since 121, Firefox, Safari). `sync` requires `strict`, so this class creates the transactions of batches.
 */
export class DurableLevel extends BrowserLevel<string, string> {
  #release: () => void = () => {};

  override async _open(options: object): Promise<void> {
    // Two hosts would deliver the same pushes twice.
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

  /** Writes all operations or none. */
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
