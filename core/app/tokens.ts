/** Tokens of everything that is injected. esbuild emits no types for decorators, so each injection names one. */

import type { GuardedFetch } from '../content/fetch/guarded-fetch.js';
import type { Alarms } from './alarms.js';
import type { Clock } from './clock.js';
import type { Deliveries } from './deliveries.js';
import type { Dispatcher } from './dispatcher.js';
import type { DoneMarkers } from './done-markers.js';
import type { Endings } from './endings.js';
import type { EventSink } from './events.js';
import type { FilesRoom } from './files-room.js';
import type { Handover } from './handover.js';
import type { Inbox } from './inbox.js';
import type { InjectionToken } from './injection.js';
import type { RuntimeLimits } from './limits.js';
import type { LogSink } from './log.js';
import type { OwnData } from './own-data.js';
import type { Partials } from './partials.js';
import type { AppPermissions } from './permissions.js';
import type { RecentPushes } from './recent.js';
import type { Records } from './records.js';
import type { References } from './references.js';
import type { Registry } from './registry.js';
import type { RetrievalSink, Retrievals } from './retrievals.js';
import type { HostServiceName, Services } from './services.js';
import type { SetAside } from './set-aside.js';
import type { SpoolRoom } from './spool-room.js';
import type { TransferPlaces } from './transfer-places.js';
import type { TransferRoom } from './transfer-room.js';
import type { Transfers } from './transfers.js';

// Of the runtime.
export const CLOCK: InjectionToken<Clock> = Symbol('clock');
export const LIMITS: InjectionToken<RuntimeLimits> = Symbol('limits');
export const LOG_SINK: InjectionToken<LogSink> = Symbol('log sink');
export const EVENT_SINK: InjectionToken<EventSink> = Symbol('event sink');
export const RECORDS: InjectionToken<Records> = Symbol('records');
export const INBOX: InjectionToken<Inbox> = Symbol('inbox');
export const SET_ASIDE: InjectionToken<SetAside> = Symbol('set aside');
export const DONE_MARKERS: InjectionToken<DoneMarkers> = Symbol('done markers');
export const RECENT: InjectionToken<RecentPushes> = Symbol('recent pushes');
export const REGISTRY: InjectionToken<Registry> = Symbol('registry');
export const ENDINGS: InjectionToken<Endings> = Symbol('endings');
export const PARTIALS: InjectionToken<Partials> = Symbol('partial transfers');
export const TRANSFER_ROOM: InjectionToken<TransferRoom> = Symbol('transfer room');
export const TRANSFER_PLACES: InjectionToken<TransferPlaces> = Symbol('transfer places');
export const TRANSFERS: InjectionToken<Transfers> = Symbol('transfers');
export const HANDOVER: InjectionToken<Handover> = Symbol('handover');
export const DELIVERIES: InjectionToken<Deliveries> = Symbol('deliveries');
export const DISPATCHER: InjectionToken<Dispatcher> = Symbol('dispatcher');
export const FETCHER: InjectionToken<GuardedFetch> = Symbol('fetcher');
export const SPOOL_ROOM: InjectionToken<SpoolRoom> = Symbol('spool room');
export const FILES_ROOM: InjectionToken<FilesRoom> = Symbol('files room');
export const REFERENCES: InjectionToken<References> = Symbol('references');
export const RETRIEVAL_SINK: InjectionToken<RetrievalSink> = Symbol('retrieval sink');
export const RETRIEVALS: InjectionToken<Retrievals> = Symbol('retrievals');

/** Of one application: who it is, for the services made for it. */
export interface AppScope {
  readonly eventAppId: string;
  /** Where its storage stands. */
  readonly namespace: string;
  readonly permissions: AppPermissions;
  /** What it writes goes this way. */
  readonly own: OwnData;
  /** Absent where it does not need `schedule`. */
  readonly alarms?: Alarms;
  /** False from when it has been stopped: what it does later comes to nothing. */
  active: boolean;
}

export const APP_SCOPE: InjectionToken<AppScope> = Symbol('application');

export const SERVICE: { readonly [Name in HostServiceName]: InjectionToken<Services[Name]> } = {
  storage: Symbol('storage'),
  files: Symbol('files'),
  log: Symbol('log'),
  emit: Symbol('emit'),
  fetch: Symbol('fetch'),
  clock: Symbol('clock service'),
  schedule: Symbol('schedule'),
};
