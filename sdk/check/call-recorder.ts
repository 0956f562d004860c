/** Wraps an application to record the calls of its hooks and their results. */

import { unknownHook } from '../../core/app/application/started-app.js';
import type { PushDescription, ReceivedPush } from '../../core/app/contract/push.js';
import type { PushAppDefinition, PushAppInstance } from '../../core/app/contract/push-app.js';
import type { Emit } from '../../core/app/contract/transaction.js';

/** One call of `receive`. */
export interface ReceiveCall {
  readonly push: ReceivedPush;
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
  /** Errors of `emit`, outside and within a commit. */
  readonly emitErrors: unknown[] = [];
  /** Error of `stop`. */
  stopError: unknown;
  /** Whether `stop` was called and has not finished. */
  stopping = false;

  /** The same application, with its hooks recorded. */
  wrap(definition: PushAppDefinition): PushAppDefinition {
    return {
      ...definition,
      start: async (context) => {
        const emit = this.#emit(context.emit);
        const instance = await definition.start({ ...Object(context), emit });
        // The runtime reports an invalid instance.
        if (typeof instance !== 'object' || typeof instance?.receive !== 'function') return instance;
        if (unknownHook(instance) !== undefined) return instance;
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
    const { consider, describe, queries, negotiated, alarm, services } = instance;
    return {
      receive: (push) => this.#receive(instance, push),
      stop: () => this.#stop(instance),
      consider:
        consider === undefined ? undefined : (offer) => this.#consider(() => consider.call(instance, offer)),
      describe:
        describe === undefined ? undefined : (push) => this.#describe(() => describe.call(instance, push)),
      queries,
      negotiated: negotiated === undefined ? undefined : (sender) => instance.negotiated?.(sender),
      alarm: alarm === undefined ? undefined : (due) => this.#alarm(() => alarm.call(instance, due)),
      services,
    };
  }

  async #receive(instance: PushAppInstance, push: ReceivedPush): Promise<void> {
    const call: ReceiveCall = { push, ended: false };
    this.calls.push(call);
    try {
      await instance.receive(this.#push(push));
    } catch (error) {
      call.error = error;
      throw error;
    } finally {
      call.ended = true;
    }
  }

  #push(push: ReceivedPush): ReceivedPush {
    const commit: ReceivedPush['commit'] = (write) =>
      push.commit(write && ((tx) => write({ ...tx, emit: this.#emit(tx.emit) })));
    return Object.freeze({ ...push, commit });
  }

  #emit(emit: Emit): Emit {
    return (kind, ...fields) => {
      try {
        emit(kind, ...fields);
      } catch (error) {
        this.emitErrors.push(error);
        throw error;
      }
    };
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
