/** The context of the steps: the application, hosts that run it, and the list of findings. */

import { readFile } from 'node:fs/promises';
import { relative } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { refusalOf } from '../../core/app/contract/outcome.js';
import type { PushAppDefinition } from '../../core/app/contract/push-app.js';
import { matchesMediaRange } from '../../core/content/media-type.js';
import { reasonOf } from '../../core/text.js';
import {
  type HostedDefinition,
  startTestHost,
  type TestHost,
  type TestPush,
  type TestPushResult,
} from '../testing/index.js';
import type { TestServer } from '../testing/internet.js';
import { CallRecorder } from './call-recorder.js';
import { type Finding, locationOf } from './finding.js';
import type { CheckedApp } from './plan.js';
import { builtInSample } from './samples.js';

/** Content of a type that the application declares. */
export interface Content {
  readonly type: string;
  readonly octets: Uint8Array;
  /** File of the package; absent for a built-in sample. */
  readonly file?: string;
}

/** A host that runs the application, with a record of its calls. */
export interface HostContext {
  readonly host: TestHost;
  readonly recorder: CallRecorder;
  /** Pushes content; if `receive` does not finish in real time, advances the clock past every deadline. */
  push(push: Omit<TestPush, 'app'>): Promise<TestPushResult>;
}

/** Milliseconds of real time for `receive` before the test clock advances past its deadline. */
const RECEIVE_DEADLINE = 5000;
/** The same deadline, after `receive` has once failed to finish. */
const SHORT_RECEIVE_DEADLINE = 200;
/** In milliseconds, longer than any sender waits. */
const LONGEST_SENDER_WAIT = 3_700_000;
/** Octets of content that fit in a MESSAGE with its headers. */
const PAGER_BYTES = 700;

export class StepContext {
  #receiveDeadline = RECEIVE_DEADLINE;

  constructor(
    readonly app: CheckedApp,
    readonly definition: PushAppDefinition,
    /** Applications that provide services it needs. */
    private readonly providers: readonly HostedDefinition[],
    readonly report: (finding: Finding) => void,
  ) {}

  /** Adds a finding; without `where`, it concerns the module as a whole. */
  addFinding(finding: Omit<Finding, 'app' | 'where'> & { where?: string | undefined }): void {
    const { where = this.app.module.replace(/^.*\//, ''), ...rest } = finding;
    this.report({ ...rest, app: this.definition.id, where });
  }

  /** Whether `receive` is called while content in session mode still arrives. */
  get receivesStreams(): boolean {
    return this.definition.order === 'parallel';
  }

  locationOf(error: unknown): string | undefined {
    return locationOf(error, this.app.folder);
  }

  /** Samples for each declared type, preferably from the package, and the types that have none. */
  async contents(): Promise<{ contents: Content[]; missing: string[] }> {
    const contents: Content[] = [];
    const missing: string[] = [];
    for (const range of this.definition.accepts) {
      const own = this.app.samples.filter(({ type }) => matchesMediaRange(range, mediaTypeOf(type)));
      for (const { type, file } of own) {
        const octets = await readFile(file).catch((error: unknown) => this.#reportSample(file, error));
        if (octets) contents.push({ type, octets: new Uint8Array(octets), file });
      }
      const builtIn = own.length === 0 ? builtInSample(range) : undefined;
      if (builtIn) contents.push(builtIn);
      else if (own.length === 0) missing.push(range);
    }
    return { contents, missing };
  }

  /**
   * Starts a host with the application, and stops it after `use`.
   * @throws errors of the application's `start`, and of `use`.
   */
  async withHost(
    use: (hostContext: HostContext) => Promise<void>,
    server: TestServer = notFound,
  ): Promise<void> {
    const recorder = new CallRecorder();
    const host = await this.start(recorder, server);
    try {
      await use({ host, recorder, push: (push) => this.#push(host, recorder, push) });
      this.#reportEvents(recorder);
    } finally {
      await host.stop();
    }
  }

  start(recorder: CallRecorder, server: TestServer = notFound): Promise<TestHost> {
    const { options, permissions } = this.app;
    const definition = recorder.wrap(this.definition);
    const app = { definition, options, permissions };
    return startTestHost({ apps: [...this.providers, app], now: Date.now(), server });
  }

  /** Pager mode if the content fits in a MESSAGE, else session mode. */
  modeFor({ length }: Uint8Array): 'pager' | 'session' {
    return length <= PAGER_BYTES ? 'pager' : 'session';
  }

  /** The error that a hook threw, unless it is an answer to the sender: a refusal, or `MalformedError`. */
  unexpectedError({ error }: { error?: unknown }): unknown {
    const malformed = error instanceof Error && error.name === 'MalformedError';
    return malformed || refusalOf(error) ? undefined : error;
  }

  #reportSample(file: string, error: unknown): undefined {
    this.addFinding({
      rule: 'samples',
      severity: 'error',
      what: `the sample ${relative(this.app.folder, file)} cannot be read: ${reasonOf(error)}`,
      where: 'package.json: sipPush.apps[].samples',
      change: 'add the file to the package, or correct its path',
    });
  }

  #reportEvents({ emitErrors }: CallRecorder): void {
    for (const error of emitErrors) {
      this.addFinding({
        rule: 'events',
        severity: 'error',
        what: `emit threw: ${error instanceof Error ? error.message : error}`,
        where: this.locationOf(error),
        change:
          'declare each event in events of the definition, and emit the fields that its schema requires',
      });
    }
  }

  async #push(host: TestHost, recorder: CallRecorder, push: Omit<TestPush, 'app'>): Promise<TestPushResult> {
    const pushing = host.push({ ...push, app: this.definition.id });
    await Promise.race([pushing.catch(() => {}), delay(this.#receiveDeadline, undefined, { ref: false })]);
    if (recorder.pending.length > 0) {
      this.#receiveDeadline = SHORT_RECEIVE_DEADLINE;
      this.addFinding({
        rule: 'receive-ends',
        severity: 'error',
        what: `receive did not finish within ${RECEIVE_DEADLINE / 1000} s after a push of ${push.type}`,
        change:
          'resolve or throw refuse(…) on every path through receive, and set a deadline for each wait; the remaining steps were skipped',
      });
      await host.clock.advance(LONGEST_SENDER_WAIT);
    }
    return await pushing;
  }
}

/** The media type without parameters: `text/plain` of `text/plain;charset=utf-8`. */
export function mediaTypeOf(type: string): string {
  return (type.split(';')[0] ?? '').trim().toLowerCase();
}

const notFound: TestServer = () => new Response('no HTTP server is available in a check', { status: 404 });
