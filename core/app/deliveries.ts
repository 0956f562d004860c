/** Durable pushes on their way to applications: the first delivery, and as many more as it takes. */

import { inject, injectable } from 'tsyringe';
import type { Content } from '../content/content.js';
import { memoryContent } from '../content/memory-content.js';
import type { Application } from './application.js';
import { type AttemptResult, attempt } from './attempt.js';
import type { Clock } from './clock.js';
import type { Delivery } from './delivery.js';
import type { Endings } from './endings.js';
import type { Inbox } from './inbox.js';
import { BACKOFF_BASE, BACKOFF_MAX, type RuntimeLimits } from './limits.js';
import type { LogSink } from './log.js';
import { isRetryable, type Outcome, type Refusal, reasonOf } from './outcome.js';
import { pushOf } from './push-record.js';
import type { RecentPushes } from './recent.js';
import type { Registry } from './registry.js';
import type { Turn } from './slots.js';
import { CLOCK, ENDINGS, INBOX, LIMITS, LOG_SINK, RECENT, REGISTRY } from './tokens.js';

@injectable()
export class Deliveries {
  /** Pushes that wait for their next delivery, with what cancels it. */
  readonly #waiting = new Map<Delivery, () => void>();
  #started = false;

  constructor(
    @inject(ENDINGS) private readonly endings: Endings,
    @inject(INBOX) private readonly inbox: Inbox,
    @inject(REGISTRY) private readonly registry: Registry,
    @inject(RECENT) private readonly recent: RecentPushes,
    @inject(CLOCK) private readonly clock: Clock,
    @inject(LIMITS) private readonly limits: RuntimeLimits,
    @inject(LOG_SINK) private readonly log: LogSink,
  ) {}

  /** Gives what the inbox holds to the applications that are loaded. */
  start(): void {
    this.#started = true;
    for (const app of this.registry.all()) this.redeliver(app);
  }

  stop(): void {
    this.#started = false;
    for (const cancel of this.#waiting.values()) cancel();
    this.#waiting.clear();
  }

  /** At once: this application was not there before, or is another version. */
  redeliver(app: Application): void {
    if (!this.#started) return;
    for (const delivery of this.inbox.deliveries()) {
      if (!delivery.running && this.#application(delivery) === app) this.#again(delivery);
    }
  }

  /**
   * A push that was just written to the inbox, in its turn. Refused only while nobody was told otherwise. An
   * application that throws anything else, or is late, has the push on disk and gets it again; so its sender is
   * told that it is taken: were it told `failed`, it would send again what is kept already.
   */
  async first(app: Application, delivery: Delivery, content: Content, turn: Turn): Promise<Outcome> {
    const { id } = delivery;
    delivery.running = true;
    const result = (await turn.ready) ? await this.#attempt(app, delivery, content) : undefined;
    turn.leave();
    delivery.running = false;
    if (result?.type === 'refused' && !delivery.answered) {
      await this.endings.refuse(delivery, result.refusal);
      if (delivery.ending?.type === 'refused')
        return { taken: false, pushId: id, ...delivery.ending.refusal };
    }
    delivery.answered = true;
    if (result) await this.#conclude(app, delivery, result);
    return { taken: true, pushId: id };
  }

  #again(delivery: Delivery): void {
    this.#cancel(delivery);
    delivery.running = true;
    void this.#redelivered(delivery)
      .catch((error: unknown) => this.#warn(delivery, `could not be given again: ${reasonOf(error)}`))
      .finally(() => {
        delivery.running = false;
      });
  }

  async #redelivered(delivery: Delivery): Promise<void> {
    const app = this.#application(delivery);
    const turn = app?.slots.enter('again');
    if (!app || !turn) return;
    try {
      // Without its application it stays in the inbox, until that is loaded again.
      if (!(await turn.ready)) return;
      await delivery.committing?.catch(() => {});
      if (delivery.ending || delivery.setAside) return;
      if (delivery.record.attempts >= this.limits.attempts) {
        await this.endings.setAside(delivery, 'its deliveries ended with the host');
        return;
      }
      await this.#giveAgain(app, delivery);
    } finally {
      turn.leave();
    }
  }

  async #giveAgain(app: Application, delivery: Delivery): Promise<void> {
    const { record } = delivery;
    let content: Uint8Array | undefined;
    try {
      // Counted ahead: a push that ends the process must not come back for ever.
      await this.inbox.update(delivery, { ...record, attempts: record.attempts + 1 });
      content = await this.inbox.content(delivery.id);
    } catch (error) {
      this.#later(app, delivery, { kind: 'resources', reason: reasonOf(error) });
      return;
    }
    if (!content) {
      await this.endings.setAside(delivery, 'its content is not in the store');
      return;
    }
    const result = await this.#attempt(app, delivery, memoryContent(record.type, content));
    await this.#conclude(app, delivery, result);
  }

  async #attempt(app: Application, delivery: Delivery, content: Content): Promise<AttemptResult> {
    const milliseconds = app.manifest.receiveSeconds * 1000;
    const { endings, clock } = this;
    const result = await attempt({ app, delivery, content, endings, clock, milliseconds });
    if (result.type === 'taken') {
      await endings.take(delivery);
      this.recent.add(pushOf(delivery.record, content));
    }
    return result;
  }

  /** After an attempt whose sender was, or is now, told that the push is taken. */
  async #conclude(app: Application, delivery: Delivery, result: AttemptResult): Promise<void> {
    if (result.type === 'taken' || delivery.ending) return;
    const { kind, reason } = result.refusal;
    if (result.type === 'refused' && !isRetryable(kind)) {
      await this.endings.setAside(delivery, `refused (${kind}): ${reason}`);
    } else if (delivery.record.attempts >= this.limits.attempts) {
      await this.endings.setAside(delivery, reason);
    } else {
      this.#later(app, delivery, result.refusal);
    }
  }

  #later(app: Application, delivery: Delivery, { reason, retryAfter = 0 }: Refusal): void {
    if (!this.#started || this.registry.loaded(app) === undefined) return;
    const doubled = BACKOFF_BASE * 2 ** (delivery.record.attempts - 1);
    // Half of it by chance: what failed together does not come back together.
    const wait = Math.min(doubled, BACKOFF_MAX) * (0.5 + this.clock.random() / 2);
    const milliseconds = Math.ceil(Math.max(wait, retryAfter * 1000));
    this.#cancel(delivery);
    this.#waiting.set(
      delivery,
      this.clock.after(milliseconds, () => this.#again(delivery)),
    );
    this.#warn(delivery, `will be given again in ${Math.ceil(milliseconds / 1000)} s: ${reason}`);
  }

  #application({ record }: Delivery): Application | undefined {
    const found = this.registry.resolve([record.app], record.type.type, record.iari);
    return typeof found === 'string' ? undefined : found;
  }

  #cancel(delivery: Delivery): void {
    this.#waiting.get(delivery)?.();
    this.#waiting.delete(delivery);
  }

  #warn({ id, record }: Delivery, message: string): void {
    this.log({ level: 'warn', app: record.app, message: `push ${id} ${message}` });
  }
}
