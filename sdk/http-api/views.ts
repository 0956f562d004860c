/** Pushes and terminals as the API shows them. */

import type { OutboxRecord } from '../../core/sender/outbox/record.js';
import type { Terminal } from '../../core/sender/terminals/terminal.js';

export function pushJson({ id, order, state, takenAt, endedAt, receipts }: OutboxRecord) {
  return {
    id,
    to: order.to,
    app: order.app,
    state,
    takenAt: new Date(takenAt).toISOString(),
    ...(endedAt === undefined ? {} : { endedAt: new Date(endedAt).toISOString() }),
    receipts,
  };
}

export function terminalJson(terminal: Terminal) {
  const { user, here, seen, gruu, instanceId, apps, types, maxSize, methods, product } = terminal;
  return {
    user,
    here,
    seen: new Date(seen).toISOString(),
    gruu,
    instanceId,
    apps: apps && [...apps],
    types: types && [...types],
    maxSize,
    methods: methods && [...methods],
    product,
  };
}
