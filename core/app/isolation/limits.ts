/** The bounds of an application in a worker, each with its reason. Times in milliseconds, sizes in bytes. */

const MEBIBYTE = 1024 * 1024;

/**
 * What an application has in memory: the bundled ones need 10 MiB. Garbage that is not collected yet counts, which may
 * be as much again as what is in use.
 */
export const DEFAULT_MEMORY = 256 * MEBIBYTE;

/** Node.js itself takes some 6 MiB of a worker. */
export const MIN_MEMORY = 32 * MEBIBYTE;

/**
 * How far the engine's own limit of the heap lies above `memory`. Meeting that is survived when a heap grows bit by
 * bit; when it meets it in one large step, the engine ends the whole process. It allocates 1 GiB at most in one step.
 */
export const HEAP_RESERVE = 1280 * MEBIBYTE;

/** An event loop that turns no more. Less than a direct application's deadline, far more than any sensible turn takes. */
export const DEFAULT_UNRESPONSIVE = 5_000;

/** Between an answer and the next question: a leak of 1 GiB/s is found 256 MiB past the limit. */
export const ASK_EVERY = 250;

/** While no answer comes. */
export const LOOK_EVERY = 100;

/** From when on a worker that does not answer is held to account for what the process has grown. */
export const SILENT_AFTER = 200;

/** The script and the module: they are read from a disk, maybe on a slow machine. */
export const LOAD_WITHIN = 30_000;

/** A worker that was asked what is in its module, and that nobody starts, is ended. */
export const UNUSED_FOR = 30_000;

/** Of the 5 s that an application has to stop: after its own `stop` the thread has to end. */
export const STOP_HOOK_WITHIN = 4_000;

/** The first restart; each later one waits twice as long. */
export const RESTART_BASE = 1_000;

export const RESTART_MAX = 300_000;

/** One that ran for so long begins anew with RESTART_BASE. */
export const STEADY_AFTER = 60_000;

/** A call that was given up, as of a `receive` past its deadline: a commit that comes later still counts so long. */
export const LATE_FOR = 60_000;

/** Content that goes over with its push; larger content is a stream. */
export const INLINE_CONTENT = 65_536;

/** One chunk of a stream from an application; what is larger belongs in several. */
export const MAX_CHUNK = 16 * MEBIBYTE;

/** Streams of one application, each way. */
export const MAX_STREAMS = 1_000;

/** Calls of one application that the host has not answered. */
export const MAX_CALLS = 10_000;

/** Messages between two answers of a worker, of which it gives some four a second: it floods its host. */
export const MAX_MESSAGES = 20_000;

/** Entries of storage that go over at once. */
export const ENTRIES_AT_ONCE = 16;

/** Lines of output before the application has a log. */
export const EARLY_LINES = 20;

/** Of options that are wrong: as many as are told. */
export const MAX_ISSUES = 20;
