/** Capability delivery and resource negotiation with Push Sender Agents (TS 5.1). */

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
  /** Sends an OPTIONS with the current capabilities. @returns the final response. */
  send(signal: AbortSignal): Promise<SipResponse>;
  /** Whether the device is registered; the core refuses its OPTIONS otherwise. */
  registered(): boolean;
  onNegotiated(capabilities: SenderCapabilities): void;
  onFailed(failure: NegotiationFailure): void;
}

export interface NegotiationFailure {
  /** SIP status; absent without a response. */
  status?: number;
  reason: string;
  /** Seconds until the next attempt; absent if that is the next registration. */
  retryInSeconds?: number;
}

/** Half an hour: a sender that was unavailable for a night is not flooded by a thousand devices when it returns. */
const LONGEST_WAIT_SECONDS = 1800;

/** The negotiation with one sender: retries until the sender answers, which may be unavailable for a long time. */
export class SenderNegotiation {
  readonly #backoff = new Backoff(LONGEST_WAIT_SECONDS);
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;
  /** The capabilities have changed since the last OPTIONS. */
  #outdated = false;
  #retry: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly options: SenderNegotiationOptions) {}

  /** Sends the capabilities, after the OPTIONS in progress if there is one. */
  begin(): void {
    if (this.#stopping.signal.aborted) return;
    clearTimeout(this.#retry);
    this.#outdated = true;
    this.#running ??= this.#negotiate().finally(() => {
      this.#running = undefined;
      // `begin` was called between the end of the loop and this callback.
      if (this.#outdated) this.begin();
    });
  }

  /** No handler is called afterwards. */
  async stop(): Promise<void> {
    this.#stopping.abort(new SipPushError('the agent is stopping'));
    clearTimeout(this.#retry);
    await this.#running;
  }

  async #negotiate(): Promise<void> {
    const { signal } = this.#stopping;
    while (this.#outdated && !signal.aborted) {
      this.#outdated = false;
      const result = await this.options.send(signal).catch((error: unknown) => reasonOf(error));
      // The answer is to outdated capabilities: send the current ones.
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
      // Without a registration, the next one starts the negotiation.
      if (this.options.registered()) this.begin();
    }, retryInSeconds * 1000);
    this.options.onFailed({ ...failure, retryInSeconds });
  }
}

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
 * Capability negotiation with Push Sender Agents (TS 5.1), for a device whose features a program composes.
 * @param senders URIs of Push Sender Agents.
 * @param profile the User Agent Profile of the device; the OPTIONS refer to it. None by default.
 */
export function negotiateWith(senders: readonly string[], profile?: ProfileOptions): Negotiate {
  return (agent) => new Negotiations({ ...agent, senders, profile });
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

  /** The latest answers of the senders, by their URIs. */
  get capabilities(): ReadonlyMap<string, SenderCapabilities> {
    return new Map(this.#capabilities);
  }

  /** Starts the negotiation with every sender, after a registration. */
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
    const { agent, runtime } = this.#options;
    const { identity } = agent;
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
