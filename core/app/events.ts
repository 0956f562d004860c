/** What applications emit, on its way to the host. */

import type { AppEvent } from './contract.js';
import type { LogSink } from './log.js';
import { reasonOf } from './outcome.js';

export type EventSink = (event: AppEvent) => void;

/** A sink that cannot fail its caller: an application is not to blame for what a host does with its events. */
export function safeEventSink(sink: EventSink | undefined, log: LogSink): EventSink {
  if (!sink) return () => {};
  return (event) => {
    try {
      sink(event);
    } catch (error) {
      log({ level: 'error', app: event.app, message: `the host did not take an event: ${reasonOf(error)}` });
    }
  };
}
