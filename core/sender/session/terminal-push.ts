/** Files on their way to one terminal: offered, sent, and offered again where the way broke (RFC 5547 8). */

import { TimeoutError, TransportError, UntrustedError } from '../../errors.js';
import type { MsrpConnector } from '../../msrp/index.js';
import type { SipResponse } from '../../sip/message/message.js';
import { contactUri } from '../../sip/session/dialog.js';
import type { InviteSession } from '../../sip/session/invite-session.js';
import type { SipUserAgent } from '../../sip/user-agent.js';
import { isGruu } from '../../sip/values/uri.js';
import { doubledDelay } from '../../time/backoff.js';
import { delay } from '../../time/deadline.js';
import { type Addressing, addressingHeaders, contactFeatures } from '../addressing.js';
import type { Receipt } from '../push-request.js';
import { broken, type FileOutcome, refusedBy } from './file-outcome.js';
import type { MediaListener } from './media-listener.js';
import { Offer } from './offer.js';
import type { OfferedFile, PushFile } from './outgoing-line.js';
import { HungUpError, TerminalSession } from './terminal-session.js';

/** Milliseconds until a push that broke off is offered again; twice as many each further time. */
const RESUME = { first: 1_000, longest: Number.POSITIVE_INFINITY };
/** Offers in a row without a byte of progress: the waits take a minute together. */
const MAX_OFFERS = 7;
/** The last of those waits. Whoever wants to be left alone for longer (Retry-After) is left to the caller. */
const LONGEST_PAUSE = doubledDelay(RESUME, MAX_OFFERS - 1);

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
    private readonly push: SessionAddress,
    private readonly files: readonly OfferedFile[],
    private readonly sender: SessionSenderOptions,
    private readonly options: SessionSendOptions,
  ) {
    if (isGruu(push.to)) this.#terminal = push.to;
  }

  /** Of the terminal that answered, where it has one. */
  get gruu(): string | undefined {
    return this.#terminal;
  }

  /**
   * To the end of each file.
   * @returns GRUUs of other terminals that took the INVITE, of which each has to get one of its own.
   */
  async run(): Promise<readonly string[]> {
    const { signal } = this.options;
    const { stopped } = this.sender;
    let best = this.#progress();
    for (let offers = 1; ; offers++) {
      const waiting = this.files.filter((file) => !this.#ends.has(file));
      const lost = await this.#offer(waiting, offers > 1);
      if (lost.size === 0) break;
      // Not by what was lost again: a receiver that forgets would be asked for ever.
      if (this.#progress() > best) offers = 1;
      best = Math.max(best, this.#progress());
      const pause = Math.max(doubledDelay(RESUME, offers), askedFor(lost));
      if (offers === MAX_OFFERS || pause > LONGEST_PAUSE || stopped.aborted) {
        for (const [file, outcome] of lost) this.#ends.set(file, outcome);
        break;
      }
      this.#tellOffersAgain(lost, pause);
      const signals = signal ? [signal, stopped] : [stopped];
      await delay(pause, AbortSignal.any(signals)).catch(() => signal?.throwIfAborted());
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
        terminal: this.#terminal,
        mode: 'session',
        ...outcome,
        bytes: size,
        fileName: file.name,
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
    const { signal } = this.options;
    let offer: Offer;
    try {
      offer = await Offer.open(files, this.sender.listener, signal);
    } catch (error) {
      return this.#settle(files, unreached(error, signal), again);
    }
    try {
      return await this.#invite(offer, files, again);
    } finally {
      offer.close();
    }
  }

  async #invite(
    offer: Offer,
    files: readonly OfferedFile[],
    again: boolean,
  ): Promise<Map<OfferedFile, FileOutcome>> {
    const { agent, assertedIdentity } = this.sender;
    const { to } = this.push;
    const { signal } = this.options;
    let first: { dialog: InviteSession; response: SipResponse } | undefined;
    const headers = [
      ...addressingHeaders(this.push, assertedIdentity),
      ['Content-Type', 'application/sdp'] as const,
    ];
    const handlers = {
      onSession: (dialog: InviteSession, response: SipResponse) => {
        if (first) this.#another(dialog, response);
        else first = { dialog, response };
      },
    };
    const features = contactFeatures(this.push);
    const outgoing = { uri: to, headers, body: offer.body(), features };
    let response: SipResponse;
    try {
      response = await agent.invite(outgoing, handlers, signal ? { signal } : {});
    } catch (error) {
      return this.#settle(files, unreached(error, signal), again);
    }
    if (!first) return this.#settle(files, refusedBy(response), again);
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
      report: this.push.report,
      signal,
      connector: this.sender.connector,
      onProgress: (file, have) => this.#received(file, have),
    });
    const ends = await session.run(response.body);
    const lost = new Map<OfferedFile, FileOutcome>();
    for (const [index, end] of ends.entries()) {
      const file = offer.lines[index]?.offered;
      if (!file) continue;
      const outcome = end instanceof Error ? broken(end) : end;
      // RFC 4975 10.4: a 408 is as silence is. Nor has anybody decided who does not know the session (481, 506).
      const hopeless = end instanceof UntrustedError || end instanceof HungUpError;
      if (outcome.outcome === 'failed' && outcome.retryable && !hopeless) lost.set(file, outcome);
      else this.#ends.set(file, outcome);
    }
    return lost;
  }

  /** All files of an INVITE have the same end. It may have broken before: then it may be for now. */
  #settle(
    files: readonly OfferedFile[],
    outcome: FileOutcome,
    again: boolean,
  ): Map<OfferedFile, FileOutcome> {
    if (again && outcome.retryable) return new Map(files.map((file) => [file, outcome]));
    for (const file of files) this.#ends.set(file, outcome);
    return new Map();
  }

  #tellOffersAgain(lost: ReadonlyMap<OfferedFile, FileOutcome>, pause: number): void {
    const reasons = new Set([...lost.values()].map(({ reason }) => reason));
    const seconds = Math.ceil(pause / 1000);
    const { to } = this.push;
    this.sender.onProblem?.(
      new TransportError(
        `the session with ${to} broke off, and is tried again in ${seconds} s: ${[...reasons].join('; ')}`,
      ),
    );
  }

  /** A fork: the offer has one place for one terminal (RFC 4975 5.4), so another one gets an INVITE of its own. */
  #another(dialog: InviteSession, response: SipResponse): void {
    dialog.bye().catch(() => {});
    const contact = contactUri(response.headers) ?? '';
    if (isGruu(contact)) this.#others.add(contact);
  }

  #received(file: OfferedFile, have: number): void {
    this.#have.set(file, have);
    const { size } = file;
    this.options.onProgress?.({ index: this.files.indexOf(file), have, size });
  }
}

/** @throws what is no failure to reach the receiver. */
function unreached(error: unknown, signal: AbortSignal | undefined): FileOutcome {
  if (signal?.aborted) throw error;
  if (error instanceof TimeoutError) return broken(error, 408);
  if (error instanceof TransportError) return broken(error);
  throw error;
}

/** Milliseconds for which the receiver wants to be left alone. */
function askedFor(lost: ReadonlyMap<unknown, FileOutcome>): number {
  return 1000 * Math.max(...[...lost.values()].map(({ retryAfter = 0 }) => retryAfter));
}

/** Files go to it in one session. */
export interface SessionAddress extends Addressing {
  /**
   * Only a success REPORT counts as delivered: that of a receiver whose application has taken the push. Otherwise it
   * is asked for all the same, and where none comes, that every chunk was answered 200 will do.
   */
  report: boolean;
}

/** Progress of one file in a session. */
export interface FileProgress {
  /** Index of the file in the push. */
  index: number;
  /** Bytes that the receiver has. */
  have: number;
  /** Size of the file in bytes. */
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
