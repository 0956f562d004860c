/** What the steps of the check work with: the application, hosts with it, and where findings go. */

import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { PushAppDefinition } from '../../core/app/contract/push-app.js';
import { matchesMediaRange } from '../../core/content/media-type.js';
import { ConfigurationError, PushRefused } from '../../core/errors.js';
import {
  type HostedDefinition,
  startTestHost,
  type TestHost,
  type TestPush,
  type TestPushResult,
} from '../testing/index.js';
import type { TestServer } from '../testing/internet.js';
import { type Finding, locationOf } from './finding.js';
import type { CheckedApp } from './plan.js';
import { builtInSample } from './samples.js';
import { CallRecorder } from './watch.js';

/** Content that the application says it takes. */
export interface Content {
  readonly type: string;
  readonly octets: Uint8Array;
  /** File of the package; absent: it is built in. */
  readonly file?: string;
}

/** A host with the watched application. */
export interface HostContext {
  readonly host: TestHost;
  readonly watch: CallRecorder;
  /** Pushes; what `receive` leaves undone after a while has its time passed by. */
  push(push: Omit<TestPush, 'app'>): Promise<TestPushResult>;
}

/** Milliseconds of real time that `receive` may work before its time is let pass. */
const RECEIVE_DEADLINE = 5000;
/** With one that has been found not to end. */
const SHORT_RECEIVE_DEADLINE = 200;
/** All the time that a sender waits, and more. */
const LONGEST_SENDER_WAIT = 3_700_000;
/** A MESSAGE holds this much beside its headers. */
const PAGER_BYTES = 700;

export class Bench {
  #patience = RECEIVE_DEADLINE;

  constructor(
    readonly app: CheckedApp,
    readonly definition: PushAppDefinition,
    /** What it cannot do without. */
    private readonly providers: readonly HostedDefinition[],
    readonly report: (finding: Finding) => void,
  ) {}

  /** Something of the application as a whole, or of a line of it. */
  addFinding(finding: Omit<Finding, 'app' | 'where'> & { locationOf?: string | undefined }): void {
    const { locationOf = this.app.module.replace(/^.*\//, ''), ...rest } = finding;
    this.report({ ...rest, app: this.definition.id, where });
  }

  where(error: unknown): string | undefined {
    return locationOf(error, this.app.folder);
  }

  /** One for each declared type, the package's own first; the types that have none. */
  async contents(): Promise<{ contents: Content[]; missing: string[] }> {
    const contents: Content[] = [];
    const missing: string[] = [];
    for (const range of this.definition.accepts) {
      const own = this.app.samples.filter(({ type }) => matchesMediaRange(range, mediaTypeOf(type)));
      for (const { type, file } of own) contents.push({ type, octets: await read(file), file });
      const builtIn = own.length === 0 ? builtInSample(range) : undefined;
      if (builtIn) contents.push(builtIn);
      else if (own.length === 0) missing.push(range);
    }
    return { contents, missing };
  }

  /**
   * Starts a host with the application, and stops it in the end.
   * @throws what the application's start throws, and `use`.
   */
  async withHost(use: (scene: HostContext) => Promise<void>, server: TestServer = notFound): Promise<void> {
    const watch = new CallRecorder();
    const host = await this.start(watch, server);
    try {
      await use({ host, watch, push: (push) => this.#push(host, watch, push) });
    } finally {
      await host.stop();
    }
  }

  start(watch: CallRecorder, server: TestServer = notFound): Promise<TestHost> {
    const { options, permissions } = this.app;
    const definition = watch.wrap(this.definition);
    const app = { definition, options, ...(permissions ? { permissions } : {}) };
    return startTestHost({ apps: [...this.providers, app], now: Date.now(), server });
  }

  /** The mode in which this content can be pushed at all: a MESSAGE is small. */
  modeFor({ length }: Uint8Array): 'pager' | 'session' {
    return length <= PAGER_BYTES ? 'pager' : 'session';
  }

  /** What a hook threw that says nothing to the sender of a push. */
  unexpectedError({ error }: { error?: unknown }): unknown {
    return error instanceof PushRefused || (error instanceof Error && error.name === 'PushRefused')
      ? undefined
      : error;
  }

  async #push(host: TestHost, watch: CallRecorder, push: Omit<TestPush, 'app'>): Promise<TestPushResult> {
    const pushing = host.push({ ...push, app: this.definition.id });
    await Promise.race([pushing.catch(() => {}), delay(this.#patience, undefined, { ref: false })]);
    if (watch.pending.length > 0) {
      this.#patience = SHORT_RECEIVE_DEADLINE;
      this.addFinding({
        rule: 'receive-ends',
        severity: 'error',
        what: `receive did not end within ${RECEIVE_DEADLINE / 1000} s after a push of ${push.type}`,
        change:
          'resolve, or throw PushRefused, on every path through receive; give each wait a deadline; the rest of the check waits for that',
      });
      await host.clock.advance(LONGEST_SENDER_WAIT);
    }
    return await pushing;
  }
}

/** `text/plain` of `text/plain;charset=utf-8`. */
export function mediaTypeOf(type: string): string {
  return (type.split(';')[0] ?? '').trim().toLowerCase();
}

const notFound: TestServer = () => new Response('there is nothing here during a check', { status: 404 });

async function read(file: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(file));
  } catch (error) {
    throw new ConfigurationError(`sample ${file} cannot be read`, { cause: error });
  }
}
