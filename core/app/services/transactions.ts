/** Transactions of one application: what they collect, and their order. They run beside the application's code. */

import { AppError, ConfigurationError, LimitError, TimeoutError } from '../../errors.js';
import { reasonOf } from '../../text.js';
import type { Clock } from '../../time/clock.js';
import { handled, invoke, within } from '../../time/deadline.js';
import { checkedEvent } from '../contract/events.js';
import type { CommitOperation, EventSchemas, Transaction } from '../contract/transaction.js';
import { encodeAlarm, encodeValue, requireKey } from './stored-values.js';

/** Operations of one transaction: it is one write, and other writes wait for it. */
export const MAX_OPERATIONS = 1000;

/** Bytes of one transaction, which are in memory until it is written. */
const MAX_BYTES = 16 * 1024 * 1024;

/** Milliseconds that the callback of a transaction can take, since other transactions may wait for it. */
const CALLBACK_WITHIN = 30_000;

export interface TransactionsParts {
  readonly eventAppId: string;
  readonly events: EventSchemas;
  /** Whether the application needs `schedule`. */
  readonly alarms: boolean;
  /** Every transaction runs alone. Otherwise only those whose callback returns a promise do. */
  readonly exclusive: boolean;
  readonly clock: Clock;
  /** Called when a callback of `afterCommit` throws. */
  onError(message: string): void;
}

type Write<Result> = (tx: Transaction) => Result | Promise<Result>;

export class Transactions {
  /** Resolves when the next transaction can begin; undefined when it can begin at once. */
  #turn: Promise<void> | undefined;
  /** Writes of transactions that do not run alone. */
  readonly #writing = new Set<Promise<unknown>>();

  constructor(private readonly parts: TransactionsParts) {}

  /**
   * Runs a transaction.
   * @param commit writes the operations. Without operations it is called, too.
   * @throws what `write` or `commit` throws; TimeoutError when `write` is late: nothing is written then.
   */
  run<Result>(
    write: Write<Result> | undefined,
    commit: (operations: readonly CommitOperation[]) => Promise<void>,
  ): Promise<Result> {
    return handled(this.#run(write, commit));
  }

  /** Resolves when a read of the storage sees all transactions before the one that runs alone. */
  async readable(): Promise<void> {
    if (this.#turn && this.#writing.size > 0) await Promise.allSettled(this.#writing);
  }

  async #run<Result>(
    write: Write<Result> = () => undefined as Result,
    commit: (operations: readonly CommitOperation[]) => Promise<void>,
  ): Promise<Result> {
    if (typeof write !== 'function') {
      throw new ConfigurationError(
        `${this.parts.eventAppId}: invalid argument of commit: expected a function, as in commit((tx) => tx.put('key', value))`,
      );
    }
    const { ready, leave } = this.#takeTurn();
    // Also called in the callback of another transaction, which may be about to run alone.
    if (ready) await ready;
    try {
      const tx = new CollectedTransaction(this.parts);
      const result = called(tx, write);
      if (this.parts.exclusive || isPromise(result)) return await this.#collected(tx, result, commit);
      const writing = this.#written(tx, commit);
      this.#writing.add(writing);
      leave();
      await writing.finally(() => this.#writing.delete(writing));
      return result;
    } finally {
      leave();
    }
  }

  /** Each transaction waits for the one before it alone, so that the cost of many grows linearly. */
  #takeTurn(): { ready: Promise<void> | undefined; leave(): void } {
    const ready = this.#turn;
    let over = () => {};
    const turn = new Promise<void>((resolve) => {
      over = resolve;
    });
    this.#turn = turn;
    const leave = () => {
      if (this.#turn === turn) this.#turn = undefined;
      over();
    };
    return { ready, leave };
  }

  async #collected<Result>(
    tx: CollectedTransaction,
    collecting: Result | Promise<Result>,
    commit: (operations: readonly CommitOperation[]) => Promise<void>,
  ): Promise<Result> {
    let result: Result;
    try {
      result = isPromise(collecting)
        ? await within(
            this.parts.clock,
            CALLBACK_WITHIN,
            'the callback of a transaction',
            invoke(() => collecting),
          )
        : collecting;
    } catch (error) {
      tx.close();
      if (!(error instanceof TimeoutError)) throw error;
      throw new AppError(
        this.parts.eventAppId,
        `${reasonOf(error)}; other transactions wait for it, so fetch and compute before the commit`,
        { cause: error },
      );
    }
    await this.#written(tx, commit);
    return result;
  }

  async #written(
    tx: CollectedTransaction,
    commit: (operations: readonly CommitOperation[]) => Promise<void>,
  ): Promise<void> {
    await commit(tx.close());
    for (const callback of tx.callbacks) {
      // It may be asynchronous: its rejection has no other listener.
      invoke(callback).catch((error: unknown) =>
        this.parts.onError(`a callback of afterCommit threw: ${reasonOf(error)}`),
      );
    }
  }
}

function called<Result>(tx: CollectedTransaction, write: Write<Result>): Result | Promise<Result> {
  try {
    return write(tx);
  } catch (error) {
    tx.close();
    throw error;
  }
}

class CollectedTransaction implements Transaction {
  readonly callbacks: (() => void)[] = [];
  readonly #operations: CommitOperation[] = [];
  #bytes = 0;
  #closed = false;

  constructor(private readonly parts: TransactionsParts) {}

  // Fields, not methods, so that an application can write: commit(({ put, emit }) => …).
  readonly put = (key: string, value: unknown): void => {
    this.#add({ type: 'put', key, value: encodeValue(key, value) });
  };

  readonly delete = (key: string): void => {
    requireKey('storage', key);
    this.#add({ type: 'delete', key });
  };

  readonly emit = (kind: string, fields?: unknown): void => {
    const { eventAppId, events } = this.parts;
    this.#add({ type: 'emit', ...checkedEvent(eventAppId, events, kind, fields) });
  };

  readonly setAlarm = (key: string, when: Date | number, data?: unknown): void => {
    this.#requireSchedule();
    this.#add({ type: 'alarm', key, ...encodeAlarm(key, when, data) });
  };

  readonly cancelAlarm = (key: string): void => {
    this.#requireSchedule();
    requireKey('alarm', key);
    this.#add({ type: 'cancel', key });
  };

  readonly afterCommit = (callback: () => void): void => {
    this.#requireOpen();
    this.callbacks.push(callback);
  };

  /** @returns the operations. Nothing can be added afterwards. */
  close(): readonly CommitOperation[] {
    this.#closed = true;
    return this.#operations;
  }

  #add(operation: CommitOperation): void {
    this.#requireOpen();
    if (this.#operations.length >= MAX_OPERATIONS) {
      throw new LimitError(`more than ${MAX_OPERATIONS} operations in one transaction: use several`);
    }
    if ('value' in operation) this.#bytes += operation.value.length;
    if (this.#bytes > MAX_BYTES) {
      throw new LimitError(`more than ${MAX_BYTES} bytes in one transaction: use several`);
    }
    this.#operations.push(operation);
  }

  #requireOpen(): void {
    if (!this.#closed) return;
    throw new AppError(
      this.parts.eventAppId,
      'the transaction is closed: its callback has ended, so await what it does in it',
    );
  }

  #requireSchedule(): void {
    if (this.parts.alarms) return;
    throw new ConfigurationError(`${this.parts.eventAppId}: add "schedule" to needs to use alarms`);
  }
}

function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, 'then') === 'function';
}

// For the runtime's own code, which passes on the operations that a worker has collected.

/** Property of the arguments of `receive` and `alarm`, and of `storage`. It is not enumerable. */
const COMMIT_OPERATIONS = Symbol('commit operations');

export type CommitOperations = (operations: readonly CommitOperation[]) => Promise<void>;

/** Property of the argument of `receive`, while its content is arriving. It is not enumerable. */
const CONTENT_ARRIVED = Symbol('content arrived');

/** Resolves when a commit of the push can begin; undefined if its content was never arriving. */
export function contentArrivedOf(push: object): (() => Promise<void>) | undefined {
  return Reflect.get(push, CONTENT_ARRIVED) as (() => Promise<void>) | undefined;
}

/** Adds the property to a push whose content is arriving. */
export function withContentArrived<T extends object>(push: T, arrived: () => Promise<void>): T {
  return Object.defineProperty(push, CONTENT_ARRIVED, { value: arrived });
}

/** Adds the property to an object that an application receives. */
export function withCommitOperations<T extends object>(object: T, commit: CommitOperations): T {
  return Object.defineProperty(object, COMMIT_OPERATIONS, { value: commit });
}

export function commitOperationsOf(object: object): CommitOperations {
  const commit: unknown = Reflect.get(object, COMMIT_OPERATIONS);
  if (typeof commit !== 'function')
    throw new TypeError('expected an argument of receive or alarm, or storage');
  return commit as CommitOperations;
}
