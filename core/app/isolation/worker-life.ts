/** One life of an application's worker: from its start until it ends, however that comes. */

import { platform } from '#platform';
import { ConfigurationError, LimitError, SipPushError } from '../../errors.js';
import type { WorkerThread } from '../../platform/threads.js';
import { reasonOf } from '../../text.js';
import { systemClock } from '../../time/clock.js';
import { within } from '../../time/deadline.js';
import type { StandardSchemaIssue } from '../contract/options.js';
import type { AlarmContext, Push, ReceiveContext, StartContext } from '../contract/push-app.js';
import type { Alarm } from '../contract/services.js';
import { crossing, HeldCalls } from './held-calls.js';
import { HostServices } from './host-services.js';
import { EARLY_LINES, HEAP_RESERVE, LATE_FOR, LOAD_WITHIN, MAX_MESSAGES } from './limits.js';
import { type Fields, fieldsOf, textOf } from './messages.js';
import { Peer } from './peer.js';
import { HOOKS, type Hook } from './serve.js';
import { Watchdog, type WatchedLimits } from './watchdog.js';

export interface LifeOptions extends WatchedLimits {
  /** What the worker's script runs, and what it knows the application's module by. */
  readonly script: URL;
  readonly module: string;
}

/** What a started application has beside `receive`. */
export interface Started {
  readonly hooks: ReadonlySet<Hook>;
  /** The functions of the services that it provides, by service. */
  readonly provided: ReadonlyMap<string, readonly string[]>;
}

export class WorkerLife {
  /** Resolves with the reason. */
  readonly ended: Promise<Error>;
  readonly #thread: WorkerThread;
  readonly #peer: Peer;
  readonly #held: HeldCalls;
  /** From when it has its script: how long that takes is the machine's. */
  #watchdog: Watchdog | undefined;
  readonly #early: string[] = [];
  #services: HostServices | undefined;
  #log: (line: string) => void = (line) => {
    if (this.#early.length < EARLY_LINES) this.#early.push(line);
  };
  #now: () => number = Date.now;
  #ahead = 0;
  #messages = 0;
  #strays = 0;
  #why: Error | undefined;

  private constructor(private readonly options: LifeOptions) {
    const { script, module, memory } = options;
    this.#thread = platform.startWorker(script, { name: module, heap: memory + HEAP_RESERVE });
    this.#peer = new Peer(this.#thread, {
      call: (name, args, signal) => this.#call(name, args, signal),
      tell: (name, args) => this.#told(name, args),
      stray: () => this.#stray(),
    });
    this.#held = new HeldCalls(this.#peer);
    this.#thread.onmessage = (message) => this.#came(message);
    this.#thread.onoutput = (text) => this.#log(text.trimEnd());
    this.ended = new Promise((resolve) => {
      this.#thread.onend = (why) => {
        this.#over(why);
        resolve(this.#why ?? why);
      };
    });
  }

  /**
   * Starts a worker that imports the module.
   * @returns with the plain parts of its definition, as it says them.
   * @throws ConfigurationError with what the import throws, or what is wrong with the definition.
   */
  static async load(options: LifeOptions): Promise<{ life: WorkerLife; definition: Fields }> {
    const life = new WorkerLife(options);
    try {
      const loading = life.#peer.call('load', { module: options.module });
      const definition = fieldsOf(await within(systemClock, LOAD_WITHIN, 'loading', loading));
      return { life, definition };
    } catch (error) {
      life.end(new SipPushError('it could not be loaded'));
      if (error instanceof ConfigurationError) throw error;
      throw new ConfigurationError(`${options.module} could not be loaded: ${reasonOf(error)}`, {
        cause: error,
      });
    }
  }

  /** Nothing can be asked of it any longer; its thread may take a while to end. */
  get over(): boolean {
    return this.#why !== undefined;
  }

  /** Whether the process stays up for it. */
  keepsProcess(yes: boolean): void {
    this.#thread.keepsProcess(yes);
  }

  /** What the application's schema has against its options. */
  async issuesOf(options: unknown): Promise<readonly StandardSchemaIssue[] | undefined> {
    const { issues } = fieldsOf(await this.#peer.call('options', { options }));
    if (!Array.isArray(issues)) return undefined;
    return issues.map((issue) => {
      const { message, path } = fieldsOf(issue);
      return { message: textOf(message), path: Array.isArray(path) ? path : [] };
    });
  }

  /** @param log is told what it writes to its standard output and error. @throws what its `start` throws. */
  async start(context: StartContext, log: (line: string) => void, now: () => number): Promise<Started> {
    this.#log = log;
    for (const line of this.#early.splice(0)) log(line);
    this.#now = now;
    this.#services = new HostServices(context, this.#peer);
    const { methods } = this.#services;
    const { hooks, provided } = fieldsOf(await this.#hook('start', { options: context.options, methods }));
    return {
      hooks: new Set(HOOKS.filter((hook) => Array.isArray(hooks) && hooks.includes(hook))),
      provided: new Map(
        Object.entries(fieldsOf(provided)).map(([name, of]) => [
          name,
          Array.isArray(of) ? of.map(String) : [],
        ]),
      ),
    };
  }

  async receive(push: Push, { commit, signal }: ReceiveContext): Promise<void> {
    const parts = await crossing(push);
    await this.#held.during({ content: push.content, commit }, (held) =>
      this.#hook('receive', { ...parts, held }, signal),
    );
  }

  async describe(push: Push): Promise<unknown> {
    const parts = await crossing(push);
    return this.#held.during({ content: push.content }, (held) => this.#hook('describe', { ...parts, held }));
  }

  async alarm(alarm: Alarm, { commit, signal }: AlarmContext): Promise<void> {
    await this.#held.during({ commit }, (held) => this.#hook('alarm', { alarm, held }, signal));
  }

  /** A hook that needs nothing of the host's while it runs. */
  hook(name: Hook | 'provided', args: Fields): Promise<unknown> {
    return this.#hook(name, args);
  }

  /** The application's `signal` is aborted. */
  tellStopping(): void {
    this.#peer.tell('stopping', {});
  }

  /** Ends the thread, whatever it does; `ended` resolves with this reason then. */
  end(why: Error): void {
    this.#over(why);
    this.#thread.end();
  }

  /** Whatever waits for it hears of it; nothing that it says counts any longer. */
  #over(why: Error): void {
    if (this.#why) return;
    this.#why = why;
    this.#watchdog?.stop();
    // What it died of is no answer to anybody, whatever class of error that is.
    this.#peer.close(new SipPushError(`its worker ended: ${reasonOf(why)}`, { cause: why }));
  }

  #hook(name: string, args: Fields, signal?: AbortSignal): Promise<unknown> {
    const ahead = this.#now() - Date.now();
    // A test's clock; two looks at the same one differ by a millisecond.
    if (Math.abs(ahead - this.#ahead) > 1) {
      this.#ahead = ahead;
      this.#peer.tell('time', { ahead });
    }
    return this.#peer.call(name, args, { signal, patience: LATE_FOR });
  }

  #came(message: unknown): void {
    if (this.#why) return;
    this.#messages++;
    if (this.#messages > MAX_MESSAGES) {
      this.end(new LimitError(`it sent more than ${MAX_MESSAGES} messages at once`));
      return;
    }
    try {
      this.#peer.receive(message);
    } catch {
      // It looks like one of ours, and is none: no application gets there by the contract.
      this.#stray();
    }
  }

  #call(name: string, args: unknown, signal: AbortSignal): Promise<unknown> {
    if (name === 'commit') return this.#held.commit(args);
    if (!this.#services) throw new SipPushError('it has not been started');
    return this.#services.call(name, args, signal);
  }

  #told(name: string, args: unknown): void {
    if (name === 'pong') {
      this.#messages = 0;
      this.#watchdog ??= new Watchdog(
        this.#thread,
        this.options,
        () => this.#peer.tell('ping', {}),
        (why) => this.end(why),
      );
      this.#watchdog.heard(fieldsOf(args).memory);
    } else if (name === 'open') {
      this.#held.open(args);
    } else {
      this.#services?.tell(name, args);
    }
  }

  /** Its own code, or a library, posts messages to the host: once is enough to say so. */
  #stray(): void {
    if (this.#strays++ > 0) return;
    this.#log('a message that is none of the contract came from its worker, and is left out, as all such');
  }
}
