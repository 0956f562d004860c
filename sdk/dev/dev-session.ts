/** An embedded network, a device with the application that is being written, and a sender: all in this process. */

import type { LogRecord } from '../../core/app/runtime.js';
import { ConfigurationError } from '../../core/errors.js';
import { createPushReceiver, type HostEvent, type PushHost } from '../../core/host.js';
import type { PushRequest, Receipt } from '../../core/sender/push-request.js';
import { createPushSender, type PushSenderHost } from '../../core/sender-host.js';
import { reasonOf } from '../../core/text.js';
import { systemClock } from '../../core/time/clock.js';
import { within } from '../../core/time/deadline.js';
import type { PackageApplication } from '../manifest/package-manifest.js';
import { startNetwork } from '../network/index.js';
import { ApplicationSource, type SourceApplication } from './application-source.js';

export const DEVICE = 'sip:device@domain.test';
const SENDER = 'sip:sender@domain.test';
const PRODUCT = 'sip-push-dev';
/** Milliseconds: the network is in this process, on a machine that may be busy. */
const REGISTERED_WITHIN = 30_000;

export interface DevOptions {
  folder: string;
  /** What a host's configuration would say for each application; the first of its manifest's examples when absent. */
  options?: unknown;
  /** Folder of the device's store; absent: in memory. */
  data?: string;
  onEvent(event: HostEvent): void;
  onLog(record: LogRecord): void;
}

/** Ends what was begun before it, too. */
type End = () => Promise<void>;

export class DevSession {
  /** One reload after another. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly source: ApplicationSource,
    readonly device: PushHost,
    private readonly sender: PushSenderHost,
    private readonly end: End,
    private loaded: readonly SourceApplication[],
  ) {}

  /**
   * Resolves when the device is registered: whatever is pushed then gets there.
   * @throws CompileError, ConfigurationError or AppError, where the application cannot be loaded.
   */
  static async start({ folder, options, data, onEvent, onLog }: DevOptions): Promise<DevSession> {
    const source = new ApplicationSource(folder, options);
    const applications = await source.load();
    const network = await startNetwork();
    let end: End = () => network.close();
    try {
      const servers = network.uris.slice(-1);
      let registered = () => {};
      const registration = new Promise<void>((resolve) => {
        registered = resolve;
      });
      const device = await createPushReceiver({
        ...{ identity: DEVICE, servers, trust: [SENDER], product: PRODUCT, onLog },
        // What the sender refers to is on loopback; what the application fetches may be, too.
        fetch: { allow: ['http://127.0.0.1:*', 'http://localhost:*', 'https://*'] },
        apps: applications.map(({ toLoad }) => toLoad),
        data,
        onEvent: (event) => {
          if (event.event === 'registered') registered();
          onEvent(event);
        },
      });
      end = endedBefore(() => device.stop('the session ended'), end);
      const publish = { host: '127.0.0.1', port: 0 };
      const sender = await createPushSender({ identity: SENDER, servers, publish, product: PRODUCT });
      end = endedBefore(() => sender.stop(), end);
      await within(systemClock, REGISTERED_WITHIN, 'the registration', registration);
      return new DevSession(source, device, sender, end, applications);
    } catch (error) {
      await end();
      throw error;
    }
  }

  /** What their package says of those that are loaded. */
  get applications(): readonly PackageApplication[] {
    return this.loaded.map(({ manifest }) => manifest);
  }

  /**
   * Takes the application as it is now; the device stays registered. What was loaded before stays, or is loaded again,
   * where the new one cannot be.
   * @throws as `start`.
   */
  reload(): Promise<void> {
    const done = this.#turn.then(() => this.#reload());
    this.#turn = done.catch(() => {});
    return done;
  }

  /** One push to the device: to what is loaded when a reload that has begun has ended. */
  async push(push: PushRequest, signal: AbortSignal): Promise<Receipt[]> {
    await this.#turn;
    return await this.sender.send(push, { signal });
  }

  /** After a reload that has begun. */
  async stop(): Promise<void> {
    await this.#turn;
    await this.end();
  }

  async #reload(): Promise<void> {
    const fresh = await this.source.load();
    await this.#load(fresh).catch(async (error: unknown) => {
      await this.#load(this.loaded).catch((again: unknown) => {
        throw new ConfigurationError(
          `${reasonOf(error)}\nand the version before does not start again: ${reasonOf(again)}`,
          { cause: error },
        );
      });
      throw error;
    });
    this.loaded = fresh;
  }

  /** In place of all that is loaded. */
  async #load(applications: readonly SourceApplication[]): Promise<void> {
    const { runtime } = this.device;
    await runtime.unloadAll();
    await runtime.loadAll(applications.map(({ toLoad }) => toLoad));
  }
}

/** The last begun is the first that ends; what does not end well keeps no other from it. */
function endedBefore(last: End, others: End): End {
  return async () => {
    try {
      await last();
    } finally {
      await others();
    }
  };
}
