/** An application that runs in a worker, and in another one when that worker ends. */

import { AppError, SipPushError } from '../../errors.js';
import { reasonOf } from '../../text.js';
import { doubledDelay } from '../../time/backoff.js';
import { systemClock } from '../../time/clock.js';
import { within } from '../../time/deadline.js';
import type { NegotiatedSender, PushDescription } from '../contract/push.js';
import type { PushAppInstance, StartContext } from '../contract/push-app.js';
import { AppUnavailableError, type MaybeUnavailable, UNAVAILABLE } from '../contract/unavailable.js';
import { START_WITHIN } from '../limits.js';
import { AppWorker, type AppWorkerOptions, type Started } from './app-worker.js';
import { RESTART_BASE, RESTART_MAX, STEADY_AFTER, STOP_HOOK_WITHIN } from './limits.js';
import type { Fields } from './messages.js';
import type { Hook } from './serve.js';
import { serviceOf } from './service-methods.js';

export interface IsolatedAppParts {
  options: AppWorkerOptions;
  /** The definition that the first worker returned. */
  definition: Fields;
  /** A worker that has loaded the module; absent: `start` loads one. */
  worker: AppWorker | undefined;
  context: StartContext;
}

/** Seconds that the restart of a worker takes. */
const START_SECONDS = 1;

export class IsolatedApp {
  readonly #eventAppId: string;
  /** The last answer of each sender, for a worker that is restarted. */
  readonly #negotiated = new Map<string, NegotiatedSender>();
  #worker: AppWorker | undefined;
  #startedAt = 0;
  #failures = 0;
  #outage = { reason: 'its worker ended', until: 0 };
  #timer: ReturnType<typeof setTimeout> | undefined;
  #restarting: Promise<void> | undefined;
  #stopping = false;

  private constructor(private readonly parts: IsolatedAppParts) {
    this.#eventAppId = String(parts.definition.id);
  }

  /** @throws what the application's own `start` throws, or why its worker ended. */
  static async start(parts: IsolatedAppParts): Promise<PushAppInstance> {
    const app = new IsolatedApp(parts);
    const { signal } = parts.context;
    const worker = parts.worker ?? (await app.#load());
    const abandon = () => worker.end(app.#error('was stopped while it was starting'));
    signal.addEventListener('abort', abandon, { once: true });
    try {
      signal.throwIfAborted();
      const started = await app.#begin(worker);
      signal.addEventListener('abort', () => app.#worker?.notifyStopping(), { once: true });
      return app.#instance(started);
    } catch (error) {
      app.#stopping = true;
      worker.end(app.#error('did not start'));
      throw error;
    } finally {
      signal.removeEventListener('abort', abandon);
    }
  }

  #instance({ hooks, queries, provided }: Started): MaybeUnavailable {
    const unavailable = () => this.#unavailable();
    const all: Required<Pick<PushAppInstance, Hook>> = {
      consider: async (offer) => void (await this.#running().hook('consider', { offer })),
      alarm: (alarm) => this.#running().alarm(alarm),
      negotiated: (sender) => this.#notifyNegotiated(sender),
      // The runtime validates the description.
      describe: (push) => this.#running().describe(push) as Promise<PushDescription>,
      stop: () => this.#stop(hooks.has('stop')),
    };
    const services = [...provided].map(([service, methods]) => [
      service,
      serviceOf(methods, (method, args) => this.#provided(service, method, args)),
    ]);
    return {
      get [UNAVAILABLE]() {
        return unavailable();
      },
      receive: (push) => this.#running().receive(push),
      ...Object.fromEntries(
        Object.entries(all).filter(([name]) => name === 'stop' || hooks.has(name as Hook)),
      ),
      queries: Object.fromEntries(
        queries.map((name) => [name, (args) => this.#running().hook('query', { name, args })]),
      ),
      services: Object.fromEntries(services),
    };
  }

  /** @throws AppUnavailableError */
  #running(): AppWorker {
    const unavailable = this.#unavailable();
    if (unavailable || !this.#worker)
      throw unavailable ?? new AppUnavailableError(this.#eventAppId, this.#outage.reason, START_SECONDS);
    return this.#worker;
  }

  #unavailable(): AppUnavailableError | undefined {
    if (this.#worker && !this.#worker.over) return undefined;
    const seconds = Math.max(0, Math.ceil((this.#outage.until - Date.now()) / 1000)) + START_SECONDS;
    return new AppUnavailableError(this.#eventAppId, this.#outage.reason, seconds);
  }

  async #provided(service: string, method: string, args: readonly unknown[]): Promise<unknown> {
    // An AppError, not a refusal: the caller may be receiving a push, which this failure must not refuse.
    if (this.#unavailable()) throw this.#error(`${service} is unavailable: ${this.#outage.reason}`);
    return this.#running().hook('provided', { service, method, args });
  }

  async #notifyNegotiated(sender: NegotiatedSender): Promise<void> {
    this.#negotiated.set(sender.uri, sender);
    // An unavailable application is notified after its restart.
    if (this.#unavailable() === undefined) await this.#running().hook('negotiated', { sender });
  }

  async #load(): Promise<AppWorker> {
    const { options, definition } = this.parts;
    const { worker, definition: found } = await AppWorker.load(options);
    if (JSON.stringify(found) === JSON.stringify(definition)) return worker;
    worker.end(this.#error('has changed'));
    throw this.#error(
      'its definition has changed since it was loaded; unload the application and load it again',
    );
  }

  async #begin(worker: AppWorker): Promise<Started> {
    const { context } = this.parts;
    const now = 'clock' in context ? () => context.clock.now().getTime() : Date.now;
    const started = await worker.start(context, (line) => context.log.info(line), now);
    this.#worker = worker;
    this.#startedAt = Date.now();
    void worker.ended.then((why) => this.#ended(why));
    return started;
  }

  #ended(why: Error): void {
    this.#worker = undefined;
    if (this.#stopping) return;
    if (Date.now() - this.#startedAt >= STEADY_AFTER) this.#failures = 0;
    this.#restartLater(`its worker ended: ${reasonOf(why)}`, why);
  }

  /** Restarts the worker, with longer delays after repeated failures. */
  #restartLater(reason: string, why: unknown): void {
    const { log } = this.parts.context;
    const wait = doubledDelay({ first: RESTART_BASE, longest: RESTART_MAX }, ++this.#failures);
    this.#outage = { reason, until: Date.now() + wait };
    log.error(`${reason}; it restarts in ${wait / 1000} s`);
    // The stack shows where the application threw; an error of the host needs none.
    if (why instanceof Error && !(why instanceof SipPushError)) log.debug(String(why.stack));
    this.#timer = setTimeout(() => {
      this.#restarting = this.#restart().finally(() => {
        this.#restarting = undefined;
      });
    }, wait);
  }

  async #restart(): Promise<void> {
    let worker: AppWorker | undefined;
    try {
      worker = await this.#load();
      if (!this.#stopping) await within(systemClock, START_WITHIN, 'start()', this.#begin(worker));
      if (this.#stopping) worker.end(this.#error('was stopped'));
      for (const sender of this.#negotiated.values()) void worker.hook('negotiated', { sender });
    } catch (error) {
      worker?.end(this.#error('did not start'));
      if (!this.#stopping) this.#restartLater(`its worker did not start: ${reasonOf(error)}`, error);
    }
  }

  async #stop(hook: boolean): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#timer);
    const worker = this.#worker;
    try {
      if (hook && worker && !worker.over) {
        await within(systemClock, STOP_HOOK_WITHIN, 'stop()', worker.hook('stop', {}));
      }
    } finally {
      worker?.end(this.#error('was stopped'));
      await worker?.ended;
      await this.#restarting;
    }
  }

  #error(message: string): AppError {
    return new AppError(this.#eventAppId, message);
  }
}
