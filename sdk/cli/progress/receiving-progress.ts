/** Tells a person who looks at a host's terminal how far long transfers have come. */

import type { HostEvent } from '../../../core/host.js';
import type { Io } from '../io.js';
import { TransferProgress } from './transfer-progress.js';

/** Transfers that are remembered at a time, as many as a host has sessions: a peer may leave any number of them. */
const TRANSFERS = 100;

/** Characters of a file's name: behind it, a line has to have room for what changes. */
const NAME_LENGTH = 32;

export class ReceivingProgress {
  readonly #transfers = new Map<string, TransferProgress>();

  constructor(private readonly io: Io) {}

  /** Of a transfer that has taken long already. */
  update({
    id,
    app,
    contentType,
    fileName,
    received,
    size,
  }: Extract<HostEvent, { event: 'receiving' }>): void {
    // A log has what came in the end.
    if (!this.io.terminal) return;
    let progress = this.#transfers.get(id);
    if (!progress) {
      const [oldest = ''] = this.#transfers.keys();
      if (this.#transfers.size >= TRANSFERS) this.#transfers.delete(oldest);
      const name = (fileName ?? contentType).slice(0, NAME_LENGTH);
      progress = new TransferProgress(this.io, `receiving     ${app} ${name}`, 0);
      this.#transfers.set(id, progress);
    }
    progress.update(received, size);
  }

  ended(id: string): void {
    this.#transfers.delete(id);
  }
}
