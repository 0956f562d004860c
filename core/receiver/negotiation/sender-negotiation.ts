/** Capability delivery to one Push Sender Agent (TS 5.1), until it has answered; it may be away for long. */

import { SipPushError } from '../../errors.js';
import { Backoff } from '../../sip/backoff.js';
import { parseDeltaSeconds } from '../../sip/delta-seconds.js';
import type { SipResponse } from '../../sip/message.js';
import { readCapabilities, type SenderCapabilities } from './capabilities.js';

export interface SenderNegotiationOptions {
  /** Sends an OPTIONS with what stands now; gives the final response. */
  send(signal: AbortSignal): Promise<SipResponse>;
  /** Whether the core knows us: it would refuse the OPTIONS. */
  registered(): boolean;
  onNegotiated(capabilities: SenderCapabilities): void;
  onFailed(failure: NegotiationFailure): void;
}

export interface NegotiationFailure {
  /** Absent when no response came. */
  status?: number;
  reason: string;
  /** Absent when the next registration decides when to try again. */
  retryInSeconds?: number;
}

/** Half an hour: a sender that was away for a night learns of us soon enough, and a thousand devices are no flood. */
const LONGEST_WAIT_SECONDS = 1800;

export class SenderNegotiation {
  readonly #backoff = new Backoff(LONGEST_WAIT_SECONDS);
  readonly #stopping = new AbortController();
  #underWay: Promise<void> | undefined;
  /** What was sent is no longer what stands. */
  #outdated = false;
  #retry: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly options: SenderNegotiationOptions) {}

  /** Now, or as soon as what is under way has ended. */
  begin(): void {
    if (this.#stopping.signal.aborted) return;
    clearTimeout(this.#retry);
    this.#outdated = true;
    this.#underWay ??= this.#negotiate().finally(() => {
      this.#underWay = undefined;
      // Asked for when it had ended, and this was not called yet.
      if (this.#outdated) this.begin();
    });
  }

  /** Nobody is told of anything afterwards. */
  async stop(): Promise<void> {
    this.#stopping.abort(new SipPushError('the agent is being stopped'));
    clearTimeout(this.#retry);
    await this.#underWay;
  }

  async #negotiate(): Promise<void> {
    const { signal } = this.#stopping;
    while (this.#outdated && !signal.aborted) {
      this.#outdated = false;
      const result = await this.options.send(signal).catch((error: unknown) => reasonOf(error));
      // A refusal of what no longer stands says nothing of what does.
      if (signal.aborted || this.#outdated) continue;
      if (typeof result === 'string') this.#failed({ reason: result });
      else if (result.status < 300) this.#succeeded(result);
      else {
        const { status, reason, headers } = result;
        this.#failed({ status, reason }, parseDeltaSeconds(headers.get('Retry-After')));
      }
    }
  }

  #succeeded(response: SipResponse): void {
    this.#backoff.reset();
    this.options.onNegotiated(readCapabilities(response));
  }

  #failed(failure: NegotiationFailure, retryAfter?: number): void {
    if (!this.options.registered()) {
      this.options.onFailed(failure);
      return;
    }
    const retryInSeconds = this.#backoff.next(retryAfter);
    this.#retry = setTimeout(() => {
      // Registering anew begins anew.
      if (this.options.registered()) this.begin();
    }, retryInSeconds * 1000);
    this.options.onFailed({ ...failure, retryInSeconds });
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
