/** Pushes in the ledger that wait for applications that are not loaded. */

import { mediaTypeOf } from '../ledger/entry.js';
import type { Ledger } from '../ledger/ledger.js';
import type { Registry } from './registry.js';

/** Confirmed pushes that cannot be delivered: no loaded application accepts them. */
export interface WaitingPushes {
  /** event-app-id of the application. */
  readonly app: string;
  /** IARI of the application, if it has one. */
  readonly iari?: string;
  /** Whether an application with this id and IARI is loaded, but does not accept the media types. */
  readonly loaded: boolean;
  /** Media types of the pushes, sorted. */
  readonly types: readonly string[];
  /** Number of pushes. */
  readonly count: number;
  /** When the oldest of them was received. */
  readonly since: Date;
}

/** @returns one item for each application, sorted by id. */
export function waitingPushes(ledger: Ledger, registry: Registry): WaitingPushes[] {
  const found = new Map<string, WaitingPushes>();
  for (const record of ledger.allConfirmed()) {
    const { app, iari, receivedAt } = record;
    const type = mediaTypeOf(record);
    const resolved = registry.resolve([app], type, iari);
    if (typeof resolved !== 'string') continue;
    const key = JSON.stringify([app, iari]);
    const { count = 0, types = [], since = new Date(receivedAt) } = found.get(key) ?? {};
    found.set(key, {
      app,
      iari,
      loaded: resolved === 'type',
      types: [...new Set([...types, type])].sort(),
      count: count + 1,
      since: new Date(Math.min(since.getTime(), receivedAt)),
    });
  }
  return [...found.values()].sort((one, other) => (one.app < other.app ? -1 : 1));
}
