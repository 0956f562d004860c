/** Files on their way in sessions: how far they have come, and how to go on when they did not arrive. */

import type { PushFile } from '../../../core/sender/session/outgoing-line.js';
import type { FileProgress } from '../../../core/sender/session/terminal-push.js';
import type { Io } from '../io.js';
import { TransferProgress } from '../progress/transfer-progress.js';
import type { Order } from './push-order.js';

export class SentFiles {
  /** Whether a terminal has any byte of them. */
  #some = false;

  constructor(private readonly io: Io) {}

  observe(files: readonly PushFile[]): (progress: FileProgress) => void {
    const shown = files.map(({ name = '' }) => new TransferProgress(this.io, name));
    return ({ index, received, size }) => {
      if (received > 0) this.#some = true;
      shown[index]?.update(received, size);
    };
  }

  /** What a terminal has of a push is not sent again. Where it has nothing, there is nothing to say. */
  sayHowToGoOn({ id }: Order): void {
    if (this.#some) this.io.err(`to try it again, from where it is: the same command with --id ${id}`);
  }
}
