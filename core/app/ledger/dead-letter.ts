/** A push that its application does not accept, although its sender has the answer that it is accepted. */

import type { PushEntry } from './entry.js';

export interface DeadLetter {
  readonly id: string;
  readonly app: string;
  readonly from: string;
  readonly to: string;
  readonly contentType: string;
  /** Bytes of content. */
  readonly size: number;
  readonly receivedAt: Date;
  /** When the deliveries ended. */
  readonly deadSince: Date;
  /** Deliveries started. */
  readonly attempts: number;
  /** The application's last answer. */
  readonly reason: string;
}

export function deadLetterOf({ record, dead }: PushEntry): DeadLetter {
  const { id, app, from, to, type, size, receivedAt, attempts } = record;
  return {
    id,
    app,
    from,
    to,
    contentType: type.type,
    size,
    receivedAt: new Date(receivedAt),
    deadSince: new Date(dead?.since ?? receivedAt),
    attempts,
    reason: dead?.reason ?? '',
  };
}
