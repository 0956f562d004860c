/** A runtime with a folder for its files and a clock that only the test advances, to which a test offers files. */

import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ReceivedPush } from '../../../core/app/contract/push.js';
import type { PushAppDefinition } from '../../../core/app/contract/push-app.js';
import type { RuntimeLimits, Transfer, TransferAnswer } from '../../../core/app/index.js';
import type { RefusalKind } from '../../../core/errors.js';
import { eventually } from '../../support/wait.js';
import {
  type Bench,
  ManualClock,
  type OfferOptions,
  openBench,
  type PushOptions,
  testApp,
  transferOf,
} from '../support.js';

export const TEXT = '0123456789';
export const NEVER = new Promise<never>(() => {});
export const KINDS: RefusalKind[] = ['forbidden', 'type', 'size', 'declined', 'busy', 'resources', 'failed'];

export const bytes = (text: string) => new TextEncoder().encode(text);
export const textOf = (stream: ReadableStream<Uint8Array>) => new Response(stream).text();

export class TransferBench {
  readonly clock = new ManualClock();
  #bench: Bench | undefined;

  private constructor(readonly folder: string) {}

  static async start(): Promise<TransferBench> {
    const bench = new TransferBench(await mkdtemp(join(tmpdir(), 'transfers-')));
    await bench.reopen();
    await bench.runtime.start();
    return bench;
  }

  get runtime() {
    return this.#opened.runtime;
  }

  get store() {
    return this.#opened.store;
  }

  get logs() {
    return this.#opened.logs;
  }

  push(options?: PushOptions) {
    return this.#opened.push(options);
  }

  /** @param options no size and no hash, unless `text` is set. */
  offer(options?: OfferOptions): Promise<TransferAnswer> {
    return this.#opened.offer(options);
  }

  /** The transfer of an offered file, whose content is `TEXT` by default. */
  transfer(options: OfferOptions = {}): Promise<Transfer> {
    return transferOf(this.offer({ text: TEXT, ...options }));
  }

  /** Names of the files on disk. */
  files(): Promise<string[]> {
    return readdir(this.folder);
  }

  async noFileRemains(): Promise<void> {
    await eventually('no file remains', async () => (await this.files()).length === 0 || undefined);
  }

  /** Restarts with the same store and folder; with `killed`, without a stop. */
  async restart(options: { limits?: Partial<RuntimeLimits>; killed?: true } = {}): Promise<void> {
    if (!options.killed) await this.runtime.stop();
    await this.reopen(options.limits);
    await this.runtime.start();
  }

  /** Opens another runtime with the same store and folder, which is not started. */
  async reopen(limits: Partial<RuntimeLimits> = {}): Promise<void> {
    const store = this.#bench?.store;
    this.#bench = await openBench({ clock: this.clock, store, transfers: this.folder, limits });
  }

  /** The result of a promise. Advances the clock until it settles. */
  async settled<T>(what: string, promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const watched = promise.finally(() => {
      isSettled = true;
    });
    watched.catch(() => {});
    await eventually(what, () => {
      this.clock.pass(1_000);
      return isSettled || undefined;
    });
    return watched;
  }

  /** Stops the runtime. Advances the clock, because an application may not stop before its deadline. */
  async stop(): Promise<void> {
    await this.settled('the runtime has stopped', this.runtime.stop());
  }

  async remove(): Promise<void> {
    await this.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  get #opened(): Bench {
    if (!this.#bench) throw new Error('the runtime is not open');
    return this.#bench;
  }
}

/** Sends the missing bytes of a file. */
export async function send(transfer: Transfer, text = TEXT, from = transfer.have): Promise<void> {
  await transfer.write(from, bytes(text).subarray(from));
}

/** An application that reads content as it arrives. @returns also the pushes that it received, and what it read. */
export function readingApp(more: Partial<PushAppDefinition> = {}) {
  const seen: { pushes: ReceivedPush[]; texts: string[]; errors: unknown[] } = {
    pushes: [],
    texts: [],
    errors: [],
  };
  const app = testApp(async (push) => {
    seen.pushes.push(push);
    try {
      seen.texts.push(await textOf(push.content.open()));
    } catch (error) {
      seen.errors.push(error);
      throw error;
    }
  }, more);
  return { app, ...seen };
}
