/** The runtime's bounds, each with its reason. Times in milliseconds, sizes in bytes. */

/** design: the final answer to a MESSAGE goes out within 16 s, half of Timer F; a second is left for the wire. */
export const ANSWER_WITHIN = 15_000;

/** `receive`, where the manifest says nothing. */
export const DEFAULT_RECEIVE_SECONDS = 10;

/** A durable application's `receive` may go on past the answer, but not so long that a dead one is never noticed. */
export const MAX_DURABLE_SECONDS = 3600;

/** A direct one's result is the answer: it has to come before ANSWER_WITHIN, with time to wait for its turn. */
export const MAX_DIRECT_SECONDS = 14;

/** A commit that has begun when the deadline comes usually ends within one disk write. */
export const COMMIT_GRACE = 500;

/** `start` reads its storage; a user waits for the host to come up meanwhile. */
export const START_WITHIN = 10_000;

/** A schema looks at a few options; some ask a disk, or a network, on the way. */
export const OPTIONS_WITHIN = 5_000;

/** A module that is loaded when the first push for it comes: its sender waits, beside ANSWER_WITHIN. */
export const WAKE_WITHIN = 1_000;

/** `receive`, once the application is to stop; with STOP_WITHIN less than the 10 s after which containers are killed. */
export const RECEIVE_ENDS_WITHIN = 3_000;

export const STOP_WITHIN = 5_000;

/** `describe` is for a page that a person looks at. */
export const DESCRIBE_WITHIN = 2_000;

/** `query` reads what the application knows, for somebody who waits for it. */
export const QUERY_WITHIN = 2_000;

/** `negotiated` takes note of something; nobody waits for it, but for the log. */
export const NEGOTIATED_WITHIN = 10_000;

/** `consider` looks at an offer, while an INVITE is waiting to be answered. */
export const CONSIDER_WITHIN = 3_000;

/** A transfer that broke off: its sender tries again within hours, or not at all. */
export const TRANSFER_KEEP = 86_400_000;

/** Parts of one transfer with gaps between them: a sender that has this many apart sends at random. */
export const TRANSFER_PARTS = 64;

/** Content up to which a push that came by a file can be shown after the file is gone. */
export const SHOWN_BYTES = 256 * 1024;

/** Retry-After, seconds, where there is room again as soon as one push has ended. */
export const BUSY_RETRY_AFTER = 5;

/** Retry-After, seconds, where somebody has to make room: disk, quota. */
export const RESOURCES_RETRY_AFTER = 60;

/** The first redelivery; each later one waits twice as long: ten attempts take about 45 minutes. */
export const BACKOFF_BASE = 5_000;

/** Longer than this, a push that could be taken again waits for nothing. */
export const BACKOFF_MAX = 1_800_000;

/**
 * A done marker answers a sender that asks again. Retransmissions end after 32 s (Timer F); an hour covers a sender
 * that tries again after a restart of either side.
 */
export const DONE_FOR = 3_600_000;

/** Content elsewhere: past it the reference goes to the disk and is answered, with time to write it. */
export const RETRIEVE_WITHIN = ANSWER_WITHIN - 1_000;

/** The second attempt to retrieve; each later one waits twice as long, up to BACKOFF_MAX. */
export const RETRIEVE_AGAIN_AFTER = 1_000;

/** A reference that says nothing of its expiration. */
export const REFERENCE_FOR = 86_400_000;

/** Longer than a week nobody waits for a push, whatever its sender promises. */
export const REFERENCE_AT_MOST = 7 * REFERENCE_FOR;

export interface RuntimeLimits {
  /** Pushes one application handles at once: applications wait for networks, not for processors. */
  concurrency: number;
  /** Pushes that wait for one application's turn; at ten a second each still gets it before the deadline. */
  waiting: number;
  /** Deliveries begun before a push is set aside as poison. */
  attempts: number;
  /** Pushes in the durable inbox. Their metadata is kept in memory, about 1 KiB each. */
  inboxCount: number;
  inboxBytes: number;
  /** Largest content that goes through the inbox, which holds it in memory while it is written and read. */
  contentBytes: number;
  /** References on disk whose content is still to be had, some 2 KiB of memory each. */
  references: number;
  /** Bodies retrieved at once: each has a connection, and a file that may grow to the largest size allowed. */
  retrievals: number;
  /** Transfers under way at once: each has an open file. */
  transfers: number;
  /** Transfers that broke off and may be resumed, about 500 bytes of memory each. */
  transfersKept: number;
  /** Largest content of one transfer. */
  transferSize: number;
  /** Content of transfers on disk, all together: under way, broken off, in the inbox, set aside. */
  transferBytes: number;
  /** Files of one application: their names and sizes are kept in memory, about 200 bytes each. */
  filesCount: number;
  filesBytes: number;
  /** Alarms of one application: their keys and times are kept in memory, about 200 bytes each. */
  alarms: number;
  /** Pushes set aside; past this the oldest is dropped. */
  deadLetterCount: number;
  deadLetterBytes: number;
  /** Content of those set aside that is in files. */
  deadLetterFileBytes: number;
  /** Done markers, about 100 bytes of memory each. */
  doneEntries: number;
  /** Pushes kept in memory so that `describe` can show them. */
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
  deadLetterCount: 1_000,
  deadLetterBytes: 64 * 1024 * 1024,
  deadLetterFileBytes: 1024 * 1024 * 1024,
  doneEntries: 20_000,
  recentCount: 100,
  recentBytes: 4 * 1024 * 1024,
};
