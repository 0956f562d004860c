/** The participants of the flows in appendix B: a Push Receiver Agent, the embedded core and a Push Sender Agent, with a ladder. */

import type { PushHostOptions } from '../../../core/host.js';
import type { PushSenderAgent, PushSenderOptions } from '../../../core/sender/sender.js';
import { definePushApp } from '../../../sdk/index.js';
import { startNetwork } from '../../../sdk/network/index.js';
import { Ladder } from '../captures/ladder.js';
import { freePort } from '../programs/ports.js';
import { Device, PSA, startSender } from './agents.js';

/** Instance id in the flows. */
export const INSTANCE = 'urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6';
export const GRUU = `sip:bob@domain.test;gr=${INSTANCE}`;
/** Appendix D. */
export const SERVICE = 'urn:urn-7:3gpp-service.ims.icsi.omapush';
export const SERVICE_FEATURE = '+g.3gpp.icsi-ref="urn%3Aurn-7%3A3gpp-service.ims.icsi.omapush"';

export interface SceneOptions {
  /** The core registers its users with the sender (E.1.2-01). */
  ims?: boolean;
  /** Applications of the receiver. */
  apps: readonly string[];
  /** Media types that the applications accept. */
  accepts?: readonly string[];
  sender?: Partial<PushSenderOptions>;
}

/** The sender is an application server at a configured address, trusted by the core, as in the flows. */
export class FlowScene {
  readonly #closing: (() => Promise<unknown>)[];

  private constructor(
    readonly ladder: Ladder,
    readonly sender: PushSenderAgent,
    /** Endpoints of the core: UDP for the sender, TCP for the receiver. */
    private readonly servers: readonly string[],
    private readonly options: SceneOptions,
    closing: (() => Promise<unknown>)[],
  ) {
    this.#closing = closing;
  }

  static async open(options: SceneOptions): Promise<FlowScene> {
    const ladder = new Ladder();
    const listen = `sip:127.0.0.1:${await freePort()};transport=udp`;
    const network = await startNetwork({
      // Separate ports, so that a large INVITE of the sender also uses UDP: the core trusts it by address, port and transport.
      listen: ['sip:127.0.0.1:0;transport=udp', `sip:127.0.0.1:${await freePort()};transport=tcp`],
      applicationServers: { [PSA]: listen },
      thirdPartyRegistration: options.ims ? [PSA] : undefined,
      onEvent: ladder.onEvent,
    });
    const closing: (() => Promise<unknown>)[] = [() => network.close()];
    const [server = ''] = network.uris;
    const sender = await startSender({
      servers: [server],
      listen,
      onWire: ladder.end('PSA'),
      ...options.sender,
    });
    closing.unshift(() => sender.stop());
    return new FlowScene(ladder, sender, network.uris, options, closing);
  }

  /** Resolves when the receiver is registered. */
  async register(options: Partial<PushHostOptions> = {}): Promise<Device> {
    const { apps, accepts = ['text/plain'] } = this.options;
    const device = await Device.start(
      apps.map((id) =>
        definePushApp({
          id,
          accepts,
          order: 'parallel',
          delivery: 'direct',
          start: () => ({ receive() {} }),
        }),
      ),
      {
        servers: this.servers.slice(1),
        instanceId: INSTANCE,
        expires: 7200,
        onWire: this.ladder.end('PRA'),
        ...options,
      },
    );
    this.#closing.unshift(() => device.stop());
    return device;
  }

  async close(): Promise<void> {
    for (const close of this.#closing.splice(0)) await close();
  }
}
