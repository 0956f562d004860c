/** Capability delivery and resource negotiation with every configured Push Sender Agent (TS 5.1). */

import type { PushRuntime } from '../../app/runtime.js';
import type { SipUserAgent } from '../../sip/agent.js';
import type { SipResponse } from '../../sip/message.js';
import { SipUri } from '../../sip/uri.js';
import type { ReceiverEvent } from '../events.js';
import { acceptedInMessages } from '../pager.js';
import type { SenderCapabilities } from './capabilities.js';
import { optionsRequest } from './options-request.js';
import { DeviceProfile, type ProfileOptions } from './profile.js';
import { type NegotiationFailure, SenderNegotiation } from './sender-negotiation.js';

/** The agent that negotiates. */
export interface NegotiatingAgent {
  identity: string;
  agent: SipUserAgent;
  runtime: PushRuntime;
  onEvent(event: ReceiverEvent): void;
}

interface NegotiationsOptions extends NegotiatingAgent {
  /** URIs of Push Sender Agents. */
  senders: readonly string[];
  profile?: ProfileOptions;
}

export type Negotiate = (agent: NegotiatingAgent) => Negotiations;

/**
 * Negotiates with Push Sender Agents after each registration (TS 5.1).
 * @param senders their URIs; they learn what this device supports.
 * @param profile the User Agent Profile that they are referred to; absent: none.
 */
export function negotiateWith(senders: readonly string[], profile?: ProfileOptions): Negotiate {
  return (agent) => new Negotiations({ ...agent, senders, ...(profile ? { profile } : {}) });
}

export class Negotiations {
  readonly #options: NegotiationsOptions;
  readonly #negotiations: readonly SenderNegotiation[];
  readonly #capabilities = new Map<string, SenderCapabilities>();
  readonly #profile: DeviceProfile | undefined;

  constructor(options: NegotiationsOptions) {
    this.#options = options;
    const { senders, profile, agent, identity, runtime } = options;
    this.#negotiations = [...new Set(senders)].map((sender) => this.#negotiation(sender));
    this.#profile =
      profile &&
      new DeviceProfile(profile, {
        runtime,
        domain: SipUri.parse(identity)?.host ?? 'localhost',
        localHost: (signal) => agent.localHost(signal),
      });
  }

  /** What senders said last, by their URIs. */
  get capabilities(): ReadonlyMap<string, SenderCapabilities> {
    return new Map(this.#capabilities);
  }

  /** A registration has been completed, with the applications that there are now. */
  begin(): void {
    for (const negotiation of this.#negotiations) negotiation.begin();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#negotiations.map((negotiation) => negotiation.stop()));
    await this.#profile?.close();
  }

  #negotiation(sender: string): SenderNegotiation {
    const { agent } = this.#options;
    return new SenderNegotiation({
      send: (signal) => this.#send(sender, signal),
      registered: () => agent.registration?.state !== undefined,
      onNegotiated: (capabilities) => this.#negotiated(sender, capabilities),
      onFailed: (failure: NegotiationFailure) =>
        this.#options.onEvent({ event: 'negotiation-failed', sender, ...failure }),
    });
  }

  async #send(sender: string, signal: AbortSignal): Promise<SipResponse> {
    const { agent, identity, runtime } = this.#options;
    const { expires = 0 } = agent.registration?.state ?? {};
    const profile = await this.#profile?.reference(expires, signal);
    const request = optionsRequest({
      ...{ sender, identity },
      contact: agent.contact,
      publicGruu: agent.registration?.state?.publicGruu !== undefined,
      eventAppIds: runtime.eventAppIds,
      iaris: runtime.iaris,
      allow: agent.methods.join(', '),
      accept: ['application/sdp', ...acceptedInMessages(runtime)],
      ...(profile ? { profile } : {}),
    });
    return await agent.request(request, { signal });
  }

  #negotiated(sender: string, capabilities: SenderCapabilities): void {
    this.#capabilities.set(sender, capabilities);
    const { runtime, onEvent } = this.#options;
    onEvent({ event: 'negotiated', sender, ...capabilities });
    runtime.negotiated(sender, capabilities.apps);
  }
}
