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
import {
  busy,
  internalFailure,
  internalResources,
  malformedOf,
  type Refusal,
  refusalOf,
  requireNoRefusal,
} from '../contract/outcome.js';
import type { ReceivedPush } from '../contract/push.js';
import type { Transaction } from '../contract/transaction.js';
import { AppUnavailableError } from '../contract/unavailable.js';
import { CLOCK } from '../foundations.js';
import { type PushEntry, pushOf } from '../ledger/entry.js';
import { LEDGER, type Ledger } from '../ledger/ledger.js';
import { COMMIT_GRACE, RECEIVE_ENDS_WITHIN } from '../limits.js';
import { EventBacklogError } from '../services/event-outbox.js';
import { type CommitOperations, withCommitOperations, withContentArrived } from '../services/transactions.js';
import { RECENT, type RecentPushes } from './recent.js';

/** `failed`: `receive` threw an error that is not a refusal, or did not end by its deadline. */
export type AttemptResult =
  | { type: 'accepted' }
  | {
      type: 'refused' | 'failed';
      refusal: Refusal;
      /** The attempt does not count: the application did not see the push, or there was no space for its events. */
      unavailable?: true;
    };

@injectable()
export class Attempts {
  constructor(
    @inject(LEDGER) private readonly ledger: Ledger,
    @inject(RECENT) private readonly recent: RecentPushes,
    @inject(CONTENT_FILES) private readonly files: ContentFiles,
    @inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * Delivers a push once. Never rejects. A push that is accepted is finished when the promise resolves.
   * @param turn left when `receive` has ended, or at the deadline. The content is readable until then.
   */
  async deliver(app: Application, entry: PushEntry, content: Content, turn: Turn): Promise<AttemptResult> {
    const { file } = entry.record;
    if (file === undefined) {
      const result = await this.attempt(app, entry, content, turn);
      if (result.type !== 'accepted') return result;
      this.recent.add(entry.record, content);
      if (!entry.result) await this.ledger.accept(entry);
      return result;
    }
    const release = this.files.use(file);
    const result = await this.attempt(app, entry, content, whileUsed(turn, this.files.use(file)));
    if (result.type === 'accepted') {
      await this.recent.addFile(entry.record, content);
      await this.ledger.accept(entry);
    }
    await release();
    return result;
  }

  /**
   * Resolves by the deadline, and with `accepted` not before all of the content has arrived. What `receive` does
   * afterwards is ignored, except for a commit of a durable push.
   */
  private attempt(
    app: Application,
    entry: PushEntry,
    content: Content,
    turn: Turn,
  ): Promise<AttemptResult> | AttemptResult {
    if (app.stopping) {
      turn.leave();
      return concluded(entry, { type: 'failed', refusal: busy(`${app.eventAppId} is being stopped`) });
    }
    const { clock } = this;
    const seconds = app.manifest.timeout;
    const controller = new AbortController();
    entry.backlog = undefined;
    const push = this.received(app, entry, content, controller.signal);
    const received = invoke<unknown>(() => app.instance.receive(push)).then((returned) =>
      returned === undefined ? undefined : requireNoRefusal(returned),
    );
    const result = received.then(
      () => (entry.arrived ? arrived(entry, entry.arrived) : ended(entry, { type: 'accepted' })),
      async (error: unknown) => {
        const end = await ended(entry, thrown(error, `${app.eventAppId} threw`));
        app.threw(entry.id, error, end.type === 'accepted');
        return end;
      },
    );
    return new Promise<AttemptResult>((resolve) => {
      let released = false;
      let cancelDeadline = () => {};
      const release = () => {
        released = true;
        cancelDeadline();
        cancelAccepted();
        call.leave();
        turn.leave();
      };
      const giveUp = (why: Error) => {
        controller.abort(why);
        release();
        void withGrace(clock, entry, ended(entry, failed(why.message))).then(resolve);
      };
      const allow = (milliseconds: number, expected: string) => {
        if (released) return;
        const late = () => giveUp(new TimeoutError(`${app.eventAppId} did not ${expected}`));
        cancelDeadline = clock.after(milliseconds, late);
      };
      const startDeadline = () => allow(seconds * 1000, `answer within ${seconds} s (timeout)`);
      if (entry.arrived) {
        entry.arrived.then(startDeadline, (why: unknown) => {
          controller.abort(why);
          allow(RECEIVE_ENDS_WITHIN, 'end when its content broke off');
        });
      } else {
        startDeadline();
      }
      // A commit is the answer. The application keeps its slot until `receive` ends.
      const cancelAccepted = entry.onAccepted(() => resolve({ type: 'accepted' }));
      const call = app.enter({ abort: (why) => controller.abort(why), giveUp });
      void result.then((settled) => {
        release();
        resolve(settled);
      });
    });
  }

  private received(app: Application, entry: PushEntry, content: Content, signal: AbortSignal): ReceivedPush {
    const { transactions, own } = app.scope;
    const push: ReceivedPush = {
      ...pushOf(entry.record, content, app.maxSize),
      attempt: entry.record.attempts,
      signal,
      commit: <Result>(write?: (tx: Transaction) => Result | Promise<Result>) =>
        handled(this.commit(app, entry, (operations) => transactions.run(write, operations))),
    };
    const raw: CommitOperations = (operations) =>
      handled(this.commit(app, entry, async (write) => write(own.checked(operations))));
    withCommitOperations(push, raw);
    if (entry.arrived) withContentArrived(push, () => contentArrived(entry));
    return Object.freeze(push);
  }

  /**
   * Waits for the content, if it is still arriving, then runs a transaction that ends the push.
   * @param run passes the operations of the transaction to `write`.
   * @throws AppError when the push is finished, its content breaks off, or the application is stopped. StoreError when
   * the store does not write: the application may commit again then.
   */
  private async commit<Result>(
    { scope }: Application,
    entry: PushEntry,
    run: (write: CommitOperations) => Promise<Result>,
  ): Promise<Result> {
    const stopped = 'cannot be committed: the application was stopped';
    if (!scope.active) throw new AppError(scope.eventAppId, `push ${entry.id} ${stopped}`);
    const problem = entry.committing ? 'is being committed' : finishedBy(entry);
    if (problem) throw uncommitted(entry, problem);
    const requireOpen = () => {
      const late = scope.active ? finishedBy(entry) : stopped;
      if (late) throw uncommitted(entry, late);
    };
    const transaction = async () => {
      // `entry.committing` is set before the callback runs, which can call `commit`.
      await undefined;
      if (entry.arrived) {
        await contentArrived(entry);
        requireOpen();
      }
      return run(async (operations) => {
        const batch = scope.own.batch(operations);
        requireOpen();
        await this.ledger.commit(entry, batch);
      });
    };
    const committing = transaction();
    entry.committing = committing.then(() => {});
    // The rejection can have no other listener.
    entry.committing.catch(() => {});
    try {
      return await committing;
    } catch (error) {
      if (EventBacklogError.is(error)) entry.backlog = error;
      throw error;
    } finally {
      entry.committing = undefined;
    }
  }
}

/** @throws AppError when the transfer of the content fails. */
async function contentArrived(entry: PushEntry): Promise<void> {
  await entry.arrived?.catch((error: unknown) => {
    throw uncommitted(entry, `cannot be committed: ${reasonOf(error)}`, error);
  });
}

/** `receive` has resolved, possibly before all of its content arrived. */
async function arrived(entry: PushEntry, content: Promise<void>): Promise<AttemptResult> {
  try {
    await content;
    return await ended(entry, { type: 'accepted' });
  } catch (error) {
    return ended(entry, failed(`its content did not arrive: ${reasonOf(error)}`));
  }
}

/**
 * The result of an attempt. A commit decides, however `receive` ends. An application that did not wait for its commit
 * does not learn that it failed, so it has not accepted the push then.
 */
async function ended(entry: PushEntry, result: AttemptResult): Promise<AttemptResult> {
  if (!entry.committing) return concluded(entry, result);
  try {
    await entry.committing;
    return { type: 'accepted' };
  } catch (error) {
    return concluded(entry, thrown(error, 'its commit failed'));
  }
}

/** Synchronous: a commit that starts after the sender has another answer must fail. */
function concluded(entry: PushEntry, found: AttemptResult): AttemptResult {
  if (entry.result?.accepted) return { type: 'accepted' };
  // The application may throw an error of its own because its commit failed.
  const result = found.type === 'failed' && entry.backlog ? withoutSpace(entry.backlog) : found;
  if (!entry.durable && result.type !== 'accepted') {
    entry.finish({ accepted: false, refusal: result.refusal });
  }
  return result;
}

/** A disk that hangs during a commit must not delay the answer. */
function withGrace(clock: Clock, entry: PushEntry, result: Promise<AttemptResult>): Promise<AttemptResult> {
  return within(clock, COMMIT_GRACE, 'the commit', result).catch((error: unknown) =>
    concluded(entry, failed(reasonOf(error))),
  );
}

function thrown(error: unknown, what: string): AttemptResult {
  const refusal = refusalOf(error) ?? malformedOf(error);
  if (refusal && error instanceof AppUnavailableError) return { type: 'failed', refusal, unavailable: true };
  if (refusal) return { type: 'refused', refusal };
  if (EventBacklogError.is(error)) return withoutSpace(error);
  const reason = `${what}: ${reasonOf(error)}`;
  // A full disk is not the application's fault, and may be temporary.
  if (lacksResources(error)) return { type: 'failed', refusal: internalResources(reason) };
  return { type: 'failed', refusal: internalFailure(reason) };
}

function withoutSpace({ message }: EventBacklogError): AttemptResult {
  return { type: 'failed', refusal: internalResources(message), unavailable: true };
}

function failed(reason: string): AttemptResult {
  return { type: 'failed', refusal: { kind: 'failed', reason } };
}

function finishedBy({ result }: PushEntry): string | undefined {
  if (!result) return undefined;
  if (result.accepted) return 'was accepted before: commit finishes a push once';
  return `can no longer be accepted: its sender was answered that it is refused (${result.refusal.reason})`;
}

function uncommitted({ id, record }: PushEntry, problem: string, cause?: unknown): AppError {
  return new AppError(record.app, `push ${id} ${problem}`, { cause });
}

/** The file is released together with the slot. */
function whileUsed(turn: Turn, release: () => Promise<void>): Turn {
  const leave = () => {
    turn.leave();
    void release();
  };
  return { ready: turn.ready, leave };
}

export const ATTEMPTS: InjectionToken<Attempts> = Symbol('attempts');
