/** A SIP/IP core, a Push Sender Agent and a device with the bundled applications, over real loopback sockets. */

import type { PushDescription } from '../../../core/app/contract/push-app.js';
import { createPushReceiver, type HostEvent, type PushHost } from '../../../core/host.js';
import type { LogRecord } from '../../../core/log.js';
import type { ContentPush, Receipt } from '../../../core/sender/push-request.js';
import { PushSenderAgent } from '../../../core/sender/sender.js';
import type { WireObserver } from '../../../core/sip/transport/flow.js';
import { systemClock } from '../../../core/time/clock.js';
import { within } from '../../../core/time/deadline.js';
import { findApplication } from '../../manifest/applications.js';
import { BUNDLED_APPLICATIONS, PRODUCT } from '../../manifest/this-package.js';
import { startNetwork } from '../../network/index.js';
import type { Agent } from './events.js';
import { EXAMPLE_OPTIONS, examplePushes } from './examples.js';

const DOMAIN = 'domain.test';
const BOB = `sip:bob@${DOMAIN}`;
const PSA = `sip:psa@${DOMAIN}`;
const LOOPBACK = '127.0.0.1';
const EXPIRES_SECONDS = 3600;
/** A registration on loopback takes milliseconds. */
const REGISTRATION_DEADLINE_MS = 10_000;

export type PushEvent = Extract<HostEvent, { event: 'push' }>;

export interface DemoObserver {
  onNetwork(uris: readonly string[]): void;
  onEvent(event: HostEvent): void;
  onLog(record: LogRecord): void;
  onWire(agent: Agent, ...message: Parameters<WireObserver>): void;
  onPush(push: ContentPush): void;
  /** Called with the application's description of an accepted push. */
  onDescribed(push: PushEvent, description: PushDescription | undefined): void;
  onReceipt(receipt: Receipt): void;
}

export interface Demo {
  /** Pushes the examples of all applications. @returns whether all were delivered. */
  pushAll(signal: AbortSignal): Promise<boolean>;
  stop(): Promise<void>;
}

/** Resolves when the device is registered. @throws TimeoutError if it cannot register. */
export async function startDemo(observer: DemoObserver): Promise<Demo> {
  const closing: (() => Promise<void>)[] = [];
  const stop = async () => {
    // In reverse order, so that the device de-registers before the core closes.
    for (const close of closing.splice(0).reverse()) await close();
  };
  try {
    const network = await startNetwork({
      domain: DOMAIN,
      users: { bob: { password: 'bob' }, psa: { password: 'psa' } },
    });
    closing.push(() => network.close());
    const [udp = '', tcp = ''] = network.uris;
    observer.onNetwork(network.uris);
    const device = await Device.start(tcp, observer);
    closing.push(() => device.stop());
    await within(systemClock, REGISTRATION_DEADLINE_MS, 'the registration of the device', device.registered);
    const sender = new PushSenderAgent({
      identity: PSA,
      servers: [udp],
      credentials: { username: 'psa', password: 'psa' },
      assertIdentity: true,
      publish: { host: LOOPBACK, port: 0 },
      product: PRODUCT,
      onWire: (...message) => observer.onWire('sender', ...message),
    });
    await sender.start();
    closing.push(() => sender.stop());
    let round = 0;
    const pushAll = async (signal: AbortSignal) => {
      const receipts: Receipt[] = [];
      for (const push of examplePushes(BOB, ++round)) {
        signal.throwIfAborted();
        observer.onPush(push);
        for (const receipt of await sender.send(push, { signal })) {
          await device.described();
          observer.onReceipt(receipt);
          receipts.push(receipt);
        }
      }
      return receipts.every(({ outcome }) => outcome === 'delivered');
    };
    return { pushAll, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The device. It asks its applications to describe each push. */
class Device {
  readonly registered: Promise<void>;
  #host: PushHost | undefined;
  #described: Promise<void> = Promise.resolve();
  #resolveRegistered = () => {};

  private constructor(private readonly observer: DemoObserver) {
    this.registered = new Promise((resolve) => {
      this.#resolveRegistered = resolve;
    });
  }

  static async start(server: string, observer: DemoObserver): Promise<Device> {
    const device = new Device(observer);
    device.#host = await createPushReceiver({
      identity: BOB,
      servers: [server],
      credentials: { username: 'bob', password: 'bob' },
      expires: EXPIRES_SECONDS,
      trust: [PSA],
      // The sender publishes on loopback. By default a device does not fetch from there.
      fetch: { allow: [`http://${LOOPBACK}:*`] },
      product: PRODUCT,
      apps: await Promise.all(
        BUNDLED_APPLICATIONS.map(async (use) => ({
          definition: await findApplication(use, process.cwd()),
          options: EXAMPLE_OPTIONS.get(use),
        })),
      ),
      onLog: observer.onLog,
      onWire: (...message) => observer.onWire('device', ...message),
      onEvent: (event) => device.#onEvent(event),
    });
    return device;
  }

  /** Resolves when all received pushes are described. */
  described(): Promise<void> {
    return this.#described;
  }

  async stop(): Promise<void> {
    await this.#host?.stop('the demo ended');
  }

  #onEvent(event: HostEvent): void {
    this.observer.onEvent(event);
    if (event.event === 'registered') this.#resolveRegistered();
    if (event.event !== 'push') return;
    this.#described = this.#described.then(async () => {
      const description = await this.#host?.describe(event.id).catch(() => undefined);
      this.observer.onDescribed(event, description);
    });
  }
}
