/** One place to which a request may go. */

import type { SipFlow } from '../../core/sip/transport/flow.js';
import type { Account } from './accounts.js';

export interface Target {
  /** Request-URI there. */
  readonly uri: string;
  /** Route values to put on top: the Path of a registration (RFC 3327). */
  readonly route: readonly string[];
  /** Request-URI as it came, where this is the contact of a user whom it named: told to the device (RFC 7315 4.2). */
  readonly called?: string;
  /** Rejects, or throws, with TransportError. */
  flow(): SipFlow | Promise<SipFlow>;
  /** The user whose device this is. */
  readonly account?: Account;
  /** Tried instead when the flow of this one has failed: other flows of the same device (RFC 5626 7). */
  readonly others: readonly Target[];
}
