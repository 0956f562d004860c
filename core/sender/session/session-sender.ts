/** Session mode at the sender: files over MSRP, in sessions that an INVITE sets up (TS 8.2.2). */

import type { OfferedFile } from './outgoing-line.js';
import {
  type FileReceipt,
  type SessionAddress,
  type SessionSenderOptions,
  type SessionSendOptions,
  TerminalPush,
} from './terminal-push.js';

/** Terminals of one user that can answer one push. A limit against a faulty core. */
const MAX_TERMINALS = 100;

export class SessionSender {
  constructor(private readonly options: SessionSenderOptions) {}

  /**
   * Sends files to the terminal at an address, and to each further terminal that answers the forked INVITE.
   * @returns a receipt for each file and terminal.
   * @throws ConfigurationError when the sender cannot listen; the signal's reason.
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
    // The list grows during the iteration.
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
