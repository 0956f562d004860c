/** The sink for events of applications, and the tokens of the parts that the runtime receives at its creation. */

import type { GuardedFetch } from '../content/fetch/guarded-fetch.js';
import type { InjectionToken } from '../injection.js';
import type { LogSink } from '../log.js';
import type { Records } from '../store/records.js';
import { reasonOf } from '../text.js';
import type { Clock } from '../time/clock.js';
import type { AppEvent } from './contract/push-app.js';
import type { RuntimeLimits } from './limits.js';

export type EventSink = (event: AppEvent) => void;

/** A sink that does not throw: an error of the host's listener is not the application's. */
export function safeEventSink(sink: EventSink | undefined, log: LogSink): EventSink {
  if (!sink) return () => {};
  return (event) => {
    try {
      sink(event);
    } catch (error) {
      log({ level: 'error', app: event.app, message: `the listener of the host threw: ${reasonOf(error)}` });
    }
  };
}

export const CLOCK: InjectionToken<Clock> = Symbol('clock');

export const LIMITS: InjectionToken<RuntimeLimits> = Symbol('limits');

export const LOG_SINK: InjectionToken<LogSink> = Symbol('log sink');

export const EVENT_SINK: InjectionToken<EventSink> = Symbol('event sink');

export const RECORDS: InjectionToken<Records> = Symbol('records');

export const FETCHER: InjectionToken<GuardedFetch> = Symbol('fetcher');
