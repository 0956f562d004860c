/** The session with one terminal that has accepted: its files, each in a media line of its own, then BYE. */

import { MalformedError, TimeoutError, TransportError } from '../../errors.js';
import type { MsrpConnector } from '../../msrp/index.js';
import { type AcceptedLine, type AnsweredLine, acceptsType, parseAnswer } from '../../sdp/index.js';
import type { SipRequest } from '../../sip/message/message.js';
import type { InviteSession } from '../../sip/session/invite-session.js';
import type { ServerTransaction } from '../../sip/transactions/server-machine.js';
import { parseReason } from '../../sip/values/reason.js';
import { buildResponse } from '../../sip/wire/writer.js';
import {
  DECLINED,
  type FileOutcome,
  HAD,
  interpretMessage,
  notAccepted,
  tooLarge,
  withoutEffect,
} from './file-outcome.js';
import type { Offer } from './offer.js';
import { type OfferedFile, type OutgoingLine, partOf } from './outgoing-line.js';

export interface TerminalSessionOptions {
  /** Only a success REPORT counts as delivered. */
  report: boolean;
  /** `have`: bytes that the receiver has of the file. */
  onProgress(file: OfferedFile, have: number): void;
  signal?: AbortSignal;
  connector: MsrpConnector;
}

/** The receiver hung up and said that it has failed: it would do so again. */
export class HungUpError extends TransportError {}

/** What came of a file; an error where its connection broke or nobody answered: it may be offered again. */
export type LineEnd = FileOutcome | TransportError | TimeoutError;

export class TerminalSession {
  readonly #over = new AbortController();
  /** Of each line: the receiver does not want its file any more. */
  readonly #unwanted: ReadonlyMap<OutgoingLine, AbortController>;
  #open = 0;

  constructor(
    private readonly dialog: InviteSession,
    private readonly offer: Offer,
    private readonly options: TerminalSessionOptions,
  ) {
    this.#unwanted = new Map(offer.lines.map((line) => [line, new AbortController()]));
    dialog.handlers = {
      onBye: (bye) => this.#over.abort(hungUp(bye)),
      onReinvite: (transaction) => this.#onReinvite(transaction),
      onEnd: (error) => this.#over.abort(error),
    };
  }

  /**
   * Sends what was accepted, all at a time, and hangs up.
   * @returns an end for each line, in order.
   * @throws the signal's reason.
   */
  async run(answer: Uint8Array): Promise<LineEnd[]> {
    const { signal } = this.options;
    const signals = signal ? AbortSignal.any([signal, this.#over.signal]) : this.#over.signal;
    const { lines } = this.offer;
    try {
      const answers = this.#read(answer);
      if (!Array.isArray(answers)) return lines.map(() => answers);
      this.#open = answers.filter(({ type }) => type === 'accepted').length;
      return await Promise.all(
        lines.map((line, index) => this.#line(line, answers[index] ?? { type: 'refused' }, signals)),
      );
    } finally {
      // 8.2.2-10: once the last MSRP session is released. Nobody waits for its answer.
      void this.dialog.bye().catch(() => {});
    }
  }

  /** What cannot be read is so for each of the files. */
  #read(answer: Uint8Array): AnsweredLine[] | FileOutcome {
    try {
      return parseAnswer(answer, this.offer.description);
    } catch (error) {
      if (error instanceof MalformedError) return withoutEffect(error);
      throw error;
    }
  }

  async #line(line: OutgoingLine, answer: AnsweredLine, signal: AbortSignal): Promise<LineEnd> {
    if (answer.type !== 'accepted') {
      line.close();
      return answer.type === 'received' ? HAD : DECLINED;
    }
    const end = unwilling(line, answer) ?? (await this.#send(line, answer, signal));
    line.close();
    this.#open -= 1;
    // Others go on: the line of this one is closed (4.3.2.2 of the draft; TS 8.2.2.3 knows the last one only).
    if (this.#open > 0 && !signal.aborted && !this.#isUnwanted(line))
      void this.dialog.reinvite(() => this.offer.body(), SDP).catch(() => {});
    return end;
  }

  /** RFC 5547 8.4, RFC 3264 8.2: the receiver closes lines in mid-file; or it says again what it has said. */
  #onReinvite(transaction: ServerTransaction): void {
    const { request } = transaction;
    const closed = this.offer.closedBy(request.body);
    if (!closed) {
      // RFC 3261 14.2: the session goes on as it was.
      transaction.respond(buildResponse(request, 488));
      return;
    }
    for (const line of closed) {
      this.#unwanted.get(line)?.abort();
      line.close();
    }
    this.dialog.accept(transaction, { headers: SDP, body: this.offer.body() });
  }

  #isUnwanted(line: OutgoingLine): boolean {
    return this.#unwanted.get(line)?.signal.aborted ?? false;
  }

  async #send(line: OutgoingLine, answer: AcceptedLine, signal: AbortSignal): Promise<LineEnd> {
    try {
      const { report, connector, onProgress } = this.options;
      const unwanted = this.#unwanted.get(line)?.signal;
      const result = await line.send(answer, {
        report,
        connector,
        signal: unwanted ? AbortSignal.any([signal, unwanted]) : signal,
        onProgress: (have) => onProgress(line.offered, have),
      });
      return interpretMessage(result);
    } catch (error) {
      if (this.options.signal?.aborted) throw error;
      if (this.#isUnwanted(line)) return DECLINED;
      return error instanceof TransportError || error instanceof TimeoutError ? error : withoutEffect(error);
    }
  }
}

/** What the receiver does not take, though it accepted it: nothing of that is sent. */
function unwilling({ offered }: OutgoingLine, answer: AcceptedLine): FileOutcome | undefined {
  const { setup, acceptTypes, maxSize = Number.POSITIVE_INFINITY } = answer;
  // RFC 4145 4: no connection for now.
  if (setup === 'holdconn') return DECLINED;
  // RFC 4975 8.6: all that may be sent. A peer that says nothing has forgotten to.
  const { type } = offered.file.content.type;
  if (acceptTypes.length > 0 && !acceptsType(acceptTypes, type)) return notAccepted(acceptTypes);
  // RFC 4975 8.6: more than its max-size is not to be sent.
  return partOf(offered.size, answer).length > maxSize ? tooLarge(maxSize) : undefined;
}

const SDP = [['Content-Type', 'application/sdp']] as const;

/** RFC 3326: from 400 on, a status says what went wrong. */
function hungUp({ headers }: SipRequest): TransportError {
  const ended = 'the receiver ended the session';
  const { cause = 0, text } = parseReason(headers.getAll('Reason')) ?? {};
  if (cause < 400) return new TransportError(ended);
  return new HungUpError(`${ended}: ${text ?? cause}`);
}
