/** The unanswered chunks of a message, and how many more may be sent. */

import { TimeoutError } from '../../errors.js';
import { Timer } from '../../time/clock.js';
import type { ContinuationFlag, MsrpRequest, MsrpResponse } from '../frames/frame.js';
import type { MsrpLimits } from '../frames/limits.js';
import type { FailureReport } from '../messages/message.js';
import { Pace } from '../messages/outgoing-chunks.js';

/** The interface of a connection to the messages of its sessions. */
export interface RequestLink {
  /** `body` is absent for a request without one. */
  sendRequest(request: MsrpRequest, flag: ContinuationFlag, body?: readonly Uint8Array[]): void;
  expectResponse(transactionId: string, onResponse: (response: MsrpResponse) => void): void;
  forgetResponse(transactionId: string): void;
}

export interface InFlightOptions {
  link: RequestLink;
  limits: MsrpLimits;
  /** Size of the largest chunk, in bytes. */
  chunkSize: number;
  failureReport: FailureReport;
  onAnswer(response: MsrpResponse, bytes: number): void;
  /** The peer did not answer in time. */
  onSilence(error: TimeoutError): void;
}

export class InFlight {
  readonly #options: InFlightOptions;
  readonly #chunks = new Map<string, { bytes: number; at: number }>();
  readonly #pace: Pace;
  readonly #silence = new Timer();
  /** RFC 4975 §7.1.1: with `partial`, only refused chunks are answered; with `no`, none. */
  readonly #answered: boolean;
  #bytes = 0;

  constructor(options: InFlightOptions) {
    this.#options = options;
    this.#pace = new Pace(options.limits.bytesInFlight, options.chunkSize);
    this.#answered = options.failureReport === 'yes';
  }

  /** True while answers are outstanding. */
  get waiting(): boolean {
    return this.#answered && this.#chunks.size > 0;
  }

  /** Largest size of the next chunk, in bytes; 0 if the peer must answer first. */
  get nextChunkSize(): number {
    const { limits, chunkSize } = this.#options;
    if (!this.#answered) return chunkSize;
    if (this.#chunks.size >= limits.chunksInFlight) return 0;
    return this.#pace.nextChunkSize(this.#bytes);
  }

  send(request: MsrpRequest, flag: ContinuationFlag, body: readonly Uint8Array[], bytes: number): void {
    const { link, failureReport } = this.#options;
    if (failureReport !== 'no') this.#expect(request.transactionId, bytes);
    link.sendRequest(request, flag, body);
  }

  /** Ignores outstanding answers. */
  clear(): void {
    this.#silence.clear();
    for (const id of this.#chunks.keys()) this.#options.link.forgetResponse(id);
    this.#chunks.clear();
  }

  #expect(transactionId: string, bytes: number): void {
    const { link, limits } = this.#options;
    this.#chunks.set(transactionId, { bytes, at: performance.now() });
    this.#bytes += bytes;
    if (this.#chunks.size === 1) this.#await();
    link.expectResponse(transactionId, (response) => {
      this.#options.onAnswer(response, this.#remove(transactionId));
    });
    if (this.#answered || this.#chunks.size <= limits.chunksInFlight) return;
    // With `partial`, the oldest counts as accepted if it was not answered by now.
    const [oldest = ''] = this.#chunks.keys();
    link.forgetResponse(oldest);
    this.#remove(oldest);
  }

  /** Removes a chunk. @returns its size in bytes. */
  #remove(transactionId: string): number {
    const { bytes, at } = this.#chunks.get(transactionId) ?? { bytes: 0, at: 0 };
    this.#chunks.delete(transactionId);
    this.#bytes -= bytes;
    this.#pace.answered(bytes, performance.now() - at);
    this.#await();
    return bytes;
  }

  /**
   * RFC 4975 §7.1.1 counts 30 s from the last byte on the wire, but sent bytes can still be buffered: on a slow path, each
   * answer restarts the time of the chunks behind it.
   */
  #await(): void {
    const { limits, onSilence } = this.#options;
    const { transactionTimeout } = limits;
    if (!this.#answered || this.#chunks.size === 0) {
      this.#silence.clear();
      return;
    }
    this.#silence.set(transactionTimeout, () =>
      onSilence(new TimeoutError(`the peer did not answer a SEND within ${transactionTimeout / 1000} s`)),
    );
  }
}
