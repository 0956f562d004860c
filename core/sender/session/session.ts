/** Session mode at the sender: files over MSRP, in a session set up by INVITE (TS 8.2.2). */

import type { OfferedFile } from './outgoing-line.js';
import {
  type FileReceipt,
  type SessionAddress,
  type SessionSenderOptions,
  type SessionSendOptions,
  TerminalPush,
} from './terminal-push.js';

/** Of one user, that answer one push. Nobody has as many; a broken core may say so. */
const MAX_TERMINALS = 100;

export class SessionSender {
  constructor(private readonly options: SessionSenderOptions) {}

  /**
   * @returns a receipt for each file and terminal.
   * @throws ConfigurationError when nobody could connect; the signal's reason.
   */
  async send(
    push: SessionAddress,
    files: readonly OfferedFile[],
    options: SessionSendOptions = {},
  ): Promise<FileReceipt[]> {
    const started = performance.now();
    const first = new TerminalPush(push, files, this.options, options);
    const terminals = [first];
    const known = new Set<string>();
    // Grows as terminals are found.
    for (const terminal of terminals) {
      const others = await terminal.run();
      if (terminal.gruu !== undefined) known.add(terminal.gruu);
      for (const gruu of others) {
        if (known.has(gruu) || terminals.length === MAX_TERMINALS) continue;
        known.add(gruu);
        terminals.push(new TerminalPush({ ...push, to: gruu }, files, this.options, options));
      }
    }
    const milliseconds = Math.round(performance.now() - started);
    return terminals.flatMap((terminal) => terminal.receipts(push.to, milliseconds));
  }
}
