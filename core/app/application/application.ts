/** One loaded application: started, running, stopped. */

import { AppError } from '../../errors.js';
import type { LogSink } from '../../log.js';
import { reasonOf } from '../../text.js';
import { unlessAborted } from '../../time/abort-signal.js';
import type { Clock } from '../../time/clock.js';
import { handled, invoke, within } from '../../time/deadline.js';
import type { Manifest } from '../contract/manifest.js';
import { malformedOf, stackOf } from '../contract/outcome.js';
import type { PushFacts } from '../contract/push.js';
import type { PushAppDefinition, PushAppInstance, StartContext } from '../contract/push-app.js';
import type { ServiceName } from '../contract/services.js';
import { RECEIVE_ENDS_WITHIN, type RuntimeLimits, START_WITHIN, STOP_WITHIN } from '../limits.js';
import type { AppScope } from '../services/app-scope.js';
import { Slots, type Turn, type Urgency } from './slots.js';
import { requireInstance } from './started-app.js';

/** The properties of an application that an agent uses. */
export interface AppHandle {
  /** Canonical: `mms.ua`. */
  readonly eventAppId: string;
  readonly iari?: string;
  /** Lower-case media types and ranges. */
  readonly accepts: readonly string[];
  /** Size limit of content in bytes. Absent: the application has none of its own. */
  readonly maxSize?: number;
}

/** The key of all pushes that are delivered one after another. */
const SERIAL = '';

/** A call of `receive` in progress. */
interface ReceiveCall {
  /** Aborts the signal of the call. */
  abort(why: Error): void;
  /** Ends the wait for the call. */
  giveUp(why: Error): void;
}

export interface ApplicationParts {
  definition: PushAppDefinition;
  manifest: Manifest;
  scope: AppScope;
  /** The services that it declares. */
  services: Readonly<Record<string, unknown>>;
  options: unknown;
  clock: Clock;
  limits: RuntimeLimits;
  log: LogSink;
  /** Aborted when the runtime stops, also during the start. */
  stopping: AbortSignal;
}

export class Application implements AppHandle {
  readonly eventAppId: string;
  readonly accepts: readonly string[];
  readonly iari?: string;
  readonly maxSize?: number;
  /** Whether some or all pushes are delivered one after another. */
  readonly ordered: boolean;
  readonly slots: Slots;
  /**
   * Slots for pushes whose content is still arriving, which can take any time. An application with an order has none: a
   * slow sender would block its other pushes.
   */
  readonly streams: Slots;
  readonly #running = new Set<ReceiveCall>();
  readonly #ignoreBacklog: () => void;
  #onIdle = () => {};

  private constructor(
    readonly manifest: Manifest,
    readonly scope: AppScope,
    readonly instance: PushAppInstance,
    private readonly controller: AbortController,
    private readonly clock: Clock,
    private readonly log: LogSink,
    limits: RuntimeLimits,
  ) {
    this.eventAppId = manifest.eventAppId;
    this.accepts = manifest.accepts;
    this.iari = manifest.iari;
    this.maxSize = manifest.maxSize;
    this.ordered = manifest.order !== 'parallel';
    this.slots = new Slots(limits.concurrency, limits.waiting);
    this.streams = new Slots(this.ordered ? 0 : limits.concurrency, limits.transfers);
    this.#ignoreBacklog = scope.own.onEventBacklog((backlog) => {
      this.slots.hold(backlog);
      this.streams.hold(backlog);
    });
  }

  /** @throws AppError when the application does not start. */
  static async start(parts: ApplicationParts): Promise<Application> {
    const { definition, manifest, scope, services, options, clock, log, limits, stopping } = parts;
    const controller = new AbortController();
    const context: unknown = { ...services, signal: controller.signal, options };
    const starting = invoke(() => definition.start(context as StartContext<ServiceName, never, never>));
    try {
      const instance = await unlessAborted(within(clock, START_WITHIN, 'start()', starting), stopping);
      requireInstance(manifest, instance);
      return new Application(manifest, scope, instance, controller, clock, log, limits);
    } catch (error) {
      controller.abort(error);
      scope.active = false;
      stopLate(starting);
      if (error instanceof AppError) throw error;
      throw new AppError(manifest.eventAppId, `start() failed: ${reasonOf(error)}`, { cause: error });
    }
  }

  /** A slot for a push, in its order. Undefined when too many pushes of senders wait. */
  enterSlot(urgency: Urgency, push: PushFacts): Turn | undefined {
    return this.slots.enter(urgency, this.#orderKey(push));
  }

  /** A slot for an alarm. */
  enterSlotOfAlarm(): Turn | undefined {
    return this.slots.enter('alarm', this.manifest.order === 'serial' ? SERIAL : undefined);
  }

  #orderKey(push: PushFacts): string | undefined {
    const { order } = this.manifest;
    if (order === 'parallel') return undefined;
    if (order === 'serial') return SERIAL;
    try {
      const key: unknown = order(push);
      if (typeof key === 'string') return key;
      // A promise may reject, and has no other listener.
      void handled(invoke(() => key));
      throw new TypeError(`it returned a value of type ${typeof key}: expected a string`);
    } catch (error) {
      const message = `push ${push.id} waits for all others: order() failed: ${reasonOf(error)}`;
      this.log({ level: 'error', app: this.eventAppId, message });
      return SERIAL;
    }
  }

  /** True when the application is being stopped: it receives nothing more. */
  get stopping(): boolean {
    return this.controller.signal.aborted;
  }

  /**
   * Logs the stack of an error that `receive` threw, unless it is an answer to the sender. The event of a push that was
   * not accepted contains the reason as well.
   * @param accepted whether the push was committed before: nothing else reports the error then.
   */
  threw(pushId: string, thrown: unknown, accepted: boolean): void {
    const isAnswer = !accepted && malformedOf(thrown) !== undefined;
    const stack = isAnswer ? undefined : stackOf(thrown);
    if (stack === undefined && !accepted) return;
    const what = accepted ? 'was accepted, and receive threw afterwards' : 'receive threw';
    this.log({
      level: accepted ? 'error' : 'debug',
      app: this.eventAppId,
      message: `push ${pushId}${accepted ? ' ' : ': '}${what}: ${stack ?? reasonOf(thrown)}`,
      push: pushId,
      error: thrown,
    });
  }

  /** Counts a call of `receive`. The caller calls `leave` when it has ended. */
  enter(running: ReceiveCall): { leave(): void } {
    this.#running.add(running);
    const leave = () => {
      this.#running.delete(running);
      if (this.#running.size === 0) this.#onIdle();
    };
    return { leave };
  }

  /**
   * Aborts the calls in progress and waits for them, then calls `stop`. Never rejects: an application that does not
   * stop in time is abandoned.
   */
  async stop(): Promise<void> {
    const why = new AppError(this.eventAppId, 'is being stopped');
    this.#ignoreBacklog();
    this.slots.close();
    this.streams.close();
    this.controller.abort(why);
    for (const { abort } of this.#running) abort(why);
    await this.#within(RECEIVE_ENDS_WITHIN, 'receive()', this.#idle());
    await this.#within(
      STOP_WITHIN,
      'stop()',
      invoke(() => this.instance.stop?.()),
    );
    this.scope.active = false;
    for (const { giveUp } of [...this.#running]) giveUp(why);
  }

  #idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#onIdle = resolve;
      if (this.#running.size === 0) resolve();
    });
  }

  async #within(milliseconds: number, what: string, ending: Promise<void>): Promise<void> {
    try {
      await within(this.clock, milliseconds, what, ending);
    } catch (error) {
      this.log({ level: 'warn', app: this.eventAppId, message: `${what} failed: ${reasonOf(error)}` });
    }
  }
}

/** Stops an application that starts after its deadline. */
function stopLate(starting: Promise<PushAppInstance>): void {
  starting.then((instance) => instance?.stop?.()).catch(() => {});
}
