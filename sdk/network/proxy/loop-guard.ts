/** Detects requests that return to this proxy unchanged (RFC 3261 §16.3 step 4, RFC 5393 §4). */

import type { SipRequest } from '../../../core/sip/message/message.js';
import { Via } from '../../../core/sip/values/via.js';

/**
 * A looping request returns while the transaction that sent it is pending, so only pending branches are stored. A request
 * that returns with another Request-URI or Route is a spiral, which is allowed.
 */
export class LoopGuard {
  readonly #pending = new Map<string, string>();

  /** @param request as received, before routing. */
  add(branch: string, request: SipRequest): void {
    this.#pending.set(branch, destination(request));
  }

  delete(branch: string): void {
    this.#pending.delete(branch);
  }

  isLoop(request: SipRequest): boolean {
    const vias = request.headers.getAll('Via');
    for (const value of vias) {
      const branch = Via.parse(value)?.branch;
      const before = branch === undefined ? undefined : this.#pending.get(branch);
      if (before !== undefined && before === destination(request)) return true;
    }
    return false;
  }
}

function destination({ uri, headers }: SipRequest): string {
  return [uri, ...headers.getAll('Route')].join(' ');
}
