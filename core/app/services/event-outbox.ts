/** Events of transactions: on disk with the transaction, and delivered to the host's listener until it has returned. */

import { platform } from '#platform';
import { LimitError, MalformedError, TimeoutError } from '../../errors.js';
import type { InjectionToken } from '../../injection.js';
import type { LogSink } from '../../log.js';
import { decodeJson, EVENT_PREFIX, encodeJson, type Records, type Write } from '../../store/records.js';
import { reasonOf } from '../../text.js';
import { retryDelay } from '../../time/backoff.js';
import type { Clock } from '../../time/clock.js';
import { atMost, invoke } from '../../time/deadline.js';
import type { ApplicationEvent } from '../contract/push-app.js';
import { BACKOFF_BASE, BACKOFF_MAX, EVENT_WITHIN } from '../limits.js';

/**
 * Receives the events of applications. An event of a transaction is delivered again if it throws, rejects, or does not
 * return within 30 seconds.
 */
export type EventListener = (event: ApplicationEvent) => unknown;

/** Events of one application that wait for the listener, and their bytes. They are in memory as well. */
const MAX_WAITING = 1_000;
const MAX_WAITING_BYTES = 4 * 1024 * 1024;

/**
 * Pushes do not start while more than this part of the limit is used, so that those in progress have space for their
 * events.
 */
const BACKLOG = 1 / 2;

/** Milliseconds that the listener has when the host stops. */
const STOP_WITHIN = 2_000;

interface StoredEvent {
  /** Key in the store, in the order of the transactions. */
  readonly key: string;
  readonly event: ApplicationEvent;
  readonly bytes: number;
}

/** Too many events wait for the listener. This is temporary, so the attempt of a push does not count. */
export class EventBacklogError extends LimitError {
  static {
    EventBacklogError.prototype.name = 'EventBacklogError';
  }

  /** Never throws: an application can throw a proxy. */
  static is(thrown: unknown): thrown is EventBacklogError {
    try {
      return thrown instanceof EventBacklogError;
    } catch {
      return false;
    }
  }
}

/** The events of one application, which are delivered one after another. */
interface Queue {
  readonly app: string;
  readonly waiting: StoredEvent[];
  /** Number of events that are being written. */
  writing: number;
  /** Bytes of the events that wait or are being written. */
  bytes: number;
  delivering: boolean;
  /** Whether a call of the listener is in progress and its deadline has not passed. */
  calling: boolean;
  failures: number;
  /** Whether the backlog is large enough that pushes of the application do not start. */
  backlog: boolean;
  /** Whether the backlog was logged since the queue was last empty. */
  logged: boolean;
  readonly onBacklog: Set<BacklogListener>;
  /** Cancels the timer of the deadline, or of the next delivery. */
  cancelTimer(): void;
}

/** @param backlog whether the backlog of an application is large enough that its pushes do not start. */
export type BacklogListener = (backlog: boolean) => void;

export interface EventOutboxParts {
  readonly records: Records;
  readonly clock: Clock;
  readonly log: LogSink;
  readonly listener: EventListener | undefined;
}

export class EventOutbox {
  readonly #queues = new Map<string, Queue>();
  readonly #delivering = new Set<Promise<void>>();
  #sequence = 0;
  #started = false;

  private constructor(private readonly parts: EventOutboxParts) {}

  /** Reads the events that an earlier run of the host has not delivered. @throws StoreError */
  static async open(parts: EventOutboxParts): Promise<EventOutbox> {
    const outbox = new EventOutbox(parts);
    for await (const [key, bytes] of parts.records.entries(EVENT_PREFIX)) {
      outbox.#sequence = Math.max(outbox.#sequence, Number.parseInt(key, 36) || 0);
      try {
        const event = decodeEvent(bytes);
        const queue = outbox.#queueOf(event.app);
        queue.waiting.push({ key, event, bytes: bytes.length });
        queue.bytes += bytes.length;
        outbox.#notifyBacklog(queue);
      } catch (error) {
        parts.log({ level: 'error', message: `an event in the store is skipped: ${reasonOf(error)}` });
      }
    }
    return outbox;
  }

  /** Starts to deliver events. */
  start(): void {
    this.#started = true;
    for (const queue of this.#queues.values()) this.#deliver(queue);
  }

  /** Stops when the listener has returned, or after two seconds. Events that wait are delivered after the next start. */
  async stop(): Promise<void> {
    this.#started = false;
    for (const { cancelTimer } of this.#queues.values()) cancelTimer();
    await atMost(STOP_WITHIN, Promise.all(this.#delivering));
  }

  /** Emits an event that is not stored. An error of the listener is logged. */
  emit(app: string, kind: string, fields: Readonly<Record<string, unknown>>): void {
    const event = eventOf(platform.randomHex(16), app, kind, fields);
    const failed = (error: unknown) => this.#warn(event, `the host's listener failed: ${reasonOf(error)}`);
    try {
      Promise.resolve(this.parts.listener?.(event)).catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  /**
   * Writes events with their transaction, and delivers them afterwards.
   * @param write writes the transaction with the operations of the events.
   * @throws EventBacklogError when too many events wait for the listener; LimitError when one transaction has too many;
   * what `write` throws.
   */
  async write(
    app: string,
    events: readonly { kind: string; fields: Readonly<Record<string, unknown>> }[],
    write: (operations: readonly Write[]) => Promise<void>,
  ): Promise<void> {
    const stored = events.map(({ kind, fields }) => this.#prepared(app, kind, fields));
    const bytes = stored.reduce((sum, { event }) => sum + event.bytes, 0);
    const queue = this.#queueOf(app);
    requireSpace(queue, stored.length, bytes);
    queue.writing += stored.length;
    queue.bytes += bytes;
    this.#notifyBacklog(queue);
    try {
      await write(stored.map(({ operation }) => operation));
    } catch (error) {
      queue.writing -= stored.length;
      queue.bytes -= bytes;
      this.#notifyBacklog(queue);
      throw error;
    }
    queue.writing -= stored.length;
    for (const { event } of stored) queue.waiting.push(event);
    this.#deliver(queue);
  }

  /**
   * Calls `listener` when the backlog of an application begins and ends, and at once if there is one. The returned
   * function removes it.
   */
  onBacklog(app: string, listener: BacklogListener): () => void {
    const { onBacklog, backlog } = this.#queueOf(app);
    onBacklog.add(listener);
    if (backlog) listener(true);
    return () => onBacklog.delete(listener);
  }

  #notifyBacklog(queue: Queue): void {
    const { app, waiting, writing, bytes, onBacklog } = queue;
    const count = waiting.length + writing;
    if (count === 0) queue.logged = false;
    const backlog = count >= MAX_WAITING * BACKLOG || bytes >= MAX_WAITING_BYTES * BACKLOG;
    if (backlog === queue.backlog) return;
    queue.backlog = backlog;
    if (backlog && !queue.logged) {
      queue.logged = true;
      const message = `${count} events of ${bytes} bytes wait for the host's listener: pushes and alarms wait for it as well`;
      this.parts.log({ level: 'warn', app, message });
    }
    for (const listener of onBacklog) listener(backlog);
  }

  #prepared(
    app: string,
    kind: string,
    fields: Readonly<Record<string, unknown>>,
  ): { event: StoredEvent; operation: Write } {
    const key = (++this.#sequence).toString(36).padStart(10, '0');
    const event = eventOf(platform.randomHex(16), app, kind, fields);
    const value = encodeJson(event);
    return {
      event: { key, event, bytes: value.length },
      operation: { type: 'put', key: EVENT_PREFIX + key, value },
    };
  }

  /** An application has one queue while the runtime runs. */
  #queueOf(app: string): Queue {
    const known = this.#queues.get(app);
    if (known) return known;
    const queue: Queue = {
      app,
      waiting: [],
      writing: 0,
      bytes: 0,
      delivering: false,
      calling: false,
      failures: 0,
      cancelTimer: () => {},
      backlog: false,
      logged: false,
      onBacklog: new Set<BacklogListener>(),
    };
    this.#queues.set(app, queue);
    return queue;
  }

  #deliver(queue: Queue): void {
    if (!this.#started || queue.delivering) return;
    queue.delivering = true;
    this.#run(queue);
  }

  #run(queue: Queue): void {
    const delivering = this.#deliverAll(queue).finally(() => this.#delivering.delete(delivering));
    this.#delivering.add(delivering);
  }

  /** Never rejects. */
  async #deliverAll(queue: Queue): Promise<void> {
    for (let next = queue.waiting[0]; next && this.#started; next = queue.waiting[0]) {
      const { event } = next;
      const call = invoke(() => this.parts.listener?.(event));
      try {
        await this.#inTime(queue, call);
      } catch (error) {
        // The queue stays `delivering`, so that later events do not shorten the wait.
        if (queue.waiting[0] === next) {
          this.#retry(queue, event, error);
          call.then(() => this.#returnedLate(queue, next)).catch(() => {});
          return;
        }
      }
      // An earlier call for this event may have returned meanwhile.
      if (queue.waiting[0] === next) this.#delivered(queue, next);
    }
    queue.delivering = false;
  }

  /** Settles as the call of the listener does, or rejects at its deadline. */
  async #inTime(queue: Queue, call: Promise<unknown>): Promise<void> {
    const { clock } = this.parts;
    queue.calling = true;
    try {
      await new Promise((resolve, reject) => {
        const late = () =>
          reject(new TimeoutError(`the host's listener did not return within ${EVENT_WITHIN / 1000} s`));
        queue.cancelTimer = clock.after(EVENT_WITHIN, late);
        call.then(resolve, reject);
      });
    } finally {
      queue.cancelTimer();
      queue.calling = false;
    }
  }

  /** The listener returned after its deadline: the event need not be delivered again. */
  #returnedLate(queue: Queue, event: StoredEvent): void {
    if (!this.#started || queue.waiting[0] !== event) return;
    this.#delivered(queue, event);
    if (queue.calling) return;
    queue.cancelTimer();
    this.#run(queue);
  }

  /** The first event of the queue is not delivered again. */
  #delivered(queue: Queue, { event, key, bytes }: StoredEvent): void {
    queue.failures = 0;
    queue.waiting.shift();
    queue.bytes -= bytes;
    this.#notifyBacklog(queue);
    // After a loss of power the event is delivered again, with the same id.
    this.parts.records
      .write([{ type: 'del', key: EVENT_PREFIX + key }], 'written')
      .catch((error: unknown) => {
        this.#warn(event, `was delivered, and will be delivered again after a restart: ${reasonOf(error)}`);
      });
  }

  #retry(queue: Queue, event: ApplicationEvent, error: unknown): void {
    if (!this.#started) return;
    const { clock } = this.parts;
    const wait = retryDelay(
      { first: BACKOFF_BASE, longest: BACKOFF_MAX },
      ++queue.failures,
      0,
      clock.random(),
    );
    this.#warn(event, `will be delivered again in ${Math.ceil(wait / 1000)} s: ${reasonOf(error)}`);
    queue.cancelTimer = clock.after(wait, () => this.#run(queue));
  }

  #warn({ app, kind, id, eventId }: ApplicationEvent, message: string): void {
    this.parts.log({ level: 'warn', app, message: `event "${kind}" ${eventId ?? id}: ${message}` });
  }
}

/**
 * Counts events that are being written, since transactions can run at the same time.
 * @throws EventBacklogError, or LimitError when one transaction has too many.
 */
function requireSpace({ app, waiting, writing, bytes }: Queue, moreEvents: number, moreBytes: number): void {
  const expected = `expected at most ${MAX_WAITING} events and ${MAX_WAITING_BYTES} bytes`;
  if (!fits(moreEvents, moreBytes)) {
    throw new LimitError(
      `${app}: ${moreEvents} events of ${moreBytes} bytes in one transaction: ${expected}; use several transactions`,
    );
  }
  const count = waiting.length + writing + moreEvents;
  const all = bytes + moreBytes;
  if (fits(count, all)) return;
  throw new EventBacklogError(
    `${app}: ${count} events of ${all} bytes would wait for the host's listener: ${expected}`,
  );
}

function fits(events: number, bytes: number): boolean {
  return events <= MAX_WAITING && bytes <= MAX_WAITING_BYTES;
}

/** A field `id` of the application takes precedence, as `ApplicationEvent` documents. */
function eventOf(
  id: string,
  app: string,
  kind: string,
  fields: Readonly<Record<string, unknown>>,
): ApplicationEvent {
  return 'id' in fields
    ? ({ eventId: id, app, kind, ...fields } as unknown as ApplicationEvent)
    : { id, app, kind, ...fields };
}

/** @throws MalformedError */
function decodeEvent(bytes: Uint8Array): ApplicationEvent {
  const value = decodeJson(bytes);
  const { app, kind }: { app?: unknown; kind?: unknown } = Object(value);
  if (typeof app !== 'string' || typeof kind !== 'string') {
    throw new MalformedError('invalid record of an event: expected an application and a kind');
  }
  return value as ApplicationEvent;
}

export const EVENT_OUTBOX: InjectionToken<EventOutbox> = Symbol('event outbox');
