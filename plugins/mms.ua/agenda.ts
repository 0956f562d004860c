/** What is to be done for which message, now or later: a few at once, each message one at a time. */

import { type AppLog, printableReason } from 'sip-push/sdk';

/** Milliseconds until a task is done again that could not say when: storage does not take anything, say. */
const AFTER_ERROR = 30_000;

export class Agenda {
  /** Those whose turn it is, in order. */
  private readonly due = new Set<string>();
  private readonly timers = new Map<string, ReturnType<typeof setTimeout>>();
  private readonly running = new Map<string, Promise<void>>();

  /** @param task resolves with the milliseconds until it is to be done again; undefined: that was all. */
  constructor(
    private readonly task: (key: string) => Promise<number | undefined>,
    private readonly atOnce: number,
    private readonly log: AppLog,
    private readonly signal: AbortSignal,
  ) {}

  /** In place of what was planned for it; while its task runs, it is done once more after that. */
  add(key: string, milliseconds = 0): void {
    if (this.signal.aborted) return;
    clearTimeout(this.timers.get(key));
    this.timers.delete(key);
    if (milliseconds > 0) {
      const timer = setTimeout(() => this.add(key), milliseconds);
      this.timers.set(key, timer);
      return;
    }
    this.due.add(key);
    this.work();
  }

  /** When nothing is under way any more: the signal has ended it. */
  async stop(): Promise<void> {
    for (const timer of this.timers.values()) clearTimeout(timer);
    await Promise.all(this.running.values());
  }

  private work(): void {
    for (const key of this.due) {
      if (this.running.size >= this.atOnce || this.signal.aborted) return;
      if (this.running.has(key)) continue;
      this.due.delete(key);
      this.running.set(key, this.run(key));
    }
  }

  /** Never rejects. */
  private async run(key: string): Promise<void> {
    const again = await this.task(key).catch((error: unknown) => {
      if (!this.signal.aborted) this.log.error(printableReason(error));
      return AFTER_ERROR;
    });
    this.running.delete(key);
    // Somebody who asked meanwhile does not wait.
    if (again !== undefined && !this.due.has(key) && !this.timers.has(key)) this.add(key, again);
    this.work();
  }
}
