/** The services that an application may need, by name. Each is made for the application that declares it. */

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
  get(key: string): Promise<unknown>;
  /** On disk when it resolves. Throws ConfigurationError when the value is neither JSON nor bytes, LimitError when too large. */
  put(key: string, value: unknown): Promise<void>;
  delete(key: string): Promise<void>;
  /** In the order of the keys' code points. */
  entries(range?: StorageRange): AsyncIterable<[key: string, value: unknown]>;
}

/** Diagnostics for whoever runs the host; nothing that a program should parse. */
export interface AppLog {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/**
 * Tells the host's user what has come: `emit('notification', { transactionId })`. Fields are JSON values; those
 * named `app`, `kind` and `event` are the host's own and are left out.
 */
export type Emit = (kind: string, fields?: Readonly<Record<string, unknown>>) => void;

/** The time, as the host has it: real, or a test's. */
export interface AppClock {
  now(): Date;
}

export interface Services {
  storage: AppStorage;
  log: AppLog;
  emit: Emit;
  clock: AppClock;
}

export type ServiceName = keyof Services;
