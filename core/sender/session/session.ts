/** Session mode at the sender: files over MSRP, in a session set up by INVITE (TS 8.2.2). */

import type { MsrpConnector } from '../../msrp/index.js';
import type { SipUserAgent } from '../../sip/agent.js';
import type { Addressing } from '../addressing.js';
import type { MediaListener } from './media-listener.js';
import type { OfferedFile } from './offered-file.js';
import { type FileReceipt, TerminalPush } from './terminal-push.js';

/** Files go to it in one session. */
export interface SessionAddress extends Addressing {
  /**
   * Only a success REPORT counts as delivered: that of a receiver whose application has taken the push. Otherwise it
   * is asked for all the same, and where none comes, that every chunk was answered 200 will do.
   */
  report: boolean;
}

/** How far one file of a session has come. */
export interface FileProgress {
  /** Of the file in the push. */
  index: number;
  /** Bytes that the receiver has. */
  have: number;
  size: number;
}

export interface SessionSendOptions {
  signal?: AbortSignal;
  onProgress?(progress: FileProgress): void;
}

export interface SessionSenderOptions {
  agent: Pick<SipUserAgent, 'invite'>;
  listener: MediaListener;
  /** For receivers that wait to be connected to. */
  connector: MsrpConnector;
  /** Nothing is offered again from then on. */
  stopped: AbortSignal;
  assertedIdentity?: string;
  /** Why files are offered again. */
  onProblem?(error: Error): void;
}

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
