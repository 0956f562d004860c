/** Transactions: what an application writes in one step, with the events that it emits. */

import type { StandardSchemaV1 } from './options.js';

/** The events of an application by kind: the schema of their fields, or `true` for any JSON. */
export type EventSchemas = Readonly<Record<string, StandardSchemaV1 | true>>;

/** The fields of an event, or the arguments of a query, that a schema accepts. */
export type InputOf<Schema> =
  Schema extends StandardSchemaV1<infer Input, unknown> ? Input : Readonly<Record<string, unknown>>;

/** The arguments of a query as its schema parses them. */
export type OutputOf<Schema> = Schema extends StandardSchemaV1<unknown, infer Output> ? Output : unknown;

/**
 * Collects what a commit writes. Values and fields are copied at once: later changes to them have no effect. Keys and
 * values are checked at once, too: the call that passes an invalid one throws.
 */
export interface Transaction<Events extends EventSchemas = EventSchemas> {
  /**
   * Stores a value. Throws ConfigurationError if the value is neither JSON nor a Uint8Array, LimitError if it is too
   * large.
   */
  put(key: string, value: unknown): void;
  /** Deletes a value, if there is one. */
  delete(key: string): void;
  /**
   * Emits an event after the transaction is on disk. It is delivered to the host's listener again after a crash, with
   * the same `id`, until the listener has returned.
   * @param kind one of the kinds in `events`.
   * @param fields JSON values, as the schema of the kind requires.
   */
  emit<Kind extends keyof Events & string>(kind: Kind, ...fields: FieldsOf<Events[Kind]>): void;
  /**
   * Sets an alarm, and replaces an alarm with the same key. Requires the service `schedule`.
   * @param key identifies the alarm.
   * @param when milliseconds since 1970, or a Date. A time in the past is due at once.
   * @param data JSON, at most 16 KiB.
   */
  setAlarm(key: string, when: Date | number, data?: unknown): void;
  /** Cancels an alarm, if it exists. Requires the service `schedule`. */
  cancelAlarm(key: string): void;
  /**
   * Calls `callback` after the transaction is on disk, before the next transaction of the application begins: for what
   * the application keeps in memory.
   */
  afterCommit(callback: () => void): void;
}

/** Optional if the schema accepts an event without fields. */
export type FieldsOf<Schema> = Schema extends true
  ? [fields?: Readonly<Record<string, unknown>>]
  : Record<string, never> extends InputOf<Schema>
    ? [fields?: InputOf<Schema>]
    : [fields: InputOf<Schema>];

/** Runs a transaction, as `storage.transaction` does. */
export type RunTransaction<Events extends EventSchemas = EventSchemas> = <Result = void>(
  write: (tx: Transaction<Events>) => Result | Promise<Result>,
) => Promise<Result>;

/**
 * Emits an event at once, without a transaction: it is lost when the host ends before its listener has returned.
 * @param kind one of the kinds in `events`.
 * @param fields JSON values, as the schema of the kind requires.
 */
export type Emit<Events extends EventSchemas = EventSchemas> = <Kind extends keyof Events & string>(
  kind: Kind,
  ...fields: FieldsOf<Events[Kind]>
) => void;

/** A checked operation of a transaction, for the host. Values are encoded. */
export type CommitOperation =
  | { readonly type: 'put'; readonly key: string; readonly value: Uint8Array }
  | { readonly type: 'delete'; readonly key: string }
  | { readonly type: 'alarm'; readonly key: string; readonly at: number; readonly value: Uint8Array }
  | { readonly type: 'cancel'; readonly key: string }
  | { readonly type: 'emit'; readonly kind: string; readonly fields: Readonly<Record<string, unknown>> };
