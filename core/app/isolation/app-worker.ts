/** One worker of an application, from its start to its end. */

import { platform } from '#platform';
import { ConfigurationError, LimitError, SipPushError } from '../../errors.js';
import type { WorkerThread } from '../../platform/threads.js';
import { reasonOf } from '../../text.js';
import { systemClock } from '../../time/clock.js';
import { within } from '../../time/deadline.js';
import type { StandardSchemaIssue } from '../contract/options.js';
import type { Push, ReceivedPush } from '../contract/push.js';
import type { StartContext } from '../contract/push-app.js';
import type { DueAlarm } from '../contract/services.js';
import { commitOperationsOf, contentArrivedOf } from '../services/transactions.js';
import { HookCalls, packPush } from './hook-calls.js';
import { HostServices } from './host-services.js';
import {
  HEAP_RESERVE,
  LATE_COMMIT_WITHIN,
  LOAD_WITHIN,
  MAX_EARLY_LINES,
  MAX_EVENTS,
  MAX_LINE,
  MAX_LINES,
  MAX_LOGGED,
  MAX_MESSAGES,
} from './limits.js';
import { type Fields, fieldsOf, textOf } from './messages.js';
import { Peer } from './peer.js';
import { HOOKS, type Hook } from './serve.js';
import { Watchdog, type WatchedLimits } from './watchdog.js';

export interface AppWorkerOptions extends WatchedLimits {
  readonly script: URL;
  /** URL of the application's module, or the name that the script knows it by. */
  readonly module: string;
}

/** The optional parts of a started application. */
export interface Started {
  readonly hooks: ReadonlySet<Hook>;
  /** Names of its queries. */
  readonly queries: readonly string[];
  /** Name of each service that it provides, to the service's functions. */
  readonly provided: ReadonlyMap<string, readonly string[]>;
}

export class AppWorker {
  /** Resolves with the reason when the thread has ended. */
  readonly ended: Promise<Error>;
  readonly #thread: WorkerThread;
  readonly #peer: Peer;
  readonly #hookCalls: HookCalls;
  /** Starts with the first pong: the time that the script takes to load has a deadline of its own. */
  #watchdog: Watchdog | undefined;
  readonly #earlyLines: string[] = [];
  #services: HostServices | undefined;
  #log: (line: string) => void = (line) => {
    if (this.#earlyLines.length < MAX_EARLY_LINES) this.#earlyLines.push(line);
  };
  #now: () => number = Date.now;
  #ahead = 0;
  /** Since the last pong: messages, events, and lines of log and output with their characters. */
  #messages = 0;
  #events = 0;
  #lines = 0;
  #logged = 0;
  #invalidMessages = 0;
  #why: Error | undefined;

  private constructor(private readonly options: AppWorkerOptions) {
    const { script, module, memory } = options;
    this.#thread = platform.startWorker(script, { name: module, heap: memory + HEAP_RESERVE });
    this.#peer = new Peer(this.#thread, {
      call: (name, args, signal) => this.#call(name, args, signal),
      notify: (name, args) => this.#notified(name, args),
      invalid: () => this.#invalidMessage(),
    });
    this.#hookCalls = new HookCalls(this.#peer);
    this.#thread.onmessage = (message) => this.#received(message);
    this.#thread.onoutput = (text) => {
      for (const line of text.trimEnd().split('\n')) {
        if (this.#mayLog(line)) this.#log(line.slice(0, MAX_LINE));
      }
    };
    this.ended = new Promise((resolve) => {
      this.#thread.onend = (why) => {
        this.#over(why);
        resolve(this.#why ?? why);
      };
    });
  }

  /**
   * Starts a worker that imports the module.
   * @returns the worker, and the cloneable parts of the definition.
   * @throws ConfigurationError if the import throws or the definition is invalid.
   */
  static async load(options: AppWorkerOptions): Promise<{ worker: AppWorker; definition: Fields }> {
    const worker = new AppWorker(options);
    try {
      const loading = worker.#peer.call('load', { module: options.module });
      const definition = fieldsOf(await within(systemClock, LOAD_WITHIN, 'loading', loading));
      return { worker, definition };
    } catch (error) {
      worker.end(new SipPushError('its module could not be loaded'));
      if (error instanceof ConfigurationError) throw error;
      throw new ConfigurationError(`${options.module} could not be loaded: ${reasonOf(error)}`, {
        cause: error,
      });
    }
  }

  /** The worker answers no calls any more. Its thread may still be ending. */
  get over(): boolean {
    return this.#why !== undefined;
  }

  /** Sets whether the worker keeps the process running. */
  keepsProcess(yes: boolean): void {
    this.#thread.keepsProcess(yes);
  }

  /** The issues that the application's schema finds in its options. */
  async issuesOf(options: unknown): Promise<readonly StandardSchemaIssue[] | undefined> {
    const { issues } = fieldsOf(await this.#peer.call('options', { options }));
    if (!Array.isArray(issues)) return undefined;
    return issues.map((issue) => {
      const { message, path } = fieldsOf(issue);
      return { message: textOf(message), path: Array.isArray(path) ? path : [] };
    });
  }

  /** @param log receives its standard output and error. @throws what its `start` throws. */
  async start(context: StartContext, log: (line: string) => void, now: () => number): Promise<Started> {
    this.#log = log;
    for (const line of this.#earlyLines.splice(0)) log(line);
    this.#now = now;
    this.#services = new HostServices(context, this.#peer);
    const { methods } = this.#services;
    const { hooks, queries, provided } = fieldsOf(
      await this.#hook('start', { options: context.options, methods }),
    );
    return {
      hooks: new Set(HOOKS.filter((hook) => Array.isArray(hooks) && hooks.includes(hook))),
      queries: Array.isArray(queries) ? queries.map(String) : [],
      provided: new Map(
        Object.entries(fieldsOf(provided)).map(([name, of]) => [
          name,
          Array.isArray(of) ? of.map(String) : [],
        ]),
      ),
    };
  }

  async receive(push: ReceivedPush): Promise<void> {
    const { attempt, content, signal } = push;
    const commit = commitOperationsOf(push);
    const arrived = contentArrivedOf(push);
    const arriving = arrived !== undefined;
    const parts = await packPush(push);
    await this.#hookCalls.during({ content, commit, arrived }, (hookCall) =>
      this.#hook('receive', { ...parts, attempt, arriving, hookCall }, signal),
    );
  }

  async describe(push: Push): Promise<unknown> {
    const parts = await packPush(push);
    return this.#hookCalls.during({ content: push.content }, (hookCall) =>
      this.#hook('describe', { ...parts, hookCall }),
    );
  }

  async alarm(due: DueAlarm): Promise<void> {
    const { key, at, data, signal } = due;
    const commit = commitOperationsOf(due);
    await this.#hookCalls.during({ commit }, (hookCall) =>
      this.#hook('alarm', { alarm: { key, at, data }, hookCall }, signal),
    );
  }

  /** Calls a hook that uses no content and no commit. */
  hook(name: Hook | 'query' | 'provided', args: Fields): Promise<unknown> {
    return this.#hook(name, args);
  }

  /** Aborts the application's `signal`. */
  notifyStopping(): void {
    this.#peer.notify('stopping', {});
  }

  /** Terminates the thread. `ended` resolves with this reason. */
  end(why: Error): void {
    this.#over(why);
    this.#thread.end();
  }

  /** Rejects the open calls, and ignores all later messages. */
  #over(why: Error): void {
    if (this.#why) return;
    this.#why = why;
    this.#watchdog?.stop();
    // A plain SipPushError: the class of the reason must not look like the answer to a call.
    this.#peer.close(new SipPushError(`its worker ended: ${reasonOf(why)}`, { cause: why }));
  }

  #hook(name: string, args: Fields, signal?: AbortSignal): Promise<unknown> {
    const ahead = this.#now() - Date.now();
    // Only the clock of a test differs by more than the millisecond between two readings.
    if (Math.abs(ahead - this.#ahead) > 1) {
      this.#ahead = ahead;
      this.#peer.notify('time', { ahead });
    }
    return this.#peer.call(name, args, { signal, answerWithin: LATE_COMMIT_WITHIN });
  }

  #received(message: unknown): void {
    if (this.#why) return;
    this.#messages++;
    if (this.#messages > MAX_MESSAGES) {
      this.end(new LimitError(`it sent more than ${MAX_MESSAGES} messages at once`));
      return;
    }
    try {
      this.#peer.receive(message);
    } catch {
      // The message has a known type and invalid contents: an application posted it.
      this.#invalidMessage();
    }
  }

  #call(name: string, args: unknown, signal: AbortSignal): Promise<unknown> {
    if (name === 'commit') return this.#hookCalls.commit(args);
    if (name === 'arrived') return this.#hookCalls.arrived(args);
    if (!this.#services) throw new SipPushError('the application is not started');
    return this.#services.call(name, args, signal);
  }

  #notified(name: string, args: unknown): void {
    if (name === 'pong') {
      this.#ponged(fieldsOf(args));
    } else if (name === 'open') {
      this.#hookCalls.open(args);
    } else if (name === 'log') {
      const { level, message } = fieldsOf(args);
      const line = textOf(message);
      if (this.#mayLog(line)) this.#services?.notify(name, { level, message: line.slice(0, MAX_LINE) });
    } else if (name === 'emit' && ++this.#events > MAX_EVENTS) {
      this.end(new LimitError(`it emitted more than ${MAX_EVENTS} events at once`));
    } else {
      this.#services?.notify(name, args);
    }
  }

  /** The host writes a bounded number of lines, so that a flood of them does not delay other applications. */
  #mayLog({ length }: string): boolean {
    this.#lines++;
    this.#logged += length;
    if (this.#logged > MAX_LOGGED) {
      this.end(new LimitError(`it logged more than ${MAX_LOGGED} characters at once`));
    }
    return this.#lines <= MAX_LINES;
  }

  #ponged({ ping, memory }: Fields): void {
    // An application could post pongs, so that its other messages are not counted.
    if (this.#watchdog && !this.#watchdog.answered(ping, memory)) return;
    const dropped = this.#lines - MAX_LINES;
    if (dropped > 0)
      this.#log(`${dropped} lines of its log were dropped: expected at most ${MAX_LINES} at once`);
    this.#messages = 0;
    this.#events = 0;
    this.#lines = 0;
    this.#logged = 0;
    this.#watchdog ??= new Watchdog(
      this.#thread,
      this.options,
      (ping) => this.#peer.notify('ping', { ping }),
      (why) => this.end(why),
    );
  }

  /** Code of the application posts messages to the host. Only the first is logged. */
  #invalidMessage(): void {
    if (this.#invalidMessages++ > 0) return;
    this.#log('its worker sent an invalid message; such messages are ignored');
  }
}
