/** An alarm given to its application once: a call of `alarm` with a deadline. */

import { AppError, TimeoutError } from '../errors.js';
import type { SetAlarm } from './alarms.js';
import type { Application } from './application.js';
import type { Clock } from './clock.js';
import type { CommitOperation } from './contract.js';
import { handled, invoke } from './deadline.js';
import type { Alarm } from './services.js';

/** Rejects when the application does not take it, or not in time; a commit of it may come later all the same. */
export function giveAlarm(app: Application, alarm: Alarm, set: SetAlarm, clock: Clock): Promise<void> {
  const controller = new AbortController();
  const commit = (operations: readonly CommitOperation[] = []) => handled(commitAlarm(app, set, operations));
  const seconds = app.manifest.receiveSeconds;
  return new Promise((resolve, reject) => {
    const giveUp = (why: Error) => {
      controller.abort(why);
      over();
      reject(why);
    };
    const cancel = clock.after(seconds * 1000, () =>
      giveUp(new TimeoutError(`alarm() did not end within ${seconds} s (limits.seconds)`)),
    );
    const running = app.enter({ abort: (why) => controller.abort(why), giveUp });
    const over = () => {
      cancel();
      running.leave();
    };
    invoke(() => app.instance.alarm?.(alarm, { commit, signal: controller.signal }))
      .finally(over)
      .then(resolve, reject);
  });
}

/** @throws AppError when it has ended, or its application was stopped. */
async function commitAlarm(
  { scope }: Application,
  set: SetAlarm,
  operations: readonly CommitOperation[],
): Promise<void> {
  const { eventAppId, active, own, alarms } = scope;
  const problem = (words: string) =>
    new AppError(eventAppId, `alarm "${set.key}" cannot be committed: ${words}`);
  if (!active) throw problem('it was stopped');
  const batch = own.batch(operations);
  if (!(await alarms?.end(set, (removal) => batch.write(removal)))) {
    throw problem('it has ended, was cancelled, or was set anew');
  }
}
