/** The contract between the runtime and a push application. */

import type { Content } from '../../content/content.js';
import type { StandardSchemaV1 } from './options.js';
import type { Alarm, AppServices, HostServiceName, ServiceName, Services } from './services.js';

/**
 * Version of the contract between the runtime and push applications, in semver. A manifest contains a range of it
 * (`"contract": "^1.0.0"`).
 */
export const CONTRACT_VERSION = '1.0.0';

/**
 * How a push arrived: `pager` in a SIP MESSAGE, `session` over MSRP, `indirect` as a reference that the host retrieved.
 */
export type PushMode = 'pager' | 'session' | 'indirect';

/** A push, as an application receives it. */
export interface Push {
  /** Identifies the push: the same for every delivery, also after a restart. */
  readonly id: string;
  /** event-app-id of the addressed application, in its short form (`mms.ua`). */
  readonly app: string;
  /** URI of the sender as asserted by the SIP/IP core (P-Asserted-Identity). */
  readonly from: string;
  /** URI that the push was sent to. */
  readonly to: string;
  /** How the push arrived. */
  readonly mode: PushMode;
  /**
   * The content. In session mode it is still arriving when `receive` is called, and streams of it are provisional: they
   * end after size and SHA-1 match the offer, and error if the transfer fails. A slow reader does not block the sender.
   */
  readonly content: Content;
  /** Headers that describe the content (`content-*`, `x-wap-*`), names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Name of the file, in session mode, if the sender declared it. */
  readonly fileName?: string;
  /** When the device received the push. */
  readonly receivedAt: Date;
  /** 1 for the first delivery. */
  readonly attempt: number;
}

/** A write to the application's storage. */
export type StorageOperation =
  | {
      /** Stores a value. */
      type: 'put';
      /** Key of the value. */
      key: string;
      /** JSON or bytes. */
      value: unknown;
    }
  | {
      /** Deletes a value. */
      type: 'delete';
      /** Key of the value. */
      key: string;
    };

/** Sets or cancels an alarm, as the service `schedule` does. */
export type ScheduleOperation =
  | {
      /** Sets an alarm, and replaces an alarm with the same key. */
      type: 'alarm';
      /** Key of the alarm. */
      key: string;
      /** When it is due: a Date, or milliseconds since 1970. */
      at: Date | number;
      /** JSON, at most 16 KiB. */
      data?: unknown;
    }
  | {
      /** Cancels an alarm. */
      type: 'cancel';
      /** Key of the alarm. */
      key: string;
    };

/** What `commit` writes. Operations on alarms require the service `schedule`. */
export type CommitOperation = StorageOperation | ScheduleOperation;

/** The second argument of `receive`. */
export interface ReceiveContext {
  /**
   * Ends the push and writes the application's storage in one atomic, synchronous batch. With it the application sees
   * each push exactly once, whatever crashes; without it at least once, always with the same `push.id`. Waits until the
   * content has arrived. Rejects, and writes nothing, if the transfer fails or the push has already ended.
   */
  commit(operations?: readonly CommitOperation[]): Promise<void>;
  /** Aborted when the deadline has passed, the transfer has failed, or the application is being stopped. */
  readonly signal: AbortSignal;
}

/** The second argument of `alarm`. */
export interface AlarmContext {
  /**
   * Ends the alarm and writes the application's storage in one atomic, synchronous batch. With it an alarm takes effect
   * exactly once, whatever crashes; without it the alarm ends when `alarm` resolves, and a crash repeats it.
   */
  commit(operations?: readonly CommitOperation[]): Promise<void>;
  /** Aborted when the deadline has passed, or the application is being stopped. */
  readonly signal: AbortSignal;
}

/** Describes a push for people. */
export interface PushDescription {
  /** One line. */
  title: string;
  /** A few sentences. */
  text?: string;
  /** Details, by name. */
  fields?: Record<string, string>;
}

/** A file that a sender offers in session mode, before its transfer. */
export interface PushOffer {
  /** URI of the sender as asserted by the SIP/IP core. */
  readonly from: string;
  /** Media type, lower-case, without parameters. */
  readonly type: string;
  /** Size in bytes, if the sender declared it. */
  readonly size?: number;
  /** Name of the file, if the sender declared it. */
  readonly fileName?: string;
}

/** The answer of a sender to the host's capability negotiation (TS 5.1). */
export interface NegotiatedSender {
  /** URI of the sender, as in the host's configuration. */
  readonly uri: string;
  /** Whether it pushes for this application. */
  readonly supported: boolean;
}

/** A started push application: what `start` returns. Only `receive` is required. */
export interface PushAppInstance {
  /**
   * Called before the transfer of a file in session mode, after the media type and `limits.size` were checked. Throw
   * PushRefused within 3 seconds to refuse the file. A file can be offered again, or never arrive.
   */
  consider?(offer: PushOffer): void | Promise<void>;
  /**
   * Called for each push. Resolves to accept the push. Throws PushRefused to refuse it; any other error is `failed`. In
   * session mode a PushRefused, or any error of a `direct` application, aborts the transfer, and resolving counts only
   * if the content arrives completely. A resumed transfer calls `receive` again: the same `push.id`, the next
   * `attempt`, the content from its first byte.
   */
  receive(push: Push, context: ReceiveContext): void | Promise<void>;
  /** Describes an accepted push for people. */
  describe?(push: Push): PushDescription | Promise<PushDescription>;
  /**
   * Answers a query about the application's state, in JSON values: `query('current')`. The application defines the
   * queries, and throws for an unknown one.
   */
  query?(name: string, args?: unknown): unknown;
  /**
   * Called when a sender of the host's configuration answers whether it pushes for this application: at least once for
   * each registration of the device.
   */
  negotiated?(sender: NegotiatedSender): void | Promise<void>;
  /**
   * Called when an alarm is due; required if the application needs `schedule`. Has `limits.seconds`, as `receive` has.
   * Resolves to end the alarm. If it rejects or is late, the host retries at growing intervals until it resolves or the
   * alarm is cancelled.
   */
  alarm?(alarm: Alarm, context: AlarmContext): void | Promise<void>;
  /** The services that `provides` names. */
  readonly services?: Readonly<Record<string, unknown>>;
  /** Stops the application within 5 seconds. The `signal` of `start` is already aborted. */
  stop?(): void | Promise<void>;
}

/**
 * `durable`: a push is on disk before it is confirmed, and redelivered until it is accepted. `direct`, the default: a
 * push is confirmed when it is accepted, and lost otherwise.
 */
export type Delivery = 'durable' | 'direct';

/** What `start` returns, with the hooks and services that `needs` and `provides` require. */
export type StartedApp<Needs extends string = string, Provides extends string = string> = PushAppInstance &
  HookOfAlarms<Needs> &
  ServicesProvided<Provides>;

/** When `Needs` has every service, the needs are not known, and no hook is required. */
type HookOfAlarms<Needs extends string> = [HostServiceName] extends [Needs]
  ? unknown
  : 'schedule' extends Needs
    ? Required<Pick<PushAppInstance, 'alarm'>>
    : unknown;

type ServicesProvided<Provides extends string> = [Provides] extends [never]
  ? unknown
  : string extends Provides
    ? unknown
    : { readonly services: Pick<AppServices, Provides & keyof AppServices> };

/** A push application: what it accepts, what it needs, and how it starts. */
export interface PushAppDefinition<
  Needs extends string = string,
  Options = unknown,
  Provides extends string = string,
> {
  /** event-app-id; `x-wap-application:mms.ua` and `mms.ua` are the same application (7.1-04). */
  readonly id: string;
  /** Accepted media types in lower case. A wildcard subtype (`image/*`) is allowed. */
  readonly accepts: readonly string[];
  /** Services of the host and of other applications. An application loads after the applications it needs. */
  readonly needs?: readonly Needs[];
  /** Services that it provides for other applications. Their names contain a dot: `weather.forecast`. */
  readonly provides?: readonly Provides[];
  /**
   * Schema of the options, from any library that supports Standard Schema (zod, Valibot, ArkType). `start` receives the
   * parsed options. The schema parses `{}` if the host's configuration contains no options.
   */
  readonly options?: StandardSchemaV1<unknown, Options>;
  /** What a confirmation means; `direct` by default. */
  readonly delivery?: Delivery;
  /** Limits that the host enforces. */
  readonly limits?: {
    /** Largest content in bytes. */
    readonly size?: number;
    /**
     * Seconds that `receive` can take after all content has arrived; 10 by default. A `durable` push is answered within
     * 15 seconds in any case.
     */
    readonly seconds?: number;
  };
  /** IARI that distinguishes this application from others with the same event-app-id and media types (appendix D). */
  readonly iari?: string;
  /** Called once, before the first push. If it throws, the application is not loaded. */
  start(
    // `never`: a definition with options of any type is then assignable to PushAppDefinition.
    context: StartContext<Needs & ServiceName, string extends Needs ? never : Options>,
  ): StartedApp<NoInfer<Needs>, NoInfer<Provides>> | Promise<StartedApp<NoInfer<Needs>, NoInfer<Provides>>>;
}

/** The argument of `start`: the services in `needs`, and always `emit`, `signal` and `options`. */
export type StartContext<Needs extends ServiceName = ServiceName, Options = unknown> = Pick<
  Services & AppServices,
  Needs | 'emit'
> & {
  /** Aborted when the application is being stopped. */
  readonly signal: AbortSignal;
  /** The options in the host's configuration, parsed by the schema. Without a schema they are not validated. */
  readonly options: Options;
};

/** An event that an application emitted, with its own fields. */
export interface AppEvent {
  /** event-app-id of the application. */
  readonly app: string;
  /** Name of the event. */
  readonly kind: string;
  readonly [field: string]: unknown;
}
