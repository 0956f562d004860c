/** An embedded network, a device with the application under development, and a sender, all in this process. */

import type { AppToLoad, LogRecord } from '../../core/app/runtime.js';
import { ConfigurationError } from '../../core/errors.js';
import { createPushReceiver, type HostEvent, type PushHost } from '../../core/host.js';
import type { PushRequest, Receipt } from '../../core/sender/push-request.js';
import { createPushSender, type PushSenderHost } from '../../core/sender-host.js';
import { reasonOf } from '../../core/text.js';
import { systemClock } from '../../core/time/clock.js';
import { within } from '../../core/time/deadline.js';
import { importApplication, locateApplication } from '../manifest/applications.js';
import { exampleOptions } from '../manifest/check-options.js';
import type { PackageApplication } from '../manifest/package-manifest.js';
import { addWith, requireServices } from '../manifest/required-services.js';
import { startNetwork } from '../network/index.js';
import { ApplicationSource, type SourceApplication } from './application-source.js';

export const DEVICE = 'sip:device@domain.test';
const SENDER = 'sip:sender@domain.test';
const PRODUCT = 'sip-push-dev';
/** In milliseconds; long, because the machine can be busy. */
const REGISTRATION_DEADLINE = 30_000;

export interface DevOptions {
  folder: string;
  /** Options for each application; by default the first of its manifest's examples. */
  options?: unknown;
  /** Applications that provide services, as a host's configuration names them. */
  providers?: readonly string[];
  /** Folder of the device's store; in memory by default. */
  data?: string;
  onEvent(event: HostEvent): void;
  onLog(record: LogRecord): void;
}

/** Closes a resource and those opened before it. */
type Close = () => Promise<void>;

export class DevSession {
  /** The last reload. Reloads run one after another. */
  #lastReload: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly source: ApplicationSource,
    private readonly folder: string,
    readonly device: PushHost,
    private readonly sender: PushSenderHost,
    private readonly close: Close,
    private loaded: readonly SourceApplication[],
    private readonly providers: readonly AppToLoad[],
  ) {}

  /**
   * Resolves when the device is registered and can receive pushes.
   * @throws CompileError, ConfigurationError or AppError if an application cannot be loaded.
   */
  static async start(devOptions: DevOptions): Promise<DevSession> {
    const { folder, options, providers: uses = [], data, onEvent, onLog } = devOptions;
    const source = new ApplicationSource(folder, options);
    const applications = await source.load();
    const providers = await Promise.all(uses.map(providerOf));
    await requireProviders([...providers, ...toLoad(applications)], folder);
    const network = await startNetwork();
    let close: Close = () => network.close();
    try {
      const servers = network.uris.slice(-1);
      let registered = () => {};
      const registration = new Promise<void>((resolve) => {
        registered = resolve;
      });
      const device = await createPushReceiver({
        identity: DEVICE,
        servers,
        trust: [SENDER],
        product: PRODUCT,
        onLog,
        // Content of indirect pushes is served on loopback. Servers of the application can also be there.
        fetch: { allow: ['http://127.0.0.1:*', 'http://localhost:*', 'https://*'] },
        apps: [...providers, ...toLoad(applications)],
        data,
        onEvent: (event) => {
          if (event.event === 'registered') registered();
          onEvent(event);
        },
      });
      close = closeBefore(() => device.stop('the session ended'), close);
      const publish = { host: '127.0.0.1', port: 0 };
      const sender = await createPushSender({ identity: SENDER, servers, publish, product: PRODUCT });
      close = closeBefore(() => sender.stop(), close);
      await within(systemClock, REGISTRATION_DEADLINE, 'the registration', registration);
      return new DevSession(source, folder, device, sender, close, applications, providers);
    } catch (error) {
      await close();
      throw error;
    }
  }

  /** Manifests of the loaded applications. */
  get applications(): readonly PackageApplication[] {
    return this.loaded.map(({ manifest }) => manifest);
  }

  /** Ids of the loaded applications, including those that provide services. */
  get loadedIds(): readonly string[] {
    return [...this.applications, ...this.providers.map(({ definition }) => definition)].map(({ id }) => id);
  }

  /** Whether a change of this file can change an application. */
  isSource(file: string): boolean {
    return this.source.isSource(file);
  }

  /**
   * Loads the current version of the applications; the device stays registered. If that fails, the previous version
   * stays loaded or is loaded again.
   * @throws errors of `start`.
   */
  reload(): Promise<void> {
    const done = this.#lastReload.then(() => this.#reload());
    this.#lastReload = done.catch(() => {});
    return done;
  }

  /** Sends a push to the device, after a reload in progress. */
  async push(push: PushRequest, signal: AbortSignal): Promise<Receipt[]> {
    await this.#lastReload;
    return await this.sender.send(push, { signal });
  }

  /** Stops the session, after a reload in progress. */
  async stop(): Promise<void> {
    await this.#lastReload;
    await this.close();
  }

  async #reload(): Promise<void> {
    const current = await this.source.load();
    await requireProviders([...this.providers, ...toLoad(current)], this.folder);
    // The device registers once, even if the previous version is loaded again.
    await this.device.runtime.asOneChange(() => this.#replaceBy(current));
    this.loaded = current;
  }

  async #replaceBy(current: readonly SourceApplication[]): Promise<void> {
    await this.#load(current).catch(async (error: unknown) => {
      await this.#load(this.loaded).catch((rollbackError: unknown) => {
        throw new ConfigurationError(
          `${reasonOf(error)}\nthe previous version could not be started again: ${reasonOf(rollbackError)}`,
          { cause: error },
        );
      });
      throw error;
    });
  }

  /** Replaces all loaded applications. */
  async #load(applications: readonly SourceApplication[]): Promise<void> {
    const { runtime } = this.device;
    await runtime.unloadAll();
    await runtime.loadAll([...this.providers, ...toLoad(applications)]);
  }
}

/** @throws ConfigurationError if it was not found or does not load. */
async function providerOf(use: string): Promise<AppToLoad> {
  const { specifier, manifest } = await locateApplication(use, '.');
  const definition = await importApplication(use, specifier);
  const options = manifest && exampleOptions(manifest);
  return { definition, manifest, options, permissions: manifest?.permissions };
}

function toLoad(applications: readonly SourceApplication[]): AppToLoad[] {
  return applications.map((application) => application.toLoad);
}

/** @throws ConfigurationError that names a service without a provider. */
async function requireProviders(apps: readonly AppToLoad[], folder: string): Promise<void> {
  const definitions = apps.map(({ definition }) => definition);
  await requireServices(definitions, folder, addWith);
}

/** Closes the last opened resource first; an error in one does not prevent closing the others. */
function closeBefore(last: Close, others: Close): Close {
  return async () => {
    try {
      await last();
    } finally {
      await others();
    }
  };
}
