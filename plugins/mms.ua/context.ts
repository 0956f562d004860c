/** The argument of `start`, and the types of transactions and alarms with the events of mms.ua. */

import type { DueAlarm, StartContext, Transaction } from 'sip-push/sdk';
import type { events } from './events.js';
import type { MmsOptions } from './options.js';

export const NEEDS = ['storage', 'files', 'fetch', 'log', 'clock', 'schedule'] as const;

export type Context = StartContext<(typeof NEEDS)[number], MmsOptions, typeof events>;
/** A transaction. With `order: 'parallel'`, those with an `async` callback run one at a time. */
export type MmsTransaction = Transaction<typeof events>;
export type MmsAlarm = DueAlarm<typeof events>;

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
