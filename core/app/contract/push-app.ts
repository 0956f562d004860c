/** The contract between the runtime and a push application. */

import type { StandardSchemaV1 } from './options.js';
import type { NegotiatedSender, Push, PushDescription, PushFacts, PushOffer, ReceivedPush } from './push.js';
import type { AppServices, DueAlarm, HostServiceName, ServiceName, Services } from './services.js';
import type { Emit, EventSchemas, OutputOf } from './transaction.js';

/**
 * Version of the contract between the runtime and push applications, in semver. A manifest contains a range of it
 * (`"contract": "^1.0.0"`).
 */
export const CONTRACT_VERSION = '1.0.0';

/** A started push application: what `start` returns. Only `receive` is required. */
export interface PushAppInstance<
  Events extends EventSchemas = EventSchemas,
  Queries extends QuerySchemas = QuerySchemas,
> {
  /**
   * Called before the transfer of a file in session mode, after the media type and `maxSize` were checked. Throw
   * `refuse(…)` within 3 seconds to refuse the file. A file can be offered again, or never arrive.
   */
  consider?(offer: PushOffer): void | Promise<void>;
  /**
   * Called for each push, one after another or in parallel (`order`). `push.commit` or resolving accepts the push.
   * Throws `refuse(…)` to refuse it, or the MalformedError of a reader of `sip-push/formats`, which refuses it with
   * `type`; any other error is `failed`, and its text stays on the device.
   */
  receive(push: ReceivedPush<Events>): void | Promise<void>;
  /** Describes an accepted push for people. */
  describe?(push: Push): PushDescription | Promise<PushDescription>;
  /**
   * Answers queries about the application's state by name, in JSON of at most 4 MiB: `queries: { current: () => … }`. The host
   * checks the arguments with the schema in the definition, if there is one.
   */
  readonly queries?: QueryHandlers<Queries>;
  /**
   * Called when a sender of the host's configuration answers whether it pushes for this application: at least once for
   * each registration of the device.
   */
  negotiated?(sender: NegotiatedSender): void | Promise<void>;
  /**
   * Called when an alarm is due; required if the application needs `schedule`. Has the deadline of `receive`, and with
   * `order: 'serial'` its turn. `alarm.commit` or resolving ends the alarm. If it rejects or is late, the host retries
   * at growing intervals until the alarm ends or is cancelled.
   */
  alarm?(alarm: DueAlarm<Events>): void | Promise<void>;
  /** The services that `provides` names. */
  readonly services?: Readonly<Record<string, unknown>>;
  /** Stops the application within 5 seconds. The `signal` of `start` is already aborted. */
  stop?(): void | Promise<void>;
}

/** The queries of an application by name: the schema of their arguments, or `true` for any JSON. */
export type QuerySchemas = Readonly<Record<string, StandardSchemaV1 | true>>;

/** A function for each query. Queries that the definition does not name are allowed. */
export type QueryHandlers<Queries extends QuerySchemas = QuerySchemas> = {
  readonly [Name in keyof Queries]: QueryHandler<OutputOf<Queries[Name]>>;
};

/** Answers a query with JSON values. */
export type QueryHandler<Arguments = never> = (args: Arguments) => unknown;

/**
 * `durable`, the default: a push is on disk before it is confirmed, and redelivered until it is accepted. `direct`: a
 * push is confirmed when it is accepted, and lost otherwise.
 */
export type Delivery = 'durable' | 'direct';

/**
 * `serial`, the default: `receive` and `alarm` run one at a time, in the order in which the pushes were received.
 * `parallel`: at the same time, and for content of session mode while it still arrives. A function: one at a time for
 * each key that it returns.
 */
export type Order = 'serial' | 'parallel' | ((push: PushFacts) => string);

/** What `start` returns, with the hooks, queries and services that the definition requires. */
export type StartedApp<
  Needs extends string = string,
  Provides extends string = string,
  Events extends EventSchemas = EventSchemas,
  Queries extends QuerySchemas = QuerySchemas,
> = PushAppInstance<Events, Queries> &
  HookOfAlarms<Needs, Events> &
  QueriesRequired<Queries> &
  ServicesProvided<Provides>;

/** If `Needs` contains every service, the needs are unknown, and no hook is required. */
type HookOfAlarms<Needs extends string, Events extends EventSchemas> = [HostServiceName] extends [Needs]
  ? unknown
  : 'schedule' extends Needs
    ? Required<Pick<PushAppInstance<Events>, 'alarm'>>
    : unknown;

type QueriesRequired<Queries extends QuerySchemas> = string extends keyof Queries
  ? unknown
  : [keyof Queries] extends [never]
    ? unknown
    : { readonly queries: QueryHandlers<Queries> };

type ServicesProvided<Provides extends string> = [Provides] extends [never]
  ? unknown
  : string extends Provides
    ? unknown
    : { readonly services: Pick<AppServices, Provides & keyof AppServices> };

/**
 * What `start` returns, if the host knows each member: the host never calls another one. Further members of a class are
 * `private`, or have names with `#`.
 */
export type WithoutUnknownHooks<Started> = Started & {
  readonly [Name in Exclude<keyof Started, keyof PushAppInstance> &
    string]?: `unknown hook "${Name}": expected receive, consider, describe, queries, negotiated, alarm, services or stop`;
};

/** A push application: what it accepts, what it needs, and how it starts. */
export interface PushAppDefinition<
  Needs extends string = string,
  Options = unknown,
  Provides extends string = string,
  Events extends EventSchemas = EventSchemas,
  Queries extends QuerySchemas = QuerySchemas,
  Started = StartedApp<NoInfer<Needs>, NoInfer<Provides>, NoInfer<Events>, NoInfer<Queries>>,
> {
  /** event-app-id; `x-wap-application:mms.ua` and `mms.ua` are the same application (7.1-04). */
  readonly id: string;
  /**
   * Earlier ids of this application. It takes over their storage, alarms and waiting pushes. No other application of the
   * host can have or replace one of these ids.
   */
  readonly replaces?: readonly string[];
  /** Accepted media types in lower case. A wildcard subtype (`image/*`) is allowed. */
  readonly accepts: readonly string[];
  /** Largest content in bytes; by default only the limits of the host apply. */
  readonly maxSize?: number;
  /** What a confirmation means; `durable` by default. */
  readonly delivery?: Delivery;
  /** Which pushes `receive` handles at the same time; none by default (`serial`). */
  readonly order?: Order;
  /**
   * Seconds that `receive` and `alarm` can take after all content has arrived; 10 by default. A `durable` push is
   * answered within 15 seconds in any case.
   */
  readonly timeout?: number;
  /** Services of the host and of other applications. An application loads after the applications it needs. */
  readonly needs?: readonly Needs[];
  /** Services that it provides for other applications. Their names contain a dot: `weather.forecast`. */
  readonly provides?: readonly Provides[];
  /**
   * Schema of the options, from any library that supports Standard Schema (zod, Valibot, ArkType). `start` receives the
   * parsed options. The schema parses `{}` if the host's configuration contains no options.
   */
  readonly options?: StandardSchemaV1<unknown, Options>;
  /** The events that it emits, by kind: the schema of their fields, or `true`. */
  readonly events?: Events;
  /** The queries that it answers, by name: the schema of their arguments, or `true`. */
  readonly queries?: Queries;
  /** IARI that distinguishes this application from others with the same event-app-id and media types (appendix D). */
  readonly iari?: string;
  /** Called once, before the first push. If it throws, the application is not loaded. */
  start(
    // `never`: a definition with options, events or queries of any type is then assignable to PushAppDefinition.
    context: StartContext<
      Needs & ServiceName,
      string extends Needs ? never : Options,
      string extends keyof Events ? never : Events
    >,
  ): MaybePromise<Started>;
}

type MaybePromise<T> = T | Promise<T>;

/** The argument of `start`: the services in `needs`, and always `emit`, `signal` and `options`. */
export type StartContext<
  Needs extends ServiceName = ServiceName,
  Options = unknown,
  Events extends EventSchemas = EventSchemas,
> = Pick<
  ([Events] extends [never] ? { [Name in HostServiceName]: never } : Services<Events>) & AppServices,
  Needs
> & {
  /** Emits an event at once. Use `tx.emit` for an event that must not be lost. */
  readonly emit: [Events] extends [never] ? never : Emit<Events>;
  /** Aborted when the application is being stopped. */
  readonly signal: AbortSignal;
  /** The options in the host's configuration, parsed by the schema. Without a schema they are not validated. */
  readonly options: Options;
};

/** An event that an application emitted, with its own fields. */
export interface ApplicationEvent {
  /**
   * Identifies the event: the same when it is delivered again after a crash. An application that emits a field `id` of
   * its own replaces it here; `eventId` has it then.
   */
  readonly id: string;
  /** Identifies the event, if the application emits a field `id` of its own. */
  readonly eventId?: string;
  /** event-app-id of the application. */
  readonly app: string;
  /** Name of the event. */
  readonly kind: string;
  readonly [field: string]: unknown;
}
