/** The `emit` service. */

import { AppError } from '../../errors.js';
import { inject, injectable } from '../../injection.js';
import type { Emit } from '../contract/services.js';
import { EVENT_SINK, type EventSink } from '../foundations.js';
import { APP_SCOPE, type AppScope } from './app-scope.js';

@injectable()
export class EmitService {
  constructor(
    @inject(APP_SCOPE) private readonly scope: AppScope,
    @inject(EVENT_SINK) private readonly sink: EventSink,
  ) {}

  readonly emit: Emit = (kind, fields = {}) => {
    const { eventAppId, active } = this.scope;
    if (typeof kind !== 'string' || kind === '') {
      throw new AppError(
        eventAppId,
        "invalid kind of event: expected a word like 'notification' as the first argument of emit",
      );
    }
    // The host does not expect events of an application that was stopped.
    if (!active) return;
    // A host distinguishes its own events by `event`.
    const { event: _, ...own } = fields;
    this.sink({ ...own, app: eventAppId, kind });
  };
}
