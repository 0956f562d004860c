/** Limits of the runtime. Times in milliseconds, sizes in bytes. */

/** The final response to a MESSAGE is sent within 16 s, half of Timer F. One second is left for the network. */
export const ANSWER_WITHIN = 15_000;

/** The lookup of a finished push, before ANSWER_WITHIN begins. It usually takes less than a millisecond. */
export const LOOKUP_WITHIN = 1_000;

/** `receive`, unless the manifest declares another time. */
export const DEFAULT_RECEIVE_SECONDS = 10;

/** `receive` of a durable application may continue after the answer, but a dead application must be noticed. */
export const MAX_DURABLE_SECONDS = 3600;

/** The result of a direct application is the answer: it is due before ANSWER_WITHIN, including the wait for a slot. */
export const MAX_DIRECT_SECONDS = 14;

/** A commit that is in progress at the deadline usually ends within one disk write. */
export const COMMIT_GRACE = 500;

/** `start` reads storage while the user waits for the host to start. */
export const START_WITHIN = 10_000;

/** A schema validates a few options. Some schemas read the disk or the network. */
export const OPTIONS_WITHIN = 5_000;

/** Loading a module at its first push: the sender waits this long in addition to ANSWER_WITHIN. */
export const WAKE_WITHIN = 1_000;

/** `receive`, when the application is being stopped. With STOP_WITHIN, less than the 10 s before a container is killed. */
export const RECEIVE_ENDS_WITHIN = 3_000;

export const STOP_WITHIN = 5_000;

/** `describe` is called for a page that a person opens. */
export const DESCRIBE_WITHIN = 2_000;

/** `query` reads the application's state while its caller waits. */
export const QUERY_WITHIN = 2_000;

/** `negotiated` is a notification: nothing waits for it. Its deadline is for the log. */
export const NEGOTIATED_WITHIN = 10_000;

/** The host's listener of events may send them over a network. */
export const EVENT_WITHIN = 30_000;

/** `consider` examines an offer while an INVITE waits for its answer. */
export const CONSIDER_WITHIN = 3_000;

/** How long a partial transfer is kept, in milliseconds that the host runs. Its sender retries within hours, or not at all. */
export const TRANSFER_RETENTION = 86_400_000;

/** Ranges of one transfer with gaps between them. A correct sender leaves few gaps. */
export const TRANSFER_PARTS = 64;

/** Size limit of content in a file that can be described after the file is removed. */
export const MAX_DESCRIBED_BYTES = 256 * 1024;

/** Retry-After in seconds, when there is space as soon as one push is finished. */
export const BUSY_RETRY_AFTER = 5;

/** Retry-After in seconds, when a disk or a quota is full. */
export const RESOURCES_RETRY_AFTER = 60;

/** Wait before the first redelivery. Each later wait is twice as long: ten attempts take about 45 minutes. */
export const BACKOFF_BASE = 5_000;

/** Longest wait before a redelivery. */
export const BACKOFF_MAX = 1_800_000;

/**
 * How long a finished push is known, in milliseconds that the host runs. A sender retries for at most 30 days, its largest
 * `ttl`.
 */
export const FINISHED_RETENTION = 31 * 86_400_000;

/** Bytes on disk of one finished push: 43 measured, and its share of what LevelDB has not compacted yet. */
export const FINISHED_BYTES = 64;

/** Retrieval of content: afterwards the reference is stored and the sender answered. One second is left for the write. */
export const RETRIEVE_WITHIN = ANSWER_WITHIN - 1_000;

/** Wait before the second attempt to retrieve content. Each later wait is twice as long, up to BACKOFF_MAX. */
export const RETRIEVAL_BACKOFF_BASE = 1_000;

/** Lifetime of a reference without an expiration. */
export const DEFAULT_REFERENCE_LIFETIME = 86_400_000;

/** Longest lifetime of a reference, even if it expires later. */
export const MAX_REFERENCE_LIFETIME = 7 * DEFAULT_REFERENCE_LIFETIME;

export interface RuntimeLimits {
  /** Pushes that one application handles concurrently: applications wait for networks, not for processors. */
  concurrency: number;
  /** Pushes that wait for a slot of one application. At ten a second, each has one before its deadline. */
  waiting: number;
  /** Deliveries before a push becomes a dead letter. */
  attempts: number;
  /** Pushes in the inbox, in shares of the applications. Their metadata is in memory, about 1 KiB each. */
  inboxCount: number;
  inboxBytes: number;
  /** Size limit of content in the inbox, which is in memory while it is written and read. */
  contentBytes: number;
  /** References whose content is still to be retrieved, in shares of the applications; about 2 KiB of memory each. */
  references: number;
  /** Concurrent retrievals: each has a connection, and a file of up to the size limit. */
  retrievals: number;
  /** Concurrent transfers: each has an open file. */
  transfers: number;
  /** Partial transfers that can be resumed, about 500 bytes of memory each. */
  transfersKept: number;
  /** Size limit of one transfer. */
  transferSize: number;
  /**
   * All content in files together: transfers in progress, partial transfers, inbox and dead letters. In shares of the
   * applications, and of the senders.
   */
  transferBytes: number;
  /** Files of one application. Their names and sizes are in memory, about 200 bytes each. */
  filesCount: number;
  filesBytes: number;
  /** Alarms of one application. Their keys and times are in memory, about 200 bytes each. */
  alarms: number;
  /** Dead letters, in shares of the applications. An application that has used up its share receives no new pushes. */
  deadLetterCount: number;
  deadLetterBytes: number;
  /** Content of dead letters in files. */
  deadLetterFileBytes: number;
  /** Disk quota of finished pushes, 64 bytes each. When it is used up, the oldest are forgotten before their time. */
  finishedBytes: number;
  /** Finished pushes whose content is in memory for `describe`. */
  recentCount: number;
  recentBytes: number;
}

export const DEFAULT_LIMITS: RuntimeLimits = {
  concurrency: 16,
  waiting: 100,
  attempts: 10,
  inboxCount: 10_000,
  inboxBytes: 256 * 1024 * 1024,
  contentBytes: 16 * 1024 * 1024,
  references: 1_000,
  retrievals: 16,
  transfers: 1_000,
  transfersKept: 1_000,
  transferSize: 1024 * 1024 * 1024,
  transferBytes: 4 * 1024 * 1024 * 1024,
  filesCount: 10_000,
  filesBytes: 256 * 1024 * 1024,
  alarms: 10_000,
  deadLetterCount: 10_000,
  deadLetterBytes: 256 * 1024 * 1024,
  deadLetterFileBytes: 1024 * 1024 * 1024,
  // A day at 3,800 pushes a second.
  finishedBytes: 20 * 1024 * 1024 * 1024,
  recentCount: 100,
  recentBytes: 4 * 1024 * 1024,
};
