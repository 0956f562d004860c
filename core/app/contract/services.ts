/** The services that an application can need. The host creates each service for the application that declares it. */

import type { ByteRange } from '../../content/content.js';
import type { EventSchemas, RunTransaction, Transaction } from './transaction.js';

/** Selects entries of a storage; all of them by default. */
export interface StorageRange {
  /** Only keys with this prefix. */
  readonly prefix?: string;
  /** Only keys after this one. */
  readonly after?: string;
  /** Largest number of entries. */
  readonly limit?: number;
}

/**
 * The durable storage of the application. It survives restarts and new versions of the application, and no other
 * application can read it. `push.commit` writes to it and ends a push in one step.
 */
export interface AppStorage<Events extends EventSchemas = EventSchemas> {
  /** The value of a key; undefined if there is none. */
  get(key: string): Promise<unknown>;
  /**
   * Stores a value, which is on disk when it resolves. Rejects with ConfigurationError if the value is neither JSON nor
   * bytes, LimitError if it is too large, QuotaError if the storage of the application is full.
   */
  put(key: string, value: unknown): Promise<void>;
  /** Deletes a value, if there is one. On disk when it resolves. */
  delete(key: string): Promise<void>;
  /** The entries in the order of their keys' code points. */
  entries(range?: StorageRange): AsyncIterable<[key: string, value: unknown]>;
  /**
   * Writes what `write` adds in one atomic, synchronous batch, as `push.commit` does, outside of a push. Read in `write`
   * what the decision depends on: no other transaction of the application runs until this one is written, if `write`
   * returns a promise or the application's `order` is `serial`. `write` has 30 seconds. A transaction must not wait for
   * another one of the same application.
   * @returns what `write` returns.
   */
  readonly transaction: RunTransaction<Events>;
}

/** A file of an application. */
export interface AppFile {
  /** Name that the host assigned; unique. */
  readonly name: string;
  /** Size in bytes. */
  readonly size: number;
  /** Path of the file, for other programs on this machine. */
  readonly path: string;
}

/**
 * The files of the application, for content that is too large for `storage`. They survive restarts. Write the file,
 * then store its name. A file that `list` returns and the storage does not know was left by a crash between the two:
 * remove it.
 */
export interface AppFiles {
  /**
   * Writes a stream to a file, without loading it into memory. The file is on disk when it resolves. Rejects, and
   * writes nothing, with the error of the stream, or with QuotaError if the files of the application use up their
   * quota.
   */
  write(content: ReadableStream<Uint8Array>): Promise<
    AppFile & {
      /** SHA-256 of the content, lower-case hexadecimal. */
      readonly sha256: string;
    }
  >;
  /** A stream of the file, or of a range of it. Rejects with ConfigurationError if there is no file with this name. */
  open(name: string, range?: ByteRange): Promise<ReadableStream<Uint8Array>>;
  /** Removes a file, if it exists. */
  remove(name: string): Promise<void>;
  /** All files, in no particular order. */
  list(): Promise<AppFile[]>;
}

/** The log of the host, for its operator. */
export interface AppLog {
  /** Details for debugging. */
  debug(message: string): void;
  /** Normal operation. */
  info(message: string): void;
  /** Something that needs attention. */
  warn(message: string): void;
  /** A failure. */
  error(message: string): void;
}

/** The time: real, or set by a test. */
export interface AppClock {
  /** The current time, a new Date at each call. */
  now(): Date;
}

/** An HTTP request of an application. */
export interface AppFetchOptions {
  /** GET by default. A redirect of a POST is returned, not followed. */
  readonly method?: 'GET' | 'HEAD' | 'POST';
  /** Headers of the request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Body of a POST. */
  readonly body?: Uint8Array;
  /**
   * HTTP proxy, `http://10.0.0.1:8080`. `fetch.allow` must contain its origin, and name the host of the URL without a
   * wildcard, because the proxy resolves it. An `https:` URL is requested through a tunnel (CONNECT).
   */
  readonly proxy?: string;
  /** Largest body of the response in bytes, after decompression. The host has a limit as well. */
  readonly maxSize?: number;
  /** Aborts the request. */
  readonly signal?: AbortSignal;
}

/** The response to an HTTP request of an application. */
export interface AppFetchResponse {
  /** URL of the response, after redirects. */
  readonly url: string;
  /** HTTP status; a 404 does not reject. */
  readonly status: number;
  /** Headers, names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body, decompressed. Read it or cancel it. */
  readonly body: ReadableStream<Uint8Array>;
  /** The whole body. Rejects with LimitError if it has more than `limit` bytes. */
  bytes(limit: number): Promise<Uint8Array>;
}

/**
 * HTTP within the host's configuration (`fetch`): allowed origins, size and time; only public addresses, unless the
 * configuration names the host. Rejects with FetchError: its `code` is the reason (`not-allowed`, `forbidden-address`,
 * `unreachable`, `timeout`, `too-large`, `decoded-too-large`…), and `transient` says whether a retry can succeed.
 */
export type AppFetch = (url: string, options?: AppFetchOptions) => Promise<AppFetchResponse>;

/** An alarm of an application. */
export interface Alarm {
  /** Key that the application chose. */
  readonly key: string;
  /** When it is due. */
  readonly at: Date;
  /** Data that the application passed; undefined without any. */
  readonly data: unknown;
}

/** An alarm that is due: the argument of the hook `alarm`. */
export interface DueAlarm<Events extends EventSchemas = EventSchemas> extends Alarm {
  /** Aborted when the deadline has passed, or the application is being stopped. */
  readonly signal: AbortSignal;
  /**
   * Ends the alarm, and writes what `write` adds in one atomic, synchronous batch. With it an alarm takes effect exactly
   * once, whatever crashes; without it the alarm ends when `alarm` resolves, and a crash repeats it. `write` can set an
   * alarm with the same key.
   * @returns what `write` returns.
   */
  commit<Result = void>(write?: (tx: Transaction<Events>) => Result | Promise<Result>): Promise<Result>;
}

/**
 * Alarms of an application. They survive restarts and new versions of the application. The host calls the hook `alarm`
 * when an alarm is due, and retries until it resolves. An alarm that became due while the host was down is delivered as
 * soon as the host and the application run. A transaction can set and cancel alarms, too.
 */
export interface AppSchedule {
  /**
   * Sets an alarm, and replaces the alarm with the same key. On disk when it resolves. Rejects with ConfigurationError
   * if the time is invalid or the data is not JSON, with LimitError if there are too many alarms or the data is too
   * large.
   * @param key identifies the alarm.
   * @param when milliseconds since 1970, or a Date. A time in the past is due at once.
   * @param data JSON, at most 16 KiB.
   */
  at(key: string, when: Date | number, data?: unknown): Promise<void>;
  /** Cancels an alarm, if it exists. Removed from disk when it resolves. A running call of `alarm` continues. */
  cancel(key: string): Promise<void>;
  /** All alarms, the soonest first. */
  list(): Promise<Alarm[]>;
}

/** The services of the host, by their names in `needs`. */
export interface Services<Events extends EventSchemas = EventSchemas> {
  /** Durable keys and values. */
  storage: AppStorage<Events>;
  /** Durable files. */
  files: AppFiles;
  /** The host's log. */
  log: AppLog;
  /** The time. */
  clock: AppClock;
  /** HTTP requests. */
  fetch: AppFetch;
  /** Alarms. */
  schedule: AppSchedule;
}

/**
 * Services that applications provide for each other, by their names in `provides` and `needs`. Empty here: the
 * providing package declares its services, and the other package imports that declaration.
 *
 *     declare module 'sip-push/sdk' {
 *       interface AppServices { 'weather.forecast': { today(city: string): Promise<string> } }
 *     }
 *
 * If either application runs in a worker, a service must be an object of functions that return promises, with arguments
 * and results that `structuredClone` can copy.
 */
// biome-ignore lint/suspicious/noEmptyInterface: it is for others to fill
export interface AppServices {}

/** Name of a service of the host. */
export type HostServiceName = keyof Services;

/** Name of a service that an application can provide. */
export type AppServiceName = keyof AppServices & string;

/** A name that can be in `needs`. */
export type ServiceName = HostServiceName | AppServiceName;

/** `Name` if it can be in `needs`; else the names that can, and a text with what to do. */
export type NeededService<Name> = Name extends ServiceName
  ? Name
  : ServiceName | UnknownService<Name & string>;

type UnknownService<Name extends string> = Name extends `${string}.${string}`
  ? `unknown service "${Name}": import the types of the package that provides it`
  : `unknown service "${Name}": the host has clock, fetch, files, log, schedule and storage; a service of an application has a dot in its name`;

/** `Name` if it can be in `provides`; else the names that can, and a text with what to do. */
export type ProvidedService<Name> = Name extends AppServiceName
  ? Name
  : AppServiceName | UndeclaredService<Name & string>;

type UndeclaredService<Name extends string> = Name extends `${string}.${string}`
  ? `undeclared service "${Name}": add declare module 'sip-push/sdk' { interface AppServices { '${Name}': … } }`
  : `invalid name "${Name}" of a service: expected one with a dot, like "weather.forecast"`;
