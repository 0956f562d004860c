/** The session with one terminal that accepted an INVITE: sends each file in its media line, then BYE. */

import { MalformedError, TimeoutError, TransportError } from '../../errors.js';
import type { MsrpConnector } from '../../msrp/index.js';
import {
  type AcceptedLine,
  type AnsweredLine,
  acceptsType,
  carriedTypes,
  parseAnswer,
} from '../../sdp/index.js';
import type { SipRequest, SipResponse } from '../../sip/message/message.js';
import { buildResponse } from '../../sip/message/writer.js';
import type { InviteSession } from '../../sip/session/invite-session.js';
import type { ServerTransaction } from '../../sip/transactions/server-machine.js';
import { parseReason } from '../../sip/values/reason.js';
import { LinkedSignal } from '../../time/abort-signal.js';
import {
  DECLINED,
  type FileOutcome,
  interpretMessage,
  notAccepted,
  permanentFailure,
  tooLarge,
} from './file-outcome.js';
import { descriptionIn, type Offer } from './offer.js';
import type { OfferedFile, OutgoingLine } from './outgoing-line.js';

export interface TerminalSessionOptions {
  /** Only a success REPORT counts as delivered. */
  report: boolean;
  /** Called with the number of bytes of the file that the receiver has. */
  onProgress(file: OfferedFile, received: number): void;
  signal?: AbortSignal;
  connector: MsrpConnector;
}

/** The receiver ended the session with a Reason of 400 or more. A new offer would fail again. */
export class ReceiverFailureError extends TransportError {
  static {
    ReceiverFailureError.prototype.name = 'ReceiverFailureError';
  }
}

/** The outcome of a file. An error means an interruption, after which the file can be offered again. */
export type LineResult = FileOutcome | TransportError | TimeoutError;

export class TerminalSession {
  readonly #ended = new AbortController();
  /** By line: aborted when the receiver closes the line. */
  readonly #closures: ReadonlyMap<OutgoingLine, AbortController>;
  #open = 0;

  constructor(
    private readonly dialog: InviteSession,
    private readonly offer: Offer,
    private readonly options: TerminalSessionOptions,
  ) {
    this.#closures = new Map(offer.lines.map((line) => [line, new AbortController()]));
    dialog.handlers = {
      onBye: (bye) => this.#ended.abort(errorOfBye(bye)),
      onReinvite: (transaction) => this.#onReinvite(transaction),
      describe: () => ({ body: this.offer.body(), headers: SDP }),
      onAck: (ack) => this.#close(this.offer.closedBy(ack) ?? []),
      onEnd: (error) => this.#ended.abort(error),
    };
  }

  /**
   * Sends the accepted files concurrently, then BYE.
   * @returns a result for each line, in order.
   * @throws the signal's reason.
   */
  async run(answer: SipResponse): Promise<LineResult[]> {
    const linked = new LinkedSignal(this.options.signal, this.#ended.signal);
    const { lines } = this.offer;
    try {
      const answers = this.#read(answer);
      if (!Array.isArray(answers)) return lines.map(() => answers);
      this.#open = answers.filter(({ type }) => type === 'accepted').length;
      return await Promise.all(
        lines.map((line, index) => this.#runLine(line, answers[index] ?? { type: 'refused' }, linked.signal)),
      );
    } finally {
      linked.release();
      // BYE after the last MSRP session (8.2.2-10). Its response does not matter.
      void this.dialog.bye().catch(() => {});
    }
  }

  /** Parses the answer. A malformed answer is the outcome of every file. */
  #read(answer: SipResponse): AnsweredLine[] | FileOutcome {
    try {
      return parseAnswer(descriptionIn(answer), this.offer.description);
    } catch (error) {
      if (error instanceof MalformedError) return permanentFailure(error);
      throw error;
    }
  }

  async #runLine(line: OutgoingLine, answer: AnsweredLine, signal: AbortSignal): Promise<LineResult> {
    if (answer.type !== 'accepted') {
      line.close();
      return DECLINED;
    }
    const result = refusalOf(line, answer) ?? (await this.#send(line, answer, signal));
    line.close();
    this.#open -= 1;
    // Closes this line while others continue (§4.3.2.2 of the draft; TS 8.2.2.3 describes only the last line).
    if (this.#open > 0 && !signal.aborted && !this.#isClosedByReceiver(line))
      void this.dialog.reinvite(() => this.offer.body(), SDP).catch(() => {});
    return result;
  }

  /** The receiver closes lines during a transfer (RFC 5547 §8.4, RFC 3264 §8.2), or refreshes the session. */
  #onReinvite(transaction: ServerTransaction): void {
    const { request } = transaction;
    const closed = this.offer.closedBy(request);
    if (!closed) {
      // The session continues unchanged (RFC 3261 §14.2).
      transaction.respond(buildResponse(request, 488));
      return;
    }
    this.#close(closed);
    this.dialog.accept(transaction, { headers: SDP, body: this.offer.body() });
  }

  #close(lines: readonly OutgoingLine[]): void {
    for (const line of lines) {
      this.#closures.get(line)?.abort();
      line.close();
    }
  }

  #isClosedByReceiver(line: OutgoingLine): boolean {
    return this.#closures.get(line)?.signal.aborted ?? false;
  }

  async #send(line: OutgoingLine, answer: AcceptedLine, signal: AbortSignal): Promise<LineResult> {
    const linked = new LinkedSignal(signal, this.#closures.get(line)?.signal);
    try {
      const { report, connector, onProgress } = this.options;
      const result = await line.send(answer, {
        report,
        connector,
        signal: linked.signal,
        onProgress: (received) => onProgress(line.offered, received),
      });
      return interpretMessage(result);
    } catch (error) {
      if (this.options.signal?.aborted) throw error;
      if (this.#isClosedByReceiver(line)) return DECLINED;
      return error instanceof TransportError || error instanceof TimeoutError
        ? error
        : permanentFailure(error);
    } finally {
      linked.release();
    }
  }
}

/** Why a file of an accepted line must not be sent; undefined if it can be sent. */
function refusalOf(line: OutgoingLine, answer: AcceptedLine): FileOutcome | undefined {
  const { setup, acceptTypes, maxSize = Number.POSITIVE_INFINITY } = answer;
  // The receiver wants no connection for now (RFC 4145 §4).
  if (setup === 'holdconn') return DECLINED;
  // Only these types may be sent (RFC 4975 §8.6). Some peers omit the mandatory list.
  const { type } = line.offered.file.content.type;
  if (acceptTypes.length > 0 && !acceptsType(carriedTypes(answer).types, type)) {
    return notAccepted(acceptTypes);
  }
  // A message must not exceed max-size (RFC 4975 §8.6).
  return line.messageSize(answer) > maxSize ? tooLarge(maxSize) : undefined;
}

const SDP = [['Content-Type', 'application/sdp']] as const;

/** A Reason of 400 or more means that the receiver failed (RFC 3326). */
function errorOfBye({ headers }: SipRequest): TransportError {
  const ended = 'the receiver ended the session';
  const { cause = 0, text } = parseReason(headers.getAll('Reason')) ?? {};
  if (cause < 400) return new TransportError(ended);
  return new ReceiverFailureError(`${ended}: ${text ?? cause}`);
}
