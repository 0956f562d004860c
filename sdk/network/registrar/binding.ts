import type { SipFlow } from '../../../core/sip/transport/flow.js';
import type { FeatureSet } from '../../../core/sip/values/feature-tags.js';
import type { NameAddr } from '../../../core/sip/values/name-addr.js';

/** A device: the bindings of one user with the same instance id (RFC 5627). */
export interface Device {
  /** Increases with each boot of the device; a temporary GRUU contains it. */
  readonly number: number;
  readonly username: string;
  readonly instanceId: string;
  /** As registered: scheme, user and domain. */
  readonly addressOfRecord: string;
  /** Call-ID of its REGISTERs: another one means another boot (RFC 3261 §10.2), and ends the temporary GRUUs. */
  readonly callId: string;
  /** CSeq of its first REGISTER. */
  readonly firstCSeq: number;
}

export interface Binding {
  readonly username: string;
  readonly addressOfRecord: string;
  /** As registered, with parameters. */
  readonly contact: NameAddr;
  readonly features: FeatureSet;
  /** Callee preference, 0 to 1. */
  readonly q: number;
  readonly callId: string;
  readonly cseq: number;
  readonly device: Device | undefined;
  readonly regId: string | undefined;
  /** Path of the REGISTER: proxies between here and the device (RFC 3327). */
  readonly path: readonly string[];
  /** The flow of the REGISTER. */
  readonly flow: SipFlow;
  readonly flowKey: string;
  /** Increases with each REGISTER: the higher is the more recent. */
  readonly serial: number;
  /** Milliseconds on the clock of `performance.now()`. */
  readonly expiresAt: number;
}

export interface RegistrationRequest {
  username: string;
  addressOfRecord: string;
  callId: string;
  cseq: number;
  path: readonly string[];
  flow: SipFlow;
  flowKey: string;
  /** Each with its seconds; 0 removes it. `*` removes all. */
  contacts: readonly { contact: NameAddr; expires: number }[] | '*';
}
