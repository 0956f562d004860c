/** Tells applications which of them a sender pushes for (TS 5.1-13). */

import type { Application } from './application.js';
import type { Clock } from './clock.js';
import { invoke, within } from './deadline.js';
import { NEGOTIATED_WITHIN } from './limits.js';
import type { LogSink } from './log.js';
import { reasonOf } from './outcome.js';

/** @param supported canonical event-app-ids. Nothing waits for what they make of it; what they throw is logged. */
export function tellNegotiated(
  apps: readonly Application[],
  uri: string,
  supported: readonly string[],
  { clock, log }: { clock: Clock; log: LogSink },
): void {
  for (const { eventAppId, instance, stopping } of apps) {
    if (stopping || typeof instance.negotiated !== 'function') continue;
    const sender = { uri, supported: supported.includes(eventAppId) };
    const told = invoke(() => instance.negotiated?.(sender));
    within(clock, NEGOTIATED_WITHIN, 'negotiated()', told).catch((error: unknown) => {
      log({ level: 'error', app: eventAppId, message: `negotiated() failed: ${reasonOf(error)}` });
    });
  }
}
