import type { Content } from '../../content/content.js';
import type { StandardSchemaV1 } from './options.js';
import type { Alarm, AppServices, HostServiceName, ServiceName, Services } from './services.js';

/**
 * Version of the contract between the runtime and push applications, as semver has it: the major number changes when an
 * application that kept to the contract may no longer work. A manifest says a range of it (`"contract": "^1.0.0"`).
 */
export const CONTRACT_VERSION = '1.0.0';

/** The contract between the runtime and a push application. */

/** How a push came: in a SIP MESSAGE, over MSRP in a session, or as a reference that the host retrieved. */
export type PushMode = 'pager' | 'session' | 'indirect';

/** One push, as an application receives it. */
export interface Push {
  /** The same for every delivery of this push, also after a restart. */
  readonly id: string;
  /** event-app-id of the application addressed, in its short form (`mms.ua`). */
  readonly app: string;
  /** URI of the sender as asserted by the SIP/IP core (P-Asserted-Identity). */
  readonly from: string;
  /** URI the push was sent to. */
  readonly to: string;
  readonly mode: PushMode;
  /**
   * In session mode it is still coming when `receive` is called: streams follow it as it comes, and what they give is
   * provisional. They end only when all of it has come and is what was offered (size, SHA-1); when it breaks off they
   * error. Reading as late, as slowly, as often or as little as one likes holds up nobody: it waits on disk.
   */
  readonly content: Content;
  /** Headers that describe the content (`content-*`, `x-wap-*`), names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly fileName?: string;
  readonly receivedAt: Date;
  /** 1 for the first delivery. */
  readonly attempt: number;
}

/** One write to the application's own storage; `value` is JSON or bytes. */
export type StorageOperation = { type: 'put'; key: string; value: unknown } | { type: 'delete'; key: string };

/** An alarm set, in place of one of the same key, or cancelled, as the service `schedule` does. */
export type ScheduleOperation =
  | { type: 'alarm'; key: string; at: Date | number; data?: unknown }
  | { type: 'cancel'; key: string };

/** What `commit` writes. Operations on alarms are for applications that need `schedule`. */
export type CommitOperation = StorageOperation | ScheduleOperation;

/** What `receive` is given beside the push. */
export interface ReceiveContext {
  /**
   * Ends the push and writes the application's storage in one atomic, synchronous batch: with it the
   * application sees each push exactly once whatever dies; without it at least once, always with the same
   * `push.id`. Rejects when the push has ended already: committed before, or, for `direct`, past its deadline. While
   * the content is still coming it waits, and rejects when that breaks off: nothing is written then.
   */
  commit(operations?: readonly CommitOperation[]): Promise<void>;
  /** Aborted when the deadline has passed, the content has broken off, or the application is being stopped. */
  readonly signal: AbortSignal;
}

/** What `alarm` is given beside the alarm. */
export interface AlarmContext {
  /**
   * Ends the alarm and writes the application's storage in one atomic, synchronous batch: with it an alarm has
   * its effect exactly once whatever dies; without it the alarm ends when `alarm` resolves, and may come again.
   */
  commit(operations?: readonly CommitOperation[]): Promise<void>;
  /** Aborted when the deadline has passed, or the application is being stopped. */
  readonly signal: AbortSignal;
}

/** What a person would like to read of a push. */
export interface PushDescription {
  title: string;
  text?: string;
  fields?: Record<string, string>;
}

/** A file offered in session mode, ahead of delivery. */
export interface PushOffer {
  /** URI of the sender as asserted by the SIP/IP core. */
  readonly from: string;
  /** Media type, lower-case, without parameters. */
  readonly type: string;
  /** Bytes, where the sender says. */
  readonly size?: number;
  readonly fileName?: string;
}

/** A sender of the host's, and what it has said of this application. */
export interface NegotiatedSender {
  /** As the host's configuration has it. */
  readonly uri: string;
  /** It pushes for this application. */
  readonly supported: boolean;
}

/** A push application that has been started: what `start` returns. Only `receive` is required. */
export interface PushAppInstance {
  /**
   * Session mode, ahead of delivery: throw PushRefused to refuse this file, within 3 s. Types and `limits.size` have
   * been checked. A file that was let pass may never come, and one may come again that broke off.
   */
  consider?(offer: PushOffer): void | Promise<void>;
  /**
   * Resolves: responsibility is taken. Throws PushRefused(kind, reason), or anything else for `failed`. In session
   * mode it may throw at any time, which ends the transfer when the application is `direct` or throws PushRefused;
   * that it resolved counts only when the content comes whole. A push that broke off and is resumed is given anew:
   * the same `push.id`, the next `attempt`, the content from its start.
   */
  receive(push: Push, context: ReceiveContext): void | Promise<void>;
  /** What a person would like to read of a push that was taken. */
  describe?(push: Push): PushDescription | Promise<PushDescription>;
  /**
   * Answers what the host asks about its state, in JSON values: `query('current')`. Which questions there are is
   * the application's own to say; it throws at others.
   */
  query?(name: string, args?: unknown): unknown;
  /**
   * A configured sender has answered what the host told it: whether it pushes for this application. Told again each
   * time it answers, at the least as often as the device registers.
   */
  negotiated?(sender: NegotiatedSender): void | Promise<void>;
  /**
   * The time of an alarm has come; required of an application that needs `schedule`. Within `limits.seconds`, as
   * `receive`. Resolves: the alarm has ended, unless it was set anew meanwhile. Rejects, or is late: it is given again,
   * at growing intervals, until it resolves or is cancelled.
   */
  alarm?(alarm: Alarm, context: AlarmContext): void | Promise<void>;
  /** The services that `provides` names. */
  readonly services?: Readonly<Record<string, unknown>>;
  /** Ends what was begun, within 5 s. Its `signal` has been aborted. */
  stop?(): void | Promise<void>;
}

/**
 * `durable`: on disk before it is confirmed, given again until taken. `direct`: confirmed when taken, gone when not;
 * what a manifest means that does not say.
 */
export type Delivery = 'durable' | 'direct';

/** What `start` returns, with what `needs` and `provides` ask for. */
export type StartedApp<Needs extends string = string, Provides extends string = string> = PushAppInstance &
  HookOfAlarms<Needs> &
  ServicesProvided<Provides>;

/** One that may need anything is one of which nothing is known. */
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

/** A push application, as `definePushApp` takes it: what it is, and how it is started. */
export interface PushAppDefinition<
  Needs extends string = string,
  Options = unknown,
  Provides extends string = string,
> {
  /** event-app-id; `x-wap-application:mms.ua` and `mms.ua` are the same application (7.1-04). */
  readonly id: string;
  /** Media types it takes, lower-case; a wildcard subtype (`image/*`) is allowed. */
  readonly accepts: readonly string[];
  /** Services of the host, and of other applications: those are loaded first, in whatever order the host names them. */
  readonly needs?: readonly Needs[];
  /** Services that it makes for other applications, names with a dot in them: `weather.forecast`. */
  readonly provides?: readonly Provides[];
  /**
   * What its options have to be, a schema of any library that follows Standard Schema (zod, Valibot, ArkType…). What
   * that makes of them is in `start`'s context. Where the host's configuration has none, it is given `{}`.
   */
  readonly options?: StandardSchemaV1<unknown, Options>;
  readonly delivery?: Delivery;
  readonly limits?: {
    /** Largest content, bytes. */
    readonly size?: number;
    /**
     * Seconds `receive` may take, from when all of the content is there; 10 when absent. The sender of a `durable` push is answered within 15 s however
     * long that is.
     */
    readonly seconds?: number;
  };
  /** IARI that tells this application from another with the same event-app-id and media types (appendix D). */
  readonly iari?: string;
  /** Called once, before the first push. What it throws is why the application cannot be loaded. */
  start(
    // A host that knows nothing of them may load applications with options of any type.
    context: StartContext<Needs & ServiceName, string extends Needs ? never : Options>,
  ): StartedApp<NoInfer<Needs>, NoInfer<Provides>> | Promise<StartedApp<NoInfer<Needs>, NoInfer<Provides>>>;
}

/** What `start` is given: the services in `needs`, and always these. */
export type StartContext<Needs extends ServiceName = ServiceName, Options = unknown> = Pick<
  Services & AppServices,
  Needs | 'emit'
> & {
  /** Aborted when the application is being stopped. */
  readonly signal: AbortSignal;
  /** What the host's configuration says for this application, as its schema has it; without one anything, so check it. */
  readonly options: Options;
};

/** What an application emitted: `app` is its event-app-id, the other fields are its own. */
export interface AppEvent {
  readonly app: string;
  readonly kind: string;
  readonly [field: string]: unknown;
}
