/** Capability delivery to one Push Sender Agent (TS 5.1), until it has answered; it may be away for long. */

import type { PushRuntime } from '../app/runtime.js';
import { SipPushError } from '../errors.js';
import type { SipResponse } from '../sip/message/message.js';
import type { SipUserAgent } from '../sip/user-agent.js';
import { parseDeltaSeconds } from '../sip/values/parameters.js';
import { SipUri } from '../sip/values/uri.js';
import { reasonOf } from '../text.js';
import { Backoff } from '../time/backoff.js';
import { optionsRequest, readCapabilities, type SenderCapabilities } from './capabilities.js';
import { DeviceProfile, type ProfileOptions } from './device-profile.js';
import type { ReceiverEvent } from './events.js';
import { acceptedInMessages } from './pager.js';

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

/** Capability delivery and resource negotiation with every configured Push Sender Agent (TS 5.1). */

/** The agent that negotiates. */
export interface NegotiatingAgent {
  identity: string;
  agent: SipUserAgent;
  runtime: PushRuntime;
  onEvent?(event: ReceiverEvent): void;
}

interface NegotiationsOptions extends NegotiatingAgent {
  /** URIs of Push Sender Agents. */
  senders: readonly string[];
  profile?: ProfileOptions;
}

export type Negotiate = (agent: NegotiatingAgent) => Negotiations;

/**
 * @param senders URIs of Push Sender Agents that learn what this device supports.
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
        this.#options.onEvent?.({ event: 'negotiation-failed', sender, ...failure }),
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
      profile,
    });
    return await agent.request(request, { signal });
  }

  #negotiated(sender: string, capabilities: SenderCapabilities): void {
    this.#capabilities.set(sender, capabilities);
    const { runtime, onEvent } = this.#options;
    onEvent?.({ event: 'negotiated', sender, ...capabilities });
    runtime.negotiated(sender, capabilities.apps);
  }
}
