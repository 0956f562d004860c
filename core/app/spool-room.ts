/** Where content goes that is too large for memory: opened when the first of it comes. */

import { platform } from '#platform';
import type { Spool } from '../platform/platform.js';

export class SpoolRoom {
  #opened: Promise<Spool> | undefined;

  /** @param folder emptied when it is opened; a temporary one when absent. */
  constructor(private readonly folder?: string) {}

  /** Rejects, this time, when the folder cannot be made. */
  open(): Promise<Spool> {
    this.#opened ??= platform.openSpool(this.folder).catch((error: unknown) => {
      this.#opened = undefined;
      throw error;
    });
    return this.#opened;
  }

  async close(): Promise<void> {
    await (await this.#opened)?.close();
  }
}
