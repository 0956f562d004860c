/** A SIP/IP core with one Push Sender Agent for each identity that pushes. */

import { TransportError } from '../../core/errors.js';
import type { PushRequest, Receipt } from '../../core/sender/push-request.js';
import { PushSenderAgent, type SendOptions } from '../../core/sender/sender.js';
import { type Network, startNetwork } from '../network/index.js';
import { MemoryNetwork } from './memory-network.js';

export const DOMAIN = 'domain.test';

const CORE = '127.0.0.1';
const SENDERS = '127.0.0.3';
const PRODUCT = 'sip-push-testing';

export class Senders {
  readonly #agents = new Map<string, Promise<PushSenderAgent>>();

  private constructor(
    readonly network: MemoryNetwork,
    private readonly core: Network,
    private readonly sockets = network.machine(SENDERS),
  ) {}

  static async start(): Promise<Senders> {
    const network = new MemoryNetwork();
    const core = await startNetwork({
      domain: DOMAIN,
      listen: [`sip:${CORE}:5060;transport=tcp`],
      sockets: network.machine(CORE),
      // The senders can assert any identity, because the trust policy of the core is not under test.
      trustedPeers: [SENDERS],
    });
    return new Senders(network, core);
  }

  /** URI of the core for the configuration of a device. */
  get server(): string {
    return this.core.uris[0] ?? '';
  }

  /** @returns the receipt of the only terminal. */
  async send(
    from: string,
    push: PushRequest,
    options: SendOptions & { chunkBytes?: number },
  ): Promise<Receipt> {
    const agent = await this.#agent(from, options.chunkBytes);
    const [receipt] = await agent.send(push, options);
    if (!receipt) throw new TransportError('no receipt for the push');
    return receipt;
  }

  async stop(): Promise<void> {
    for (const agent of await Promise.allSettled(this.#agents.values())) {
      if (agent.status === 'fulfilled') await agent.value.stop();
    }
    await this.core.close();
  }

  #agent(identity: string, chunkBytes?: number): Promise<PushSenderAgent> {
    const key = `${identity} ${chunkBytes}`;
    const known = this.#agents.get(key);
    if (known) return known;
    const agent = this.#open(identity, chunkBytes);
    this.#agents.set(key, agent);
    return agent;
  }

  async #open(identity: string, chunkBytes?: number): Promise<PushSenderAgent> {
    const agent = new PushSenderAgent({
      identity,
      servers: [this.server],
      assertIdentity: true,
      sockets: this.sockets,
      media: chunkBytes === undefined ? undefined : { chunkBytes },
      product: PRODUCT,
    });
    await agent.start();
    return agent;
  }
}
