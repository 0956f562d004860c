/** The applications of a runtime: loading and unloading run one after another, and listeners learn of each change. */

import { ConfigurationError } from '../../errors.js';
import type { LogSink } from '../../log.js';
import { reasonOf } from '../../text.js';
import { canonicalEventAppId } from '../contract/event-app-id.js';
import type { AppToLoad, Loader } from './loader.js';
import type { AppOnPush } from './on-demand-app.js';
import type { Registry } from './registry.js';

export class LoadedApps {
  readonly #listeners = new Set<() => void>();
  /** Calls of `asOneChange` in progress. */
  #running = 0;
  /** Whether the applications changed meanwhile. */
  #pending = false;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly loader: Loader,
    private readonly registry: Registry,
    private readonly log: LogSink,
  ) {}

  /** Starts the alarms, and loads each on-demand application that has pushes or alarms from an earlier run. */
  async start(): Promise<void> {
    this.loader.start();
    for (const app of await this.loader.awaited()) {
      app.wake().catch((error: unknown) => {
        this.log({
          level: 'error',
          app: app.eventAppId,
          message: `has waiting pushes or alarms, but cannot be loaded: ${reasonOf(error)}`,
        });
      });
    }
  }

  /** Ends the wait for applications that are starting. */
  stop(): void {
    this.loader.stop();
  }

  /** @throws as `PushRuntime.loadAll`. */
  loadAll(apps: readonly (AppToLoad | AppOnPush)[]): Promise<void> {
    return this.#inTurn(async () => {
      for (const app of await this.loader.loadAll(apps, () => this.#changed())) {
        this.loader.addDormant(app, (dormant) => this.#inTurn(() => this.loader.wake(dormant)));
        this.#changed();
      }
    });
  }

  /** @throws as `PushRuntime.unload`. */
  unload(eventAppId: string, iari?: string): Promise<void> {
    return this.#inTurn(async () => {
      const apps = this.registry.ofId(eventAppId, iari);
      if (apps.length === 0) throw this.notLoaded(eventAppId);
      await this.loader.unload(apps, () => this.#changed());
    });
  }

  /**
   * Stops all applications, each before those whose services it needs.
   * @param before runs first.
   * @param after runs when they have stopped. Nothing is loaded between the two.
   */
  unloadAll(before = () => {}, after = async () => {}): Promise<void> {
    return this.#inTurn(async () => {
      before();
      await this.loader.unload(this.registry.registered(), () => this.#changed());
      await after();
    });
  }

  /** Calls `listener` after an application was loaded or unloaded. The returned function removes it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Runs `change`, which loads and unloads applications. Listeners are notified once, when it has ended. */
  async asOneChange(change: () => Promise<void>): Promise<void> {
    this.#running++;
    try {
      await change();
    } finally {
      this.#running--;
      if (this.#pending) this.#changed();
    }
  }

  notLoaded(eventAppId: string): ConfigurationError {
    const loaded = this.registry.eventAppIds.join(', ') || 'none';
    return new ConfigurationError(
      `${canonicalEventAppId(eventAppId)} is not loaded; loaded applications: ${loaded}`,
    );
  }

  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(task);
    this.#turn = result.catch(() => {});
    return result;
  }

  #changed(): void {
    this.#pending = this.#running > 0;
    if (this.#pending) return;
    for (const listener of [...this.#listeners]) {
      try {
        listener();
      } catch (error) {
        this.log({ level: 'error', message: `a listener of onChange failed: ${reasonOf(error)}` });
      }
    }
  }
}
