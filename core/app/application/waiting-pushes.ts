/** Pushes in the ledger that wait for applications that are not loaded. */

import type { Ledger } from '../ledger/ledger.js';
import type { Registry } from './registry.js';

/** Confirmed pushes whose application is not loaded. */
export interface WaitingPushes {
  /** event-app-id of the application. */
  readonly app: string;
  /** IARI of the application, if it has one. */
  readonly iari?: string;
  /** Number of pushes. */
  readonly count: number;
  /** When the oldest of them was received. */
  readonly since: Date;
}

/** @returns one item for each application, sorted by id. */
export function waitingPushes(ledger: Ledger, registry: Registry): WaitingPushes[] {
  const found = new Map<string, WaitingPushes>();
  for (const record of ledger.allConfirmed()) {
    if (registry.ownerOf(record)) continue;
    const { app, iari, receivedAt } = record;
    const key = JSON.stringify([app, iari]);
    const { count = 0, since = new Date(receivedAt) } = found.get(key) ?? {};
    found.set(key, {
      app,
      iari,
      count: count + 1,
      since: new Date(Math.min(since.getTime(), receivedAt)),
    });
  }
  return [...found.values()].sort((one, other) => (one.app < other.app ? -1 : 1));
}
