/** Sends files to one terminal: offers them, sends them, and resumes after a failure (RFC 5547 §8). */

import { TimeoutError, TransportError, UntrustedError } from '../../errors.js';
import type { MsrpConnector } from '../../msrp/index.js';
import type { SipResponse } from '../../sip/message/message.js';
import { contactUri } from '../../sip/session/dialog.js';
import type { InviteSession } from '../../sip/session/invite-session.js';
import type { SipUserAgent } from '../../sip/user-agent.js';
import { isGruu } from '../../sip/values/uri.js';
import { delay, LinkedSignal } from '../../time/abort-signal.js';
import { doubledDelay } from '../../time/backoff.js';
import { type Addressing, addressingHeaders, contactFeatures } from '../addressing.js';
import type { Receipt } from '../push-request.js';
import { type FileOutcome, interpretInviteResponse, interrupted } from './file-outcome.js';
import type { MediaListener } from './media-listener.js';
import { Offer } from './offer.js';
import type { OfferedFile, PushFile } from './outgoing-line.js';
import { ReceiverFailureError, TerminalSession } from './terminal-session.js';

/** Milliseconds: the delay before the first new offer after a failure; it doubles each time. */
const RESUME = { first: 1_000, longest: Number.POSITIVE_INFINITY };
/** Consecutive offers without progress; their delays add up to a minute. */
const MAX_OFFERS = 7;
/** The longest delay. After a longer Retry-After, the caller retries. */
const MAX_DELAY = doubledDelay(RESUME, MAX_OFFERS - 1);

/** The result of a file at a terminal. */
export interface FileReceipt {
  file: PushFile;
  receipt: Receipt;
  /** The terminal does not support sessions; another mode may succeed. */
  sessionsUnsupported: boolean;
}

export class TerminalPush {
  readonly #results = new Map<OfferedFile, FileOutcome>();
  /** By file: the number of bytes that the receiver has. */
  readonly #received = new Map<OfferedFile, number>();
  /** GRUU of the terminal that answered. */
  #terminal: string | undefined;
  /** GRUUs of further terminals that answered. */
  readonly #others = new Set<string>();

  constructor(
    private readonly push: SessionAddress,
    private readonly files: readonly OfferedFile[],
    private readonly sender: SessionSenderOptions,
    private readonly options: SessionSendOptions,
  ) {
    if (isGruu(push.to)) this.#terminal = push.to;
  }

  /** GRUU of the terminal that answered, if it has one. */
  get gruu(): string | undefined {
    return this.#terminal;
  }

  /**
   * Runs until each file has a result.
   * @returns GRUUs of further terminals that accepted the INVITE; each needs an INVITE of its own.
   */
  async run(): Promise<readonly string[]> {
    const { signal } = this.options;
    const { stopped } = this.sender;
    let best = this.#progress();
    for (let offers = 1; ; offers++) {
      const open = this.files.filter((file) => !this.#results.has(file));
      const interruptedFiles = await this.#offer(open, offers > 1);
      if (interruptedFiles.size === 0) break;
      // Compared with the best progress so far: a receiver that loses data must not cause endless offers.
      if (this.#progress() > best) offers = 1;
      best = Math.max(best, this.#progress());
      const wait = Math.max(doubledDelay(RESUME, offers), retryAfterOf(interruptedFiles));
      if (offers === MAX_OFFERS || wait > MAX_DELAY || stopped.aborted) {
        for (const [file, outcome] of interruptedFiles) this.#results.set(file, outcome);
        break;
      }
      this.#reportResumption(interruptedFiles, wait);
      const linked = new LinkedSignal(signal, stopped);
      await delay(wait, linked.signal)
        .catch(() => signal?.throwIfAborted())
        .finally(() => linked.release());
    }
    return [...this.#others];
  }

  receipts(to: string, milliseconds: number): FileReceipt[] {
    return this.files.map((offered) => {
      const { file, size } = offered;
      const abandoned = interrupted(new TransportError('the push was abandoned'));
      const { sessionsUnsupported = false, ...outcome } = this.#results.get(offered) ?? abandoned;
      const receipt: Receipt = {
        to,
        terminal: this.#terminal,
        mode: 'session',
        ...outcome,
        bytes: size,
        fileName: file.name,
        milliseconds,
      };
      return { file, receipt, sessionsUnsupported };
    });
  }

  #progress(): number {
    let sum = 0;
    for (const have of this.#received.values()) sum += have;
    return sum;
  }

  /** @returns the interrupted files, which can be offered again. */
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
        if (first) this.#onForkedAnswer(dialog, response);
        else first = { dialog, response };
      },
    };
    const features = contactFeatures(this.push);
    const outgoing = { uri: to, headers, body: offer.body(), features };
    let response: SipResponse;
    try {
      response = await agent.invite(outgoing, handlers, { signal });
    } catch (error) {
      return this.#settle(files, unreached(error, signal), again);
    }
    if (!first) return this.#settle(files, interpretInviteResponse(response), again);
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
      onProgress: (file, received) => this.#onProgress(file, received),
    });
    const results = await session.run(response);
    const interruptedFiles = new Map<OfferedFile, FileOutcome>();
    for (const [index, result] of results.entries()) {
      const file = offer.lines[index]?.offered;
      if (!file) continue;
      const outcome = result instanceof Error ? interrupted(result) : result;
      // 408 means silence (RFC 4975 §10.4), 481 and 506 an unknown session: in both cases no one decided on the file.
      const permanent = result instanceof UntrustedError || result instanceof ReceiverFailureError;
      if (outcome.outcome === 'failed' && outcome.retryable && !permanent)
        interruptedFiles.set(file, outcome);
      else this.#results.set(file, outcome);
    }
    return interruptedFiles;
  }

  /** All files of an INVITE have the same outcome. If this was a new offer after a failure, it may be transient. */
  #settle(
    files: readonly OfferedFile[],
    outcome: FileOutcome,
    again: boolean,
  ): Map<OfferedFile, FileOutcome> {
    if (again && outcome.retryable) return new Map(files.map((file) => [file, outcome]));
    for (const file of files) this.#results.set(file, outcome);
    return new Map();
  }

  #reportResumption(files: ReadonlyMap<OfferedFile, FileOutcome>, wait: number): void {
    const reasons = new Set([...files.values()].map(({ reason }) => reason));
    const seconds = Math.ceil(wait / 1000);
    const { to } = this.push;
    this.sender.onProblem?.(
      new TransportError(
        `the session with ${to} was interrupted and resumes in ${seconds} s: ${[...reasons].join('; ')}`,
      ),
    );
  }

  /** The offer serves one terminal (RFC 4975 §5.4), so each further terminal of a fork needs an INVITE of its own. */
  #onForkedAnswer(dialog: InviteSession, response: SipResponse): void {
    dialog.bye().catch(() => {});
    const contact = contactUri(response.headers) ?? '';
    if (isGruu(contact)) this.#others.add(contact);
  }

  #onProgress(file: OfferedFile, received: number): void {
    this.#received.set(file, received);
    const { size } = file;
    this.options.onProgress?.({ index: this.files.indexOf(file), received, size });
  }
}

/** The outcome if the receiver was not reached. @throws any other error. */
function unreached(error: unknown, signal: AbortSignal | undefined): FileOutcome {
  if (signal?.aborted) throw error;
  if (error instanceof TimeoutError) return interrupted(error, 408);
  if (error instanceof TransportError) return interrupted(error);
  throw error;
}

/** The longest Retry-After in milliseconds. */
function retryAfterOf(files: ReadonlyMap<unknown, FileOutcome>): number {
  return 1000 * Math.max(...[...files.values()].map(({ retryAfter = 0 }) => retryAfter));
}

/** Addressing of files in session mode. */
export interface SessionAddress extends Addressing {
  /**
   * Requires a success REPORT, which the receiver sends when its application has accepted the push. Otherwise the
   * REPORT is requested, but a file is also delivered when every chunk was answered 200.
   */
  report: boolean;
}

/** Progress of a file in a session. */
export interface FileProgress {
  /** Index of the file in the push. */
  index: number;
  /** Bytes that the receiver has. */
  received: number;
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
  /** Connects to passive receivers. */
  connector: MsrpConnector;
  /** Aborted when the sender stops: no new offers. */
  stopped: AbortSignal;
  assertedIdentity?: string;
  /** Reports why files are offered again. */
  onProblem?(error: Error): void;
}
