/** The `emit` service. */

import { AppError } from '../errors.js';
import type { EventSink } from './events.js';
import { inject, injectable } from './injection.js';
import type { Emit } from './services.js';
import { APP_SCOPE, type AppScope, EVENT_SINK } from './tokens.js';

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
        "emit's first argument is the kind of event, a word like 'notification'",
      );
    }
    // An application that goes on after it was stopped has nobody left who listens.
    if (!active) return;
    // `event` is how a host tells these from its own events.
    const { event: _, ...own } = fields;
    this.sink({ ...own, app: eventAppId, kind });
  };
}
