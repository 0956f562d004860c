/** One application in a real runtime, with a store in memory and a clock that the test sets. */

import { platform } from '#platform';
import type { PushDescription } from '../../core/app/contract/push.js';
import type { ApplicationEvent, PushAppDefinition } from '../../core/app/contract/push-app.js';
import { type Clock, type LogRecord, type Outcome, PushRuntime } from '../../core/app/runtime.js';
import { memoryContent } from '../../core/content/content.js';
import type { FetchLimits } from '../../core/content/fetch/guarded-fetch.js';
import type { LevelStore } from '../../core/platform/level.js';

const encoder = new TextEncoder();

export interface PushedContent {
  type: string;
  /** Text is UTF-8. */
  body: Uint8Array | string;
  parameters?: Record<string, string>;
  headers?: Record<string, string>;
}

export class AppHost {
  readonly events: ApplicationEvent[] = [];
  readonly log: LogRecord[] = [];
  now = Date.parse('2026-01-01T00:00:00Z');
  private pushes = 0;

  private constructor(
    private readonly app: PushAppDefinition,
    readonly store: LevelStore,
    public runtime: PushRuntime,
    public options: unknown,
    private readonly fetch: FetchLimits,
    private readonly files: string | undefined,
  ) {}

  /** @param files folder of its files; by default they are removed with the runtime. */
  static async start(
    app: PushAppDefinition,
    options?: unknown,
    fetch: FetchLimits = {},
    files?: string,
  ): Promise<AppHost> {
    const store = await platform.openStore();
    const host = new AppHost(app, store, await PushRuntime.open({ store }), options, fetch, files);
    await host.run();
    return host;
  }

  /** Stops the application and starts it again with the same store. */
  async restart(): Promise<void> {
    await this.runtime.stop();
    await this.run();
  }

  async stop(): Promise<void> {
    await this.runtime.stop();
    await this.store.close();
  }

  private async run(): Promise<void> {
    // The timers of the test, which can be fake.
    const after = (milliseconds: number, callback: () => void) => {
      const timer = setTimeout(callback, milliseconds);
      return () => clearTimeout(timer);
    };
    const clock: Clock = { now: () => this.now, elapsed: () => this.now, after, random: () => 0.999_999 };
    this.runtime = await PushRuntime.open({
      store: this.store,
      clock,
      fetch: this.fetch,
      files: this.files,
      emit: (event) => this.events.push(event),
      log: (record) => this.log.push(record),
    });
    await this.runtime.load(this.app, this.options);
    await this.runtime.start();
  }

  /** Resolves when `receive` has ended, which can be after its commit has accepted the push. */
  async push({ type, body, parameters = {}, headers = {} }: PushedContent): Promise<Outcome> {
    const app = this.runtime.resolve([this.app.id], type);
    if (typeof app === 'string') throw new Error(`${type} resolves to ${app}`);
    this.pushes += 1;
    const outcome = await this.runtime.dispatch({
      app,
      key: `push ${this.pushes}`,
      from: 'sip:psa@domain.test',
      to: 'sip:bob@domain.test',
      mode: 'pager',
      content: memoryContent({ type, parameters }, typeof body === 'string' ? encoder.encode(body) : body),
      headers,
    });
    // Nothing in `receive` waits after its commit.
    await new Promise(setImmediate);
    return outcome;
  }

  async described(content: PushedContent): Promise<PushDescription | undefined> {
    const outcome = await this.push(content);
    if (!outcome.accepted) throw new Error(outcome.reason);
    return this.runtime.describe(outcome.pushId);
  }

  /** Log messages of the application. */
  get logged(): string[] {
    return this.log.filter(({ app }) => app === this.app.id).map(({ message }) => message);
  }

  /** Number of storage entries whose keys contain `text`. */
  async stored(text: string): Promise<number> {
    let count = 0;
    for await (const key of this.store.keys()) if (key.includes(text)) count += 1;
    return count;
  }
}
