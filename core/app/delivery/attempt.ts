/** One delivery of one push: a call of `receive` with a deadline. */

import type { Content } from '../../content/content.js';
import { AppError, TimeoutError } from '../../errors.js';
import { type InjectionToken, inject, injectable } from '../../injection.js';
import { CONTENT_FILES, type ContentFiles } from '../../store/content-files.js';
import { lacksResources } from '../../store/records.js';
import { reasonOf } from '../../text.js';
import type { Clock } from '../../time/clock.js';
import { handled, invoke, within } from '../../time/deadline.js';
import type { Application } from '../application/application.js';
import type { Turn } from '../application/slots.js';
import { busy, type Refusal, refusalOf, resources } from '../contract/outcome.js';
import type { CommitOperation } from '../contract/push-app.js';
import { AppUnavailable } from '../contract/unavailable.js';
import { CLOCK } from '../foundations.js';
import type { Delivery } from '../inbox/delivery.js';
import { pushOf } from '../inbox/push-record.js';
import { COMMIT_GRACE, RECEIVE_ENDS_WITHIN } from '../limits.js';
import { RECENT, type RecentPushes } from './recent.js';
import { SETTLEMENT, type Settlement } from './settlement.js';

/** `failed`: it threw anything else, or had not answered by its deadline. */
export type AttemptResult =
  | { type: 'taken' }
  | {
      type: 'refused' | 'failed';
      refusal: Refusal;
      /** Its application was not there to be given it. */
      away?: true;
    };

export interface AttemptOptions {
  app: Application;
  delivery: Delivery;
  content: Content;
  endings: Settlement;
  clock: Clock;
  /** For `receive`, from when all of the content is there. */
  milliseconds: number;
  /** Left when `receive` has ended, or at the deadline. */
  turn: Turn;
}

/**
 * Resolves by the deadline, `taken` not before all of the content is there; what `receive` does after it is ignored, but for a commit of a durable push. Never
 * rejects.
 */
export async function attempt(options: AttemptOptions): Promise<AttemptResult> {
  const { app, delivery, content, endings, clock, milliseconds, turn } = options;
  if (app.stopping) {
    turn.leave();
    return closed(delivery, { type: 'failed', refusal: busy(`${app.eventAppId} is being stopped`) });
  }
  const controller = new AbortController();
  const commit = async (operations: readonly CommitOperation[] = []) => {
    const { eventAppId, own, active } = app.scope;
    if (!active) throw new AppError(eventAppId, `push ${delivery.id} cannot be committed: it was stopped`);
    await endings.commit(delivery, own.batch(operations), app.scope);
  };
  const received = invoke(() =>
    app.instance.receive(pushOf(delivery.record, content), {
      commit: (operations) => handled(commit(operations)),
      signal: controller.signal,
    }),
  );
  const result = received.then(
    () => landed(delivery),
    (error: unknown) => {
      app.threw(delivery.id, error);
      return ended(delivery, thrown(error, `${app.eventAppId} threw`));
    },
  );
  return new Promise<AttemptResult>((resolve) => {
    const release = () => {
      released = true;
      cancelDeadline();
      cancelTaken();
      running.leave();
      turn.leave();
    };
    const giveUp = (why: Error) => {
      controller.abort(why);
      release();
      void graced(clock, ended(delivery, failed(why.message)), delivery).then(resolve);
    };
    let released = false;
    let cancelDeadline = () => {};
    const allow = (time: number, words: string) => {
      if (released) return;
      cancelDeadline = clock.after(time, () =>
        giveUp(new TimeoutError(`${app.eventAppId} did not ${words}`)),
      );
    };
    const deadline = () => allow(milliseconds, `answer within ${milliseconds / 1000} s (limits.seconds)`);
    if (delivery.landed) {
      delivery.landed.then(deadline, (why: unknown) => {
        controller.abort(why);
        allow(RECEIVE_ENDS_WITHIN, 'end when its content broke off');
      });
    } else {
      deadline();
    }
    // A commit is the answer; the slot is the application's until `receive` ends.
    const cancelTaken = delivery.onTaken(() => resolve({ type: 'taken' }));
    const running = app.enter({ abort: (why) => controller.abort(why), giveUp });
    void result.then((settled) => {
      release();
      resolve(settled);
    });
  });
}

/** `receive` has resolved, maybe ahead of its content. */
async function landed(delivery: Delivery): Promise<AttemptResult> {
  try {
    await delivery.landed;
    return await ended(delivery, { type: 'taken' });
  } catch (error) {
    return ended(delivery, failed(`its content did not come: ${reasonOf(error)}`));
  }
}

/**
 * What an attempt comes to. A commit decides, whatever `receive` does; an application that did not wait for its
 * commit, and would not know that it failed, has not taken the push.
 */
async function ended(delivery: Delivery, result: AttemptResult): Promise<AttemptResult> {
  if (!delivery.committing) return closed(delivery, result);
  try {
    await delivery.committing;
    return { type: 'taken' };
  } catch (error) {
    return closed(delivery, thrown(error, 'its commit failed'));
  }
}

/** At once, since a commit that began after the sender was told otherwise must fail. */
function closed(delivery: Delivery, result: AttemptResult): AttemptResult {
  if (delivery.ending?.type === 'taken') return { type: 'taken' };
  if (!delivery.durable && result.type !== 'taken') {
    delivery.end({ type: 'refused', refusal: result.refusal });
  }
  return result;
}

/** A disk that hangs in the middle of a commit must not hang the answer. */
function graced(clock: Clock, result: Promise<AttemptResult>, delivery: Delivery): Promise<AttemptResult> {
  return within(clock, COMMIT_GRACE, 'the commit', result).catch((error: unknown) =>
    closed(delivery, failed(reasonOf(error))),
  );
}

function thrown(error: unknown, what: string): AttemptResult {
  const refusal = refusalOf(error);
  if (refusal && error instanceof AppUnavailable) return { type: 'failed', refusal, away: true };
  if (refusal) return { type: 'refused', refusal };
  const reason = `${what}: ${reasonOf(error)}`;
  // Not the application's fault, and soon better, perhaps: a disk that is full.
  if (lacksResources(error)) return { type: 'failed', refusal: resources(reason) };
  return failed(reason);
}

function failed(reason: string): AttemptResult {
  return { type: 'failed', refusal: { kind: 'failed', reason } };
}

/** A push given to its application once, and what is recorded when that takes it. */

@injectable()
export class Handover {
  constructor(
    @inject(SETTLEMENT) private readonly endings: Settlement,
    @inject(RECENT) private readonly recent: RecentPushes,
    @inject(CONTENT_FILES) private readonly room: ContentFiles,
    @inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Never rejects. A push that is taken has ended when it resolves; its content is there while `receive` goes on. */
  async give(app: Application, delivery: Delivery, content: Content, turn: Turn): Promise<AttemptResult> {
    const { endings, clock } = this;
    const milliseconds = app.manifest.receiveSeconds * 1000;
    const { file } = delivery.record;
    if (file === undefined) {
      const result = await attempt({ app, delivery, content, endings, clock, milliseconds, turn });
      if (result.type !== 'taken') return result;
      await endings.take(delivery);
      this.recent.add(delivery.record, content);
      return result;
    }
    const release = this.room.use(file);
    const using = whileUsed(turn, this.room.use(file));
    const result = await attempt({ app, delivery, content, endings, clock, milliseconds, turn: using });
    if (result.type === 'taken') {
      await this.recent.addFile(delivery.record, content);
      await endings.take(delivery);
    }
    await release();
    return result;
  }
}

/** The file is released with the slot. */
function whileUsed(turn: Turn, release: () => Promise<void>): Turn {
  const leave = () => {
    turn.leave();
    void release();
  };
  return { ready: turn.ready, leave };
}

export const HANDOVER: InjectionToken<Handover> = Symbol('handover');
