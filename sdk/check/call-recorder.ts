/** Wraps an application to record the calls of its hooks and their results. */

import type {
  Push,
  PushAppDefinition,
  PushAppInstance,
  PushDescription,
  ReceiveContext,
} from '../../core/app/contract/push-app.js';

/** One call of `receive`. */
export interface ReceiveCall {
  readonly push: Push;
  readonly signal: AbortSignal;
  /** Whether it resolved or threw. */
  ended: boolean;
  /** What it threw. */
  error?: unknown;
}

export class CallRecorder {
  readonly calls: ReceiveCall[] = [];
  /** Whether the application has an `alarm` hook. */
  hasAlarm = false;
  /** Last error of `alarm`. */
  alarmError: unknown;
  /** Last error of `consider`. */
  considerError: unknown;
  /** Whether the application has a `describe` hook. */
  hasDescribe = false;
  /** Last result or error of `describe`; undefined if it was not called or has not finished. */
  described: { title?: unknown; error?: unknown } | undefined;
  /** Error of `stop`. */
  stopError: unknown;
  /** Whether `stop` was called and has not finished. */
  stopping = false;

  /** The same application, with its hooks recorded. */
  wrap(definition: PushAppDefinition): PushAppDefinition {
    return {
      ...definition,
      start: async (context) => {
        const instance = await definition.start(context);
        // The runtime reports an invalid instance.
        if (typeof instance !== 'object' || typeof instance?.receive !== 'function') return instance;
        return this.#instance(instance);
      },
    };
  }

  get pending(): ReceiveCall[] {
    return this.calls.filter(({ ended }) => !ended);
  }

  #instance(instance: PushAppInstance): PushAppInstance {
    this.hasDescribe = instance.describe !== undefined;
    this.hasAlarm = instance.alarm !== undefined;
    const { consider, describe, query, negotiated, alarm, services } = instance;
    return {
      receive: (push, context) => this.#receive(instance, push, context),
      stop: () => this.#stop(instance),
      consider:
        consider === undefined ? undefined : (offer) => this.#consider(() => consider.call(instance, offer)),
      describe:
        describe === undefined ? undefined : (push) => this.#describe(() => describe.call(instance, push)),
      query: query === undefined ? undefined : (name, args) => query.call(instance, name, args),
      negotiated: negotiated === undefined ? undefined : (sender) => instance.negotiated?.(sender),
      alarm: alarm === undefined ? undefined : (...args) => this.#alarm(() => alarm.apply(instance, args)),
      services,
    };
  }

  async #receive(instance: PushAppInstance, push: Push, context: ReceiveContext): Promise<void> {
    const call: ReceiveCall = { push, signal: context.signal, ended: false };
    this.calls.push(call);
    try {
      await instance.receive(push, context);
    } catch (error) {
      call.error = error;
      throw error;
    } finally {
      call.ended = true;
    }
  }

  async #consider(consider: () => void | Promise<void>): Promise<void> {
    try {
      await consider();
    } catch (error) {
      this.considerError = error;
      throw error;
    }
  }

  async #alarm(alarm: () => void | Promise<void>): Promise<void> {
    try {
      await alarm();
    } catch (error) {
      this.alarmError = error;
      throw error;
    }
  }

  async #describe(describe: () => PushDescription | Promise<PushDescription>): Promise<PushDescription> {
    try {
      const description = await describe();
      this.described = { title: description?.title };
      return description;
    } catch (error) {
      this.described = { error };
      throw error;
    }
  }

  async #stop(instance: PushAppInstance): Promise<void> {
    this.stopping = true;
    try {
      await instance.stop?.();
    } catch (error) {
      this.stopError = error;
      throw error;
    } finally {
      this.stopping = false;
    }
  }
}
