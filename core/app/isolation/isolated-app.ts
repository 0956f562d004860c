/** One application that runs in workers: in one after the other, as long as it is loaded. */

import { AppError, SipPushError } from '../../errors.js';
import { reasonOf } from '../../text.js';
import { doubledDelay } from '../../time/backoff.js';
import { systemClock } from '../../time/clock.js';
import { within } from '../../time/deadline.js';
import type {
  NegotiatedSender,
  PushAppInstance,
  PushDescription,
  StartContext,
} from '../contract/push-app.js';
import { AppUnavailable, type MaybeUnavailable, UNAVAILABLE } from '../contract/unavailable.js';
import { START_WITHIN } from '../limits.js';
import { RESTART_BASE, RESTART_MAX, STEADY_AFTER, STOP_HOOK_WITHIN } from './limits.js';
import type { Fields } from './messages.js';
import type { Hook } from './serve.js';
import { serviceOf } from './service-methods.js';
import { type LifeOptions, type Started, WorkerLife } from './worker-life.js';

export interface IsolatedAppParts {
  options: LifeOptions;
  /** What its worker said when it was first asked. */
  definition: Fields;
  /** One that has loaded the module; absent: it is to be started. */
  life: WorkerLife | undefined;
  context: StartContext;
}

/** Seconds for the worker itself to come up, when it is started again. */
const COMES_UP_IN = 1;

export class IsolatedApp {
  readonly #eventAppId: string;
  /** What senders said last: a worker that is started again does not know. */
  readonly #negotiated = new Map<string, NegotiatedSender>();
  #life: WorkerLife | undefined;
  #startedAt = 0;
  #failures = 0;
  #away = { reason: 'its worker ended', until: 0 };
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
    const life = parts.life ?? (await app.#load());
    const abandon = () => life.end(app.#error('was given up while it was being started'));
    signal.addEventListener('abort', abandon, { once: true });
    try {
      signal.throwIfAborted();
      const started = await app.#begin(life);
      signal.addEventListener('abort', () => app.#life?.tellStopping(), { once: true });
      return app.#instance(started);
    } catch (error) {
      app.#stopping = true;
      life.end(app.#error('did not start'));
      throw error;
    } finally {
      signal.removeEventListener('abort', abandon);
    }
  }

  #instance({ hooks, provided }: Started): MaybeUnavailable {
    const away = () => this.#whyAway();
    const all: Required<Pick<PushAppInstance, Hook>> = {
      consider: async (offer) => void (await this.#here().hook('consider', { offer })),
      alarm: (alarm, context) => this.#here().alarm(alarm, context),
      query: (name, args) => this.#here().hook('query', { name, args }),
      negotiated: (sender) => this.#tellNegotiated(sender),
      // The runtime looks at what it is.
      describe: (push) => this.#here().describe(push) as Promise<PushDescription>,
      stop: () => this.#stop(hooks.has('stop')),
    };
    const services = [...provided].map(([service, methods]) => [
      service,
      serviceOf(methods, (method, args) => this.#provided(service, method, args)),
    ]);
    return {
      get [UNAVAILABLE]() {
        return away();
      },
      receive: (push, context) => this.#here().receive(push, context),
      ...Object.fromEntries(
        Object.entries(all).filter(([name]) => name === 'stop' || hooks.has(name as Hook)),
      ),
      services: Object.fromEntries(services),
    };
  }

  /** @throws AppAway */
  #here(): WorkerLife {
    const away = this.#whyAway();
    if (away || !this.#life)
      throw away ?? new AppUnavailable(this.#eventAppId, this.#away.reason, COMES_UP_IN);
    return this.#life;
  }

  #whyAway(): AppUnavailable | undefined {
    if (this.#life && !this.#life.over) return undefined;
    const seconds = Math.max(0, Math.ceil((this.#away.until - Date.now()) / 1000)) + COMES_UP_IN;
    return new AppUnavailable(this.#eventAppId, this.#away.reason, seconds);
  }

  async #provided(service: string, method: string, args: readonly unknown[]): Promise<unknown> {
    // No refusal: whoever calls it has a push of its own, perhaps, which that says nothing of.
    if (this.#whyAway()) throw this.#error(`${service} is away: ${this.#away.reason}`);
    return this.#here().hook('provided', { service, method, args });
  }

  async #tellNegotiated(sender: NegotiatedSender): Promise<void> {
    this.#negotiated.set(sender.uri, sender);
    // Away it hears of it when it is back.
    if (this.#whyAway() === undefined) await this.#here().hook('negotiated', { sender });
  }

  async #load(): Promise<WorkerLife> {
    const { options, definition } = this.parts;
    const { life, definition: found } = await WorkerLife.load(options);
    if (JSON.stringify(found) === JSON.stringify(definition)) return life;
    life.end(this.#error('has changed'));
    throw this.#error(
      'its definition is no longer what it was when it was loaded; unload it, and load it anew',
    );
  }

  async #begin(life: WorkerLife): Promise<Started> {
    const { context } = this.parts;
    const now = 'clock' in context ? () => context.clock.now().getTime() : Date.now;
    const started = await life.start(context, (line) => context.log.info(line), now);
    this.#life = life;
    this.#startedAt = Date.now();
    void life.ended.then((why) => this.#ended(why));
    return started;
  }

  #ended(why: Error): void {
    this.#life = undefined;
    if (this.#stopping) return;
    if (Date.now() - this.#startedAt >= STEADY_AFTER) this.#failures = 0;
    this.#again(`its worker ended: ${reasonOf(why)}`, why);
  }

  /** Starts it again, the later the more often it has failed. */
  #again(reason: string, why: unknown): void {
    const { log } = this.parts.context;
    const wait = doubledDelay({ first: RESTART_BASE, longest: RESTART_MAX }, ++this.#failures);
    this.#away = { reason, until: Date.now() + wait };
    log.error(`${reason}; it is started again in ${wait / 1000} s`);
    // Where it was thrown, when it was not by the host.
    if (why instanceof Error && !(why instanceof SipPushError)) log.debug(String(why.stack));
    this.#timer = setTimeout(() => {
      this.#restarting = this.#restart().finally(() => {
        this.#restarting = undefined;
      });
    }, wait);
  }

  async #restart(): Promise<void> {
    let life: WorkerLife | undefined;
    try {
      life = await this.#load();
      if (!this.#stopping) await within(systemClock, START_WITHIN, 'start()', this.#begin(life));
      if (this.#stopping) life.end(this.#error('was stopped'));
      for (const sender of this.#negotiated.values()) void life.hook('negotiated', { sender });
    } catch (error) {
      life?.end(this.#error('did not start'));
      if (!this.#stopping) this.#again(`its worker did not start: ${reasonOf(error)}`, error);
    }
  }

  async #stop(hook: boolean): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#timer);
    const life = this.#life;
    try {
      if (hook && life && !life.over) {
        await within(systemClock, STOP_HOOK_WITHIN, 'stop()', life.hook('stop', {}));
      }
    } finally {
      life?.end(this.#error('was stopped'));
      await life?.ended;
      await this.#restarting;
    }
  }

  #error(message: string): AppError {
    return new AppError(this.#eventAppId, message);
  }
}
