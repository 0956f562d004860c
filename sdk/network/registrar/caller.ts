/** The sender of a request: a trusted peer, a user of this network, or unauthenticated (RFC 3261 §22, RFC 3325). */

import {
  type DigestAlgorithm,
  DigestChallenger,
} from '../../../core/sip/authentication/digest-challenger.js';
import type { SipRequest } from '../../../core/sip/message/message.js';
import type { SipFlow } from '../../../core/sip/transport/flow.js';
import { parseNameAddr } from '../../../core/sip/values/name-addr.js';
import { isPeer, type PeerAddress } from '../addresses.js';
import { flowKey } from '../flow-table.js';
import type { Account, Accounts } from './accounts.js';
import type { Binding } from './binding.js';
import type { LocationStore } from './location.js';

export type Caller =
  /** Its own P-Asserted-Identity is trusted. */
  | { readonly kind: 'trusted' }
  | { readonly kind: 'user'; readonly account: Account }
  | { readonly kind: 'unauthenticated' };

/** Challenges: values of WWW-Authenticate (to a REGISTER) or Proxy-Authenticate. */
export interface Challenge {
  readonly kind: 'challenge';
  readonly values: readonly string[];
}

export class Callers {
  readonly #challenger: DigestChallenger;

  constructor(
    realm: string,
    private readonly accounts: Accounts,
    private readonly location: LocationStore,
    private readonly trustedPeers: readonly PeerAddress[],
    algorithms?: readonly DigestAlgorithm[],
  ) {
    this.#challenger = new DigestChallenger({ realm, algorithms });
  }

  isTrusted(flow: SipFlow): boolean {
    return this.trustedPeers.some((peer) => isPeer(flow, peer));
  }

  /** The user whose registration a REGISTER changes. */
  ofRegister(request: SipRequest, claimed: Account | undefined): Caller | Challenge {
    if (this.accounts.open) return claimed ? { kind: 'user', account: claimed } : { kind: 'unauthenticated' };
    return this.#verify(request, 'Authorization');
  }

  /**
   * The sender of any other request. A flow on which a user registered counts as that user's, without another challenge:
   * only its peer writes to a connection, and over UDP the source address is trusted as in RFC 3261 §26.3.2.4.
   */
  ofRequest(request: SipRequest, flow: SipFlow): Caller | Challenge {
    if (this.isTrusted(flow)) return { kind: 'trusted' };
    const claimed = this.#claimed(request);
    const first = claimed[0] ?? this.onlyAccountOn(flow);
    if (!first) return { kind: 'unauthenticated' };
    const registered = [...claimed, first].find((account) => this.#isOnFlow(account, flow));
    if (this.accounts.open || registered) return { kind: 'user', account: registered ?? first };
    return this.#verify(request, 'Proxy-Authorization');
  }

  /** The user who registered on this flow without a proxy; undefined if several users share it. */
  onlyAccountOn(flow: SipFlow): Account | undefined {
    let only: Binding | undefined;
    // Ends at the second user: thousands can share a flow.
    for (const binding of this.location.onFlow(flowKey(flow))) {
      if (binding.path.length > 0) continue;
      if (only && only.username !== binding.username) return undefined;
      only = binding;
    }
    return only && this.accounts.byIdentity(only.addressOfRecord);
  }

  #isOnFlow({ username }: Account, flow: SipFlow): boolean {
    const key = flowKey(flow);
    const own = [...this.location.bindings(username)];
    return own.some((binding) => binding.flowKey === key && binding.path.length === 0);
  }

  /**
   * The identities to assert for a user: the preferred ones that belong to the user, at most one SIP and one telephone
   * number (RFC 3325 §9.1); without a preference the first identity.
   */
  assertedIdentities(account: Account, preferred: readonly string[]): string[] {
    const chosen = new Map<boolean, string>();
    for (const value of preferred.slice(0, 2)) {
      const uri = parseNameAddr(value)?.uri ?? '';
      const telephone = /^tel:/i.test(uri);
      if (this.accounts.isIdentityOf(account, uri) && !chosen.has(telephone)) chosen.set(telephone, uri);
    }
    return chosen.size > 0 ? [...chosen.values()] : [account.identities[0]];
  }

  /** RFC 3325: the user of P-Preferred-Identity, because From can be anonymous; else of From. */
  #claimed({ headers }: SipRequest): Account[] {
    const names = [...headers.getAll('P-Preferred-Identity').slice(0, 2), headers.get('From') ?? ''];
    return names.flatMap((value) => this.accounts.byIdentity(parseNameAddr(value)?.uri ?? '') ?? []);
  }

  #verify(request: SipRequest, header: 'Authorization' | 'Proxy-Authorization'): Caller | Challenge {
    let stale = false;
    // One for each realm on the way (RFC 3261 §22.3); a few are sufficient.
    for (const credentials of request.headers.getAll(header).slice(0, 4)) {
      const verdict = this.#challenger.verify(
        credentials,
        request,
        (username) => this.accounts.byUsername(username)?.password,
      );
      const account = verdict.ok ? this.accounts.byUsername(verdict.username) : undefined;
      if (account) return { kind: 'user', account };
      stale ||= !verdict.ok && verdict.stale;
    }
    return { kind: 'challenge', values: this.#challenger.challenge(stale) };
  }
}
