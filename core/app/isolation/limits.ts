/** Limits of an application in a worker. Times are in milliseconds, sizes in bytes. */

const MEBIBYTE = 1024 * 1024;

/**
 * Memory of an application. The bundled applications need 10 MiB. Garbage that is not yet collected counts, and can
 * double the usage.
 */
export const DEFAULT_MEMORY = 256 * MEBIBYTE;

/** A worker of Node.js uses about 6 MiB before any application runs. */
export const MIN_MEMORY = 32 * MEBIBYTE;

/**
 * Distance of the engine's heap limit from `memory`. A worker that reaches the engine's limit in small steps ends alone;
 * in one large step it ends the whole process. One allocation is at most 1 GiB.
 */
export const HEAP_RESERVE = 1280 * MEBIBYTE;

/** Longest time that the event loop can be blocked: less than the deadline of a direct application. */
export const DEFAULT_UNRESPONSIVE = 5_000;

/** Between a pong and the next ping: a leak of 1 GiB/s is detected 256 MiB past the limit. */
export const PING_INTERVAL = 250;

/** Between checks of a worker that does not answer. */
export const CHECK_INTERVAL = 100;

/** After this time without an answer, the growth of the process is attributed to the worker. */
export const SILENT_AFTER = 200;

/** Deadline for loading the script and the module, which allows for a slow disk. */
export const LOAD_WITHIN = 30_000;

/** A worker that has loaded its module and is not started ends after this time. */
export const UNUSED_FOR = 30_000;

/** Deadline of the hook `stop`. The thread ends in the rest of the 5 s that an application has to stop. */
export const STOP_HOOK_WITHIN = 4_000;

/** Delay of the first restart. It doubles with each further failure. */
export const RESTART_BASE = 1_000;

export const RESTART_MAX = 300_000;

/** After a worker ran for this time, the next restart waits RESTART_BASE again. */
export const STEADY_AFTER = 60_000;

/** How long a commit of an aborted call is accepted, as of a `receive` past its deadline. */
export const LATE_COMMIT_WITHIN = 60_000;

/** Largest content that is sent with its push. Larger content is a stream. */
export const INLINE_CONTENT = 65_536;

/** Largest chunk of a stream from an application. */
export const MAX_CHUNK = 16 * MEBIBYTE;

/** Open streams of one application in each direction. */
export const MAX_STREAMS = 1_000;

/** Calls of one application that the host has not yet answered. */
export const MAX_CALLS = 10_000;

/** Messages between two pongs, which come about four times a second. A worker that sends more is ended. */
export const MAX_MESSAGES = 20_000;

/** Events between two pongs. A worker that emits more is ended. */
export const MAX_EVENTS = 2_000;

/** Lines of log and output between two pongs, and the characters of a line. More are dropped, and counted in one line. */
export const MAX_LINES = 200;
export const MAX_LINE = 8_192;

/** Characters of the lines between two pongs, including dropped ones. A worker that sends more is ended. */
export const MAX_LOGGED = 16 * MEBIBYTE;

/** Entries of storage in one message. */
export const ENTRIES_AT_ONCE = 16;

/** Lines of output that are kept until the application has a log. */
export const MAX_EARLY_LINES = 20;

/** Issues of invalid options that are reported. */
export const MAX_ISSUES = 20;
