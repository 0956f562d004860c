/** The `schedule` service. */

import { AppError } from '../../errors.js';
import { inject, injectable } from '../../injection.js';
import { handled, invoke } from '../../time/deadline.js';
import type { Alarm, AppSchedule } from '../contract/services.js';
import type { CommitOperation } from '../contract/transaction.js';
import { APP_SCOPE, type AppScope } from './app-scope.js';
import { encodeAlarm, requireKey } from './stored-values.js';

@injectable()
export class ScheduleService implements AppSchedule {
  constructor(@inject(APP_SCOPE) private readonly scope: AppScope) {}

  at(key: string, when: Date | number, data?: unknown): Promise<void> {
    return handled(invoke(() => this.write({ type: 'alarm', key, ...encodeAlarm(key, when, data) })));
  }

  cancel(key: string): Promise<void> {
    return handled(
      invoke(() => {
        requireKey('alarm', key);
        return this.write({ type: 'cancel', key });
      }),
    );
  }

  list(): Promise<Alarm[]> {
    return handled(this.all());
  }

  private async write(operation: CommitOperation): Promise<void> {
    this.requireActive();
    await this.scope.own.batch([operation]).write();
  }

  private async all(): Promise<Alarm[]> {
    this.requireActive();
    return (await this.scope.alarms?.list()) ?? [];
  }

  private requireActive(): void {
    if (!this.scope.active) {
      throw new AppError(this.scope.eventAppId, 'cannot use the schedule: the application was stopped');
    }
  }
}
