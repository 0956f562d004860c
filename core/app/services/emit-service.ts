/** The function `emit` of an application. */

import { inject, injectable } from '../../injection.js';
import { checkedEvent } from '../contract/events.js';
import type { Emit } from '../contract/transaction.js';
import { APP_SCOPE, type AppScope } from './app-scope.js';
import { EVENT_OUTBOX, type EventOutbox } from './event-outbox.js';

@injectable()
export class EmitService {
  constructor(
    @inject(APP_SCOPE) private readonly scope: AppScope,
    @inject(EVENT_OUTBOX) private readonly outbox: EventOutbox,
  ) {}

  readonly emit: Emit = (kind, fields?: unknown) => {
    const { eventAppId, active, events } = this.scope;
    const event = checkedEvent(eventAppId, events, kind, fields);
    // The host does not expect events of an application that was stopped.
    if (active) this.outbox.emit(eventAppId, event.kind, event.fields);
  };
}
