/** The tokens of the parts that the runtime receives at its creation. */

import type { GuardedFetch } from '../content/fetch/guarded-fetch.js';
import type { InjectionToken } from '../injection.js';
import type { LogSink } from '../log.js';
import type { Records } from '../store/records.js';
import type { Clock } from '../time/clock.js';
import type { DeliveryListener } from './ledger/delivery-event.js';
import type { RuntimeLimits } from './limits.js';

export const CLOCK: InjectionToken<Clock> = Symbol('clock');

export const LIMITS: InjectionToken<RuntimeLimits> = Symbol('limits');

export const LOG_SINK: InjectionToken<LogSink> = Symbol('log sink');

export const RECORDS: InjectionToken<Records> = Symbol('records');

export const DELIVERY_LISTENER: InjectionToken<DeliveryListener> = Symbol('delivery listener');

/** Whether the last host ended without a stop. */
export const KILLED: InjectionToken<boolean> = Symbol('killed');

export const FETCHER: InjectionToken<GuardedFetch> = Symbol('fetcher');
