/** A device with only mms.ua, and an MMSC that it can reach. Files are on disk; timers are fake. */

import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mms from 'sip-push/apps/mms.ua';
import { vi } from 'vitest';
import type { FetchLimits } from '../../../core/content/fetch/guarded-fetch.js';
import { Mmsc } from '../../support/agents/mmsc.js';
import { AppHost } from '../app-host.js';

export const TYPE = 'application/vnd.wap.mms-message';

/** An item of the query `messages`. */
export interface Item {
  key: string;
  state: string;
  parts?: { name: string; path?: string; [field: string]: unknown }[];
  [field: string]: unknown;
}

export class MmsDevice {
  private constructor(
    readonly host: AppHost,
    readonly mmsc: Mmsc,
    private readonly folder: string,
  ) {}

  static async start(options?: unknown, fetch: FetchLimits = {}): Promise<MmsDevice> {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    // Without jitter the delays are exact.
    vi.spyOn(Math, 'random').mockReturnValue(0.999_999);
    const mmsc = await Mmsc.start();
    const folder = await mkdtemp(join(tmpdir(), 'sip-push-mms-'));
    const limits = { allow: ['http://127.0.0.1:*'], ...fetch };
    const host = await AppHost.start(mms, options, limits, folder);
    return new MmsDevice(host, mmsc, folder);
  }

  async stop(): Promise<void> {
    await this.host.stop();
    await this.mmsc.close();
    await rm(this.folder, { recursive: true, force: true });
    vi.restoreAllMocks();
    vi.useRealTimers();
  }

  async push(pdu: Uint8Array): Promise<void> {
    const outcome = await this.host.push({ type: TYPE, body: pdu });
    if (!outcome.accepted) throw new Error(outcome.reason);
  }

  query(name: string, args?: unknown): Promise<unknown> {
    return this.host.runtime.query('mms.ua', name, args);
  }

  async items(): Promise<Item[]> {
    return (await this.query('messages')) as Item[];
  }

  /** The newest message. */
  async item(): Promise<Item> {
    const [item] = await this.items();
    if (!item) throw new Error('no message');
    return item;
  }

  events(kind: string) {
    return this.host.events.filter((event) => event.kind === kind);
  }

  /** Names of all files on disk, complete or partial. */
  async files(): Promise<string[]> {
    const found = await readdir(this.folder, { recursive: true, withFileTypes: true });
    return found.filter((entry) => entry.isFile()).map(({ name }) => name);
  }

  /** Waits until the background tasks have reached `condition`. */
  async until(condition: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await condition())) await new Promise((resolve) => setImmediate(resolve));
  }

  /** Waits until this number of PDUs was posted and accepted. */
  async posted(count: number): Promise<void> {
    await this.until(() => this.mmsc.posted.length >= count);
    await this.until(async () => !(await this.storedText()).includes('"pdu":'));
  }

  logged(count: number): Promise<void> {
    return this.until(() => this.host.logged.length >= count);
  }

  /** Advances the clock after the application has started a timer. */
  async wait(milliseconds: number): Promise<void> {
    await this.until(() => vi.getTimerCount() > 0);
    this.host.now += milliseconds;
    await vi.advanceTimersByTimeAsync(milliseconds);
  }

  /** The stored messages as text. */
  async storedText(): Promise<string> {
    let text = '';
    for await (const [key, value] of this.host.store.iterator()) {
      if (key.includes('message/')) text += Buffer.from(value).toString();
    }
    return text;
  }
}
