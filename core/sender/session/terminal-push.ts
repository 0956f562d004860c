/** Files on their way to one terminal: offered, sent, and offered again where the way broke (RFC 5547 8). */

import { TimeoutError, TransportError } from '../../errors.js';
import { contactUri } from '../../sip/dialog.js';
import type { InviteSession } from '../../sip/invite-session.js';
import type { SipResponse } from '../../sip/message.js';
import { addressingHeaders, isGruu } from '../addressing.js';
import type { Receipt } from '../push-request.js';
import { broken, type FileOutcome } from './file-outcome.js';
import { Offer } from './offer.js';
import type { OfferedFile, PushFile } from './offered-file.js';
import { refusedBy } from './refused-invite.js';
import type { FilesPush, SessionSenderOptions, SessionSendOptions } from './session.js';
import { TerminalSession } from './terminal-session.js';

/** Milliseconds until a push that broke off is offered again; twice as many each further time. */
const RESUME_AFTER = 1_000;
/** Offers in a row without a byte of progress: the waits take a minute together. */
const MAX_OFFERS = 7;

/** What came of a file at a terminal. */
export interface FileReceipt {
  file: PushFile;
  receipt: Receipt;
  /** The terminal takes no sessions: another mode may do. */
  sessionless: boolean;
}

export class TerminalPush {
  readonly #ends = new Map<OfferedFile, FileOutcome>();
  /** Bytes of each that the receiver has. */
  readonly #have = new Map<OfferedFile, number>();
  /** Who answered. */
  #terminal: string | undefined;
  /** GRUUs of terminals that answered too. */
  readonly #others = new Set<string>();

  constructor(
    private readonly push: FilesPush,
    private readonly files: readonly OfferedFile[],
    private readonly sender: SessionSenderOptions,
    private readonly options: SessionSendOptions,
  ) {
    if (isGruu(push.to)) this.#terminal = push.to;
  }

  /**
   * To the end of each file.
   * @returns GRUUs of other terminals that took the INVITE, of which each has to get one of its own.
   */
  async run(): Promise<readonly string[]> {
    const { signal } = this.options;
    for (let offers = 1; ; offers++) {
      const before = this.#progress();
      const waiting = this.files.filter((file) => !this.#ends.has(file));
      const lost = await this.#offer(waiting, offers > 1);
      if (lost.size === 0) break;
      if (this.#progress() > before) offers = 1;
      if (offers === MAX_OFFERS) {
        for (const [file, outcome] of lost) this.#ends.set(file, outcome);
        break;
      }
      await delay(RESUME_AFTER * 2 ** (offers - 1), signal);
    }
    return [...this.#others];
  }

  receipts(to: string, milliseconds: number): FileReceipt[] {
    return this.files.map((offered) => {
      const { file, size } = offered;
      const given = broken(new TransportError('the push was given up'));
      const { sessionless = false, ...outcome } = this.#ends.get(offered) ?? given;
      const receipt: Receipt = {
        to,
        ...(this.#terminal === undefined ? {} : { terminal: this.#terminal }),
        mode: 'session',
        ...outcome,
        bytes: size,
        ...(file.name === undefined ? {} : { fileName: file.name }),
        milliseconds,
      };
      return { file, receipt, sessionless };
    });
  }

  #progress(): number {
    let sum = 0;
    for (const have of this.#have.values()) sum += have;
    return sum;
  }

  /** @returns files that are worth another offer, with what came of this one. */
  async #offer(files: readonly OfferedFile[], again: boolean): Promise<Map<OfferedFile, FileOutcome>> {
    const offer = await Offer.open(files, this.sender.listener, this.options.signal);
    try {
      return await this.#invite(offer, again);
    } finally {
      offer.close();
    }
  }

  async #invite(offer: Offer, again: boolean): Promise<Map<OfferedFile, FileOutcome>> {
    const { agent, assertedIdentity } = this.sender;
    const { to, app } = this.push;
    const { signal } = this.options;
    let first: { dialog: InviteSession; response: SipResponse } | undefined;
    const headers = [
      ...addressingHeaders(app, assertedIdentity),
      ['Content-Type', 'application/sdp'] as const,
    ];
    const handlers = {
      onSession: (dialog: InviteSession, response: SipResponse) => {
        if (first) this.#another(dialog, response);
        else first = { dialog, response };
      },
    };
    const invite = agent.invite({ uri: to, headers, body: offer.body() }, handlers, signal ? { signal } : {});
    let response: SipResponse;
    try {
      response = await invite.final;
    } catch (error) {
      if (signal?.aborted || !isUnreached(error)) throw error;
      return this.#settle(offer, error instanceof TimeoutError ? broken(error, 408) : broken(error), again);
    }
    if (!first) return this.#settle(offer, refusedBy(response), again);
    return await this.#transfer(offer, first);
  }

  async #transfer(
    offer: Offer,
    { dialog, response }: { dialog: InviteSession; response: SipResponse },
  ): Promise<Map<OfferedFile, FileOutcome>> {
    const contact = contactUri(response.headers) ?? '';
    if (isGruu(contact)) this.#terminal = contact;
    const { signal } = this.options;
    const session = new TerminalSession(dialog, offer, {
      report: this.push.report ?? false,
      ...(signal ? { signal } : {}),
      onProgress: (file, have) => this.#received(file, have),
    });
    const ends = await session.run(response.body);
    const lost = new Map<OfferedFile, FileOutcome>();
    for (const [index, end] of ends.entries()) {
      const file = offer.lines[index]?.offered;
      if (!file) continue;
      if (end instanceof Error) lost.set(file, broken(end));
      else this.#ends.set(file, end);
    }
    return lost;
  }

  /** All files of an INVITE have the same end. It may have broken before: then it may be for now. */
  #settle(offer: Offer, outcome: FileOutcome, again: boolean): Map<OfferedFile, FileOutcome> {
    const ends = offer.lines.map(({ offered }) => [offered, outcome] as const);
    if (again && outcome.retryable) return new Map(ends);
    for (const [file, end] of ends) this.#ends.set(file, end);
    return new Map();
  }

  /** A fork: the offer has one place for one terminal (RFC 4975 5.4), so another one gets an INVITE of its own. */
  #another(dialog: InviteSession, response: SipResponse): void {
    dialog.bye().catch(() => {});
    const contact = contactUri(response.headers) ?? '';
    if (isGruu(contact) && contact !== this.#terminal) this.#others.add(contact);
  }

  #received(file: OfferedFile, have: number): void {
    this.#have.set(file, have);
    const { size } = file;
    this.options.onProgress?.({ index: this.files.indexOf(file), have, size });
  }
}

function isUnreached(error: unknown): error is TransportError | TimeoutError {
  return error instanceof TransportError || error instanceof TimeoutError;
}

function delay(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort);
      resolve();
    }, milliseconds);
    if (signal?.aborted) abort();
    else signal?.addEventListener('abort', abort, { once: true });
  });
}
