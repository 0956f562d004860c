/** Pushes and terminals as the API shows them. */

import type { OutboxRecord } from '../../core/sender/outbox/record.js';
import type { Terminal } from '../../core/sender/terminals/terminal.js';

export function pushJson({ id, submission, state, acceptedAt, endedAt, receipts }: OutboxRecord) {
  return {
    id,
    to: submission.to,
    app: submission.app,
    state,
    acceptedAt: new Date(acceptedAt).toISOString(),
    ...(endedAt === undefined ? {} : { endedAt: new Date(endedAt).toISOString() }),
    receipts,
  };
}

export function terminalJson(terminal: Terminal) {
  const { user, registered, lastSeen, gruu, instanceId, apps, types, maxSize, methods, product } = terminal;
  return {
    user,
    registered,
    lastSeen: new Date(lastSeen).toISOString(),
    gruu,
    instanceId,
    apps: apps && [...apps],
    types: types && [...types],
    maxSize,
    methods: methods && [...methods],
    product,
  };
}
