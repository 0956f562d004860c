/** An embedded network, a device with the application that is being written, and a sender: all in this process. */

import type { LogRecord } from '../../core/app/runtime.js';
import { createPushReceiver, type HostEvent, type PushHost } from '../../core/host.js';
import type { PushRequest, Receipt } from '../../core/sender/push-request.js';
import { createPushSender, type PushSenderHost } from '../../core/sender-host.js';
import { type Network, startNetwork } from '../network/index.js';
import { ApplicationSource, type SourceApplication } from './application-source.js';

export const DEVICE = 'sip:device@domain.test';
const SENDER = 'sip:sender@domain.test';

export interface DevOptions {
  folder: string;
  /** What a host's configuration would say for the application. */
  options?: unknown;
  /** Folder of the device's store; absent: in memory. */
  data?: string;
  onEvent(event: HostEvent): void;
  onLog(record: LogRecord): void;
}

export class DevSession {
  #loaded: readonly SourceApplication[] = [];
  /** One reload after another. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly options: DevOptions,
    private readonly source: ApplicationSource,
    private readonly network: Network,
    readonly device: PushHost,
    private readonly sender: PushSenderHost,
  ) {}

  /** @throws CompileError, ConfigurationError or AppError, where the application cannot be loaded. */
  static async start(options: DevOptions): Promise<DevSession> {
    const source = new ApplicationSource(options.folder);
    const applications = await source.load();
    const network = await startNetwork();
    const servers = network.uris.slice(-1);
    try {
      const device = await createPushReceiver({
        ...{ identity: DEVICE, servers, trust: [SENDER], product: 'sip-push-dev' },
        // What the sender refers to is on loopback; what the application fetches may be, too.
        fetch: { allow: ['http://127.0.0.1:*', 'http://localhost:*', 'https://*'] },
        apps: applications.map(({ definition, manifest }) => ({
          ...{ definition, options: options.options },
          ...(manifest.permissions ? { permissions: manifest.permissions } : {}),
        })),
        ...(options.data === undefined ? {} : { data: options.data }),
        onEvent: options.onEvent,
        onLog: options.onLog,
      });
      const sender = await createPushSender({
        identity: SENDER,
        servers,
        publish: { host: '127.0.0.1', port: 0 },
        product: 'sip-push-dev',
      });
      const session = new DevSession(options, source, network, device, sender);
      session.#loaded = applications;
      return session;
    } catch (error) {
      await network.close();
      throw error;
    }
  }

  get applications(): readonly SourceApplication[] {
    return this.#loaded;
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

  /** One push to the device. */
  push(push: PushRequest, signal: AbortSignal): Promise<Receipt[]> {
    return this.sender.send(push, { signal });
  }

  async stop(): Promise<void> {
    await this.#turn;
    await this.sender.stop();
    await this.device.stop('the session ended');
    await this.network.close();
    await this.source.close();
  }

  async #reload(): Promise<void> {
    const fresh = await this.source.load();
    const before = this.#loaded;
    await this.#unload(before);
    try {
      await this.#load(fresh);
    } catch (error) {
      await this.#unload(fresh);
      await this.#load(before);
      throw error;
    }
    this.#loaded = fresh;
  }

  async #load(applications: readonly SourceApplication[]): Promise<void> {
    for (const { definition } of applications)
      await this.device.runtime.load(definition, this.options.options);
  }

  async #unload(applications: readonly SourceApplication[]): Promise<void> {
    const { runtime } = this.device;
    for (const { manifest } of applications) {
      if (runtime.eventAppIds.includes(manifest.id)) await runtime.unload(manifest.id, manifest.iari);
    }
  }
}
