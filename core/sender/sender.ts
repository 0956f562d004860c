/** The Push Sender Agent: pushes content to the terminals of a user through a SIP/IP core. */

import type { TlsOptions } from '../platform/platform.js';
import { SipUserAgent } from '../sip/agent.js';
import type { Credentials } from '../sip/authorization.js';
import type { WireObserver } from '../sip/flow.js';
import type { RegistrationFailure, RegistrationState } from '../sip/registration-state.js';
import { sendPager } from './pager.js';
import type { PushRequest, Receipt } from './push-request.js';

export interface PushSenderOptions {
  /** The sender's own URI, `sip:psa@domain.test`. */
  identity: string;
  /** Servers of the SIP/IP core in order. */
  servers: readonly string[];
  credentials?: Credentials;
  tls?: TlsOptions;
  /** `urn:uuid:…` to register with; absent: an application server that does not register (P-2). */
  instanceId?: string;
  /** Where requests reach an application server, `sip:127.0.0.1:5080;transport=udp`. */
  listen?: string;
  /** Whether to send P-Asserted-Identity (8.1.2-04); right only inside the core's trust domain. */
  assertIdentity: boolean;
  product: string;
  onRegistered?(state: RegistrationState): void;
  onRegistrationFailed?(failure: RegistrationFailure): void;
  onConnected?(server: string): void;
  /** A connection was lost, or an attempt to make one failed; the agent goes on trying. */
  onDisconnected?(server: string, error: Error): void;
  onWire?: WireObserver;
}

/** Seconds a registering sender asks for. */
const REGISTRATION_SECONDS = 3600;

export class PushSenderAgent {
  readonly #options: PushSenderOptions;
  readonly #agent: SipUserAgent;

  constructor(options: PushSenderOptions) {
    this.#options = options;
    const { instanceId } = options;
    this.#agent = new SipUserAgent({
      identity: options.identity,
      servers: options.servers,
      ...(options.credentials ? { credentials: options.credentials } : {}),
      ...(options.tls ? { tls: options.tls } : {}),
      ...(options.listen ? { listen: options.listen } : {}),
      ...(options.onWire ? { onWire: options.onWire } : {}),
      ...(options.onConnected ? { onConnected: options.onConnected } : {}),
      ...(options.onDisconnected ? { onDisconnected: options.onDisconnected } : {}),
      product: options.product,
      methods: [],
      accept: () => [],
      onRequest: () => {},
      ...(instanceId
        ? {
            registration: {
              instanceId,
              expires: REGISTRATION_SECONDS,
              headers: [],
              features: () => [],
              ...(options.onRegistered ? { onRegistered: options.onRegistered } : {}),
              ...(options.onRegistrationFailed ? { onFailed: options.onRegistrationFailed } : {}),
            },
          }
        : {}),
    });
  }

  async start(): Promise<void> {
    await this.#agent.start();
  }

  async stop(): Promise<void> {
    await this.#agent.stop();
  }

  /**
   * One push, one receipt.
   * @throws LimitError when the content does not fit the mode that was asked for, ConfigurationError when `to` is no
   * URI or `app` no event-app-id.
   */
  async send(push: PushRequest, signal?: AbortSignal): Promise<Receipt> {
    const { identity, assertIdentity } = this.#options;
    return await sendPager(this.#agent, push, {
      ...(assertIdentity ? { assertedIdentity: identity } : {}),
      ...(signal ? { signal } : {}),
    });
  }
}
