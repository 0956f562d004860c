/** When to say how much of something has come: about once a second, where it takes longer than that. */

import type { Outcome, Transfer, TransferOutcome } from '../../app/runtime.js';
import { LimitError, PushRefused } from '../../errors.js';
import { type MessageReporter, type MessageSink, MsrpRefused } from '../../msrp/index.js';
import { msrpStatus } from '../outcome.js';

/** Milliseconds. */
const INTERVAL = 1_000;

export class ArrivalNotice {
  #last = performance.now();

  /** Asked whenever more is here: whether to say so. */
  due(): boolean {
    const now = performance.now();
    if (now - this.#last < INTERVAL) return false;
    this.#last = now;
    return true;
  }
}

/** The content of one MSRP message on its way to its application. */

/** A transfer, or what stands for one. */
export type Destination = Transfer | Discarded;
export type Discarded = Pick<Transfer, 'write' | 'complete' | 'abort'>;

export interface SinkHandlers {
  /** Something came, or was decided: the session is alive. */
  onActivity(): void;
  /** More of it is there. */
  onArrived(destination: Destination): void;
  /** All of it has come; its application decides. */
  onComplete(): void;
  /** `status` is what the sender was told. Called once, and not after an `abort` by the peer. */
  onEnd(outcome: TransferOutcome, status: number): void;
  /** It did not come to its end, and its application has done with it; absent: no application had it. */
  onBroken(broken?: { destination: Destination; outcome: TransferOutcome }): void;
}

export class ContentSink implements MessageSink {
  #ended = false;
  #whole = false;

  /**
   * @param destination may be on its way: bytes wait for it, and the sender with them.
   * @param start bytes of the file ahead of the message, which begins in its middle after a break.
   */
  constructor(
    private readonly destination: Promise<Destination>,
    private readonly start: number,
    private readonly handlers: SinkHandlers,
  ) {
    // Told by `write`, `end` or `abort`, whichever comes first.
    destination.catch(() => {});
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    this.handlers.onActivity();
    let destination: Destination;
    try {
      destination = await this.destination;
      await destination.write(this.start + offset, bytes);
    } catch (error) {
      const refused = refusedBy(error);
      this.#end(refused.outcome, refused.status);
      throw new MsrpRefused(refused.status, refused.outcome.reason);
    }
    this.handlers.onActivity();
    if (!this.#ended) this.handlers.onArrived(destination);
  }

  end(size: number, reporter: MessageReporter): void {
    this.#whole = true;
    this.handlers.onComplete();
    void this.#complete(size, reporter);
  }

  /** What is here as a whole is decided on, whether its sender waits for that or not. */
  abort(why: Error): void {
    if (this.#whole) return;
    const told = this.#ended;
    this.#ended = true;
    void this.#break(why, told);
  }

  async #break(why: Error, told: boolean): Promise<void> {
    const destination = await this.destination.catch(() => undefined);
    const outcome = await destination?.abort(why);
    if (!told) this.handlers.onBroken(destination && outcome && { destination, outcome });
  }

  async #complete(size: number, reporter: MessageReporter): Promise<void> {
    const outcome = await this.destination
      .then((destination) => destination.complete(this.start + size))
      .catch((error: unknown) => refusedBy(error).outcome);
    const status = outcome.accepted ? 200 : msrpStatus(outcome.kind);
    if (outcome.accepted) reporter.success();
    else reporter.failure(status, outcome.reason);
    this.#end(outcome, status);
  }

  #end(outcome: TransferOutcome, status: number): void {
    if (this.#ended) return;
    this.#ended = true;
    this.handlers.onEnd(outcome, status);
  }
}

function refusedBy(error: unknown) {
  const reason = error instanceof Error ? error.message : String(error);
  const kind = error instanceof PushRefused ? error.kind : error instanceof LimitError ? 'size' : 'resources';
  return { outcome: { accepted: false as const, kind, reason }, status: msrpStatus(kind) };
}

/** For content that needs not come, whose sender sends it all the same. */
export function discarding(outcome: Outcome): Discarded {
  return { write: async () => {}, complete: async () => outcome, abort: async () => outcome };
}
