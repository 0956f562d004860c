/** The services that an application may need, by name. Each is made for the application that declares it. */

import type { ByteRange } from '../../content/content.js';

/** Which entries of a storage are asked for; all of them where nothing is said. */
export interface StorageRange {
  /** Only keys that begin so. */
  readonly prefix?: string;
  /** Only keys after this one. */
  readonly after?: string;
  /** At most so many entries. */
  readonly limit?: number;
}

/**
 * The application's own durable storage: it outlives restarts and new versions of the application, and no other
 * application sees it. `ReceiveContext.commit` writes to it and ends a push in one step.
 */
export interface AppStorage {
  /** Undefined where there is none. */
  get(key: string): Promise<unknown>;
  /**
   * On disk when it resolves. Throws ConfigurationError when the value is neither JSON nor bytes, LimitError when it
   * is too large, QuotaError when the application keeps as much as it may.
   */
  put(key: string, value: unknown): Promise<void>;
  /** Also of one that is not there. On disk when it resolves. */
  delete(key: string): Promise<void>;
  /** In the order of the keys' code points. */
  entries(range?: StorageRange): AsyncIterable<[key: string, value: unknown]>;
}

/** Content that an application keeps on disk. */
export interface AppFile {
  /** Given by the host; never that of another file. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Where other programs of this machine find it. */
  readonly path: string;
}

/**
 * The application's own files, for what is too large for `storage`. They outlive restarts as its storage does, and
 * no other application is given them. A file belongs to its application when its name is in storage: write the
 * file, then its name; one that `list` tells and storage does not was left by a crash between the two, and can go.
 */
export interface AppFiles {
  /**
   * Keeps all of a stream, with little of it in memory. On disk when it resolves; when it rejects, nothing of it is:
   * as the stream did, or with QuotaError when the application has as much on disk as it may.
   * @returns with the SHA-256, lower-case hexadecimal.
   */
  write(content: ReadableStream<Uint8Array>): Promise<AppFile & { readonly sha256: string }>;
  /** Rejects with ConfigurationError when there is none of this name. */
  open(name: string, range?: ByteRange): Promise<ReadableStream<Uint8Array>>;
  /** Also one that is not there. */
  remove(name: string): Promise<void>;
  /** All of them, in no order. */
  list(): Promise<AppFile[]>;
}

/** Diagnostics for whoever runs the host; nothing that a program should parse. */
export interface AppLog {
  /** What helps to find a fault. */
  debug(message: string): void;
  /** What happened, as it should. */
  info(message: string): void;
  /** What somebody should look at some time. */
  warn(message: string): void;
  /** What did not work, and should have. */
  error(message: string): void;
}

/**
 * Tells the host's user what has come: `emit('notification', { transactionId })`. Fields are JSON values; those
 * named `app`, `kind` and `event` are the host's own and are left out.
 */
export type Emit = (kind: string, fields?: Readonly<Record<string, unknown>>) => void;

/** The time, as the host has it: real, or a test's. */
export interface AppClock {
  /** A date of its own each time. */
  now(): Date;
}

/** An HTTP request of an application. */
export interface AppFetchOptions {
  /** GET when absent. A redirect of a POST is not followed: it is the answer. */
  readonly method?: 'GET' | 'HEAD' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Bytes of the answer's body, also unfolded; the host has a limit of its own. */
  readonly maxSize?: number;
  readonly signal?: AbortSignal;
}

/** The answer to an HTTP request of an application. */
export interface AppFetchResponse {
  /** Where it came from, after redirects. */
  readonly url: string;
  /** Any status, 404 too. */
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** To be read or cancelled, gzip and deflate undone. Errors as the call rejects. */
  readonly body: ReadableStream<Uint8Array>;
  /** The whole body. Rejects with LimitError when it is larger than `limit` bytes. */
  bytes(limit: number): Promise<Uint8Array>;
}

/**
 * HTTP within what the host's configuration allows (`fetch`): origins, size, time; public addresses only, unless
 * the host is named there. Rejects with an error whose `code` is the reason (`not-allowed`, `forbidden-address`,
 * `unreachable`, `timeout`, `too-large`, `unfolds`…) and whose `transient` says whether trying again makes sense.
 */
export type AppFetch = (url: string, options?: AppFetchOptions) => Promise<AppFetchResponse>;

/** Something that an application asked to be told at a time. */
export interface Alarm {
  /** The application's own name for it. */
  readonly key: string;
  readonly at: Date;
  /** As it was given; undefined where nothing was. */
  readonly data: unknown;
}

/**
 * Alarms of an application, by keys of its own. They outlive restarts and new versions of the application; one whose time
 * comes is given to the hook `alarm`, again and again until that resolves. One whose time passed while the host
 * was down, or the application was not loaded, is given as soon as both are up. `commit` can set and cancel them too.
 */
export interface AppSchedule {
  /**
   * In place of the alarm of the same key, if there is one. On disk when it resolves.
   * @param when milliseconds since 1970, or a Date; at once where that has passed.
   * @param data JSON, at most 16 KiB of it.
   * Throws ConfigurationError when the time is none or the data is not JSON, LimitError when there are too many alarms, or
   * the data is too large.
   */
  at(key: string, when: Date | number, data?: unknown): Promise<void>;
  /** Also one that is not there. Gone from the disk when it resolves; a call of `alarm` that has begun goes on. */
  cancel(key: string): Promise<void>;
  /** All of them, the soonest first. */
  list(): Promise<Alarm[]>;
}

/** The host's own services, each by the name that `needs` has. */
export interface Services {
  storage: AppStorage;
  files: AppFiles;
  log: AppLog;
  emit: Emit;
  clock: AppClock;
  fetch: AppFetch;
  schedule: AppSchedule;
}

/**
 * Services that applications make for each other, by the names in `provides` and `needs`. Empty here: whoever provides
 * one declares it, whoever needs it imports that declaration.
 *
 *     declare module 'sip-push/sdk' {
 *       interface AppServices { 'weather.forecast': { today(city: string): Promise<string> } }
 *     }
 *
 * An object of functions that give promises, whose arguments and results `structuredClone` can copy, works as well
 * when either application runs in a worker.
 */
// biome-ignore lint/suspicious/noEmptyInterface: it is for others to fill
export interface AppServices {}

/** A service of the host. */
export type HostServiceName = keyof Services;

/** A service that an application may provide. */
export type AppServiceName = keyof AppServices & string;

/** A name that may stand in `needs`. */
export type ServiceName = HostServiceName | AppServiceName;
