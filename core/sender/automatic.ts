/** Mode `auto`: a MESSAGE where it fits one, else a session, else by reference (8.1.2-03, 8.2.2). */

import { LimitError } from '../errors.js';
import { MAX_PAGER_REQUEST } from './pager.js';
import type { Receipt } from './push-request.js';
import type { PushFile } from './session/offered-file.js';
import type { FileReceipt } from './session/terminal-push.js';

/** The modes that there are to choose from. */
export interface Modes {
  /** @throws LimitError when the request as a whole is too large; it has not been sent. */
  pager(file: PushFile): Promise<Receipt>;
  session(): Promise<FileReceipt[]>;
  /** Absent: nobody said where content is served. */
  indirect?(file: PushFile, to: string): Promise<Receipt>;
}

/**
 * @returns a receipt for each file and terminal.
 * @throws LimitError when no mode is left for any of them, and what the modes throw.
 */
export async function sendAutomatically(files: readonly PushFile[], modes: Modes): Promise<Receipt[]> {
  const [only, ...others] = files;
  if (only && others.length === 0) {
    try {
      return [await modes.pager(only)];
    } catch (error) {
      if (!(error instanceof LimitError)) throw error;
    }
  }
  const sent = await modes.session();
  if (!modes.indirect && sent.length > 0 && sent.every(({ sessionless }) => sessionless)) {
    throw noModeFor(sent);
  }
  const receipts: Receipt[] = [];
  for (const { receipt, file, sessionless } of sent) {
    const again = sessionless ? await modes.indirect?.(file, receipt.terminal ?? receipt.to) : undefined;
    const { to, fileName } = receipt;
    receipts.push(again ? { ...again, to, ...(fileName === undefined ? {} : { fileName }) } : receipt);
  }
  return receipts;
}

function noModeFor(sent: readonly FileReceipt[]): LimitError {
  const [first] = sent.map(({ receipt }) => receipt);
  return new LimitError(
    `content of ${first?.bytes} bytes does not fit a MESSAGE of at most ${MAX_PAGER_REQUEST}, the receiver knows ` +
      `no sessions (${first?.status} ${first?.reason}), and "publish" does not say where it is served`,
  );
}
