/** The one place where the runtime and the services of applications are put together. */

import type { GuardedFetch } from '../content/fetch/guarded-fetch.js';
import type { Clock } from './clock.js';
import { ClockService } from './clock-service.js';
import { Deliveries } from './deliveries.js';
import { Dispatcher } from './dispatcher.js';
import { DoneMarkers } from './done-markers.js';
import { EmitService } from './emit-service.js';
import { Endings } from './endings.js';
import type { EventSink } from './events.js';
import { FetchService } from './fetch-service.js';
import type { FilesRoom } from './files-room.js';
import { FilesService } from './files-service.js';
import { Handover } from './handover.js';
import { Inbox } from './inbox.js';
import { container, type DependencyContainer } from './injection.js';
import type { RuntimeLimits } from './limits.js';
import type { LogSink } from './log.js';
import { LogService } from './log-service.js';
import { Partials } from './partials.js';
import { RecentPushes } from './recent.js';
import type { Records } from './records.js';
import { References } from './references.js';
import { Registry } from './registry.js';
import { type RetrievalSink, Retrievals } from './retrievals.js';
import { ScheduleService } from './schedule-service.js';
import type { HostServiceName, Services } from './services.js';
import { SetAside } from './set-aside.js';
import type { SpoolRoom } from './spool-room.js';
import { StorageService } from './storage-service.js';
import * as tokens from './tokens.js';
import { TransferPlaces } from './transfer-places.js';
import type { TransferRoom } from './transfer-room.js';
import { Transfers } from './transfers.js';

export interface Foundations {
  records: Records;
  clock: Clock;
  limits: RuntimeLimits;
  log: LogSink;
  events: EventSink;
  fetcher: GuardedFetch;
  room: SpoolRoom;
  files: FilesRoom;
  transfers: TransferRoom;
  retrieved: RetrievalSink;
}

/** What the runtime is made of. The container itself stays here. */
export interface Composition {
  readonly inbox: Inbox;
  readonly aside: SetAside;
  readonly recent: RecentPushes;
  readonly registry: Registry;
  readonly deliveries: Deliveries;
  readonly dispatcher: Dispatcher;
  readonly retrievals: Retrievals;
  readonly transfers: Transfers;
  /** The services of one application: those that it needs, and `emit`, made for it alone. */
  servicesFor(scope: tokens.AppScope, needs: readonly HostServiceName[]): Partial<Services>;
}

/** Reads what the store holds. @throws StoreError */
export async function compose(foundations: Foundations): Promise<Composition> {
  const { records, clock, limits, log, events, fetcher, room, files, transfers, retrieved } = foundations;
  // A child: tsyringe's own container is one for the whole process, and there may be several runtimes.
  const parts = container.createChildContainer();
  parts.register(tokens.RECORDS, { useValue: records });
  parts.register(tokens.CLOCK, { useValue: clock });
  parts.register(tokens.LIMITS, { useValue: limits });
  parts.register(tokens.LOG_SINK, { useValue: log });
  parts.register(tokens.EVENT_SINK, { useValue: events });
  parts.register(tokens.FETCHER, { useValue: fetcher });
  parts.register(tokens.SPOOL_ROOM, { useValue: room });
  parts.register(tokens.FILES_ROOM, { useValue: files });
  parts.register(tokens.RETRIEVAL_SINK, { useValue: retrieved });
  parts.register(tokens.RECENT, { useValue: new RecentPushes(limits) });
  parts.register(tokens.TRANSFER_ROOM, { useValue: transfers });
  parts.register(tokens.INBOX, { useValue: await Inbox.open(records, transfers, limits, log) });
  parts.register(tokens.REFERENCES, { useValue: await References.open(records, limits, log) });
  parts.register(tokens.SET_ASIDE, {
    useValue: await SetAside.open(records, transfers, clock, limits, log),
  });
  parts.register(tokens.PARTIALS, { useValue: await Partials.open(records, clock, log) });
  parts.register(tokens.DONE_MARKERS, {
    useValue: await DoneMarkers.open(records, clock, limits.doneMarkers),
  });
  parts.registerSingleton(tokens.REGISTRY, Registry);
  parts.registerSingleton(tokens.ENDINGS, Endings);
  parts.registerSingleton(tokens.DELIVERIES, Deliveries);
  parts.registerSingleton(tokens.DISPATCHER, Dispatcher);
  parts.registerSingleton(tokens.RETRIEVALS, Retrievals);
  parts.registerSingleton(tokens.HANDOVER, Handover);
  parts.registerSingleton(tokens.TRANSFER_PLACES, TransferPlaces);
  parts.registerSingleton(tokens.TRANSFERS, Transfers);
  return {
    inbox: parts.resolve(tokens.INBOX),
    aside: parts.resolve(tokens.SET_ASIDE),
    recent: parts.resolve(tokens.RECENT),
    registry: parts.resolve(tokens.REGISTRY),
    deliveries: parts.resolve(tokens.DELIVERIES),
    dispatcher: parts.resolve(tokens.DISPATCHER),
    retrievals: parts.resolve(tokens.RETRIEVALS),
    transfers: parts.resolve(tokens.TRANSFERS),
    servicesFor: (scope, needs) => servicesFor(parts, scope, needs),
  };
}

/**
 * How each service is made in the child container of the application that declares it: the one place where a service of the host is
 * named beside `Services` and `tokens.SERVICE`. What is to cross into a worker is an object of functions that give promises.
 */
const REGISTER: { readonly [Name in HostServiceName]: (child: DependencyContainer) => void } = {
  storage: (child) => child.registerSingleton(tokens.SERVICE.storage, StorageService),
  files: (child) => child.registerSingleton(tokens.SERVICE.files, FilesService),
  log: (child) => child.registerSingleton(tokens.SERVICE.log, LogService),
  clock: (child) => child.registerSingleton(tokens.SERVICE.clock, ClockService),
  schedule: (child) => child.registerSingleton(tokens.SERVICE.schedule, ScheduleService),
  emit: (child) =>
    child.register(tokens.SERVICE.emit, { useFactory: (own) => own.resolve(EmitService).emit }),
  fetch: (child) =>
    child.register(tokens.SERVICE.fetch, { useFactory: (own) => own.resolve(FetchService).fetch }),
};

function servicesFor(
  parts: DependencyContainer,
  scope: tokens.AppScope,
  needs: readonly HostServiceName[],
): Partial<Services> {
  // A child resolves everything that its parent has: what the application did not declare is registered nowhere.
  const child = parts.createChildContainer();
  child.register(tokens.APP_SCOPE, { useValue: scope });
  const names = new Set<HostServiceName>([...needs, 'emit']);
  return Object.fromEntries(
    Array.from(names, (name) => {
      REGISTER[name](child);
      return [name, child.resolve<Services[HostServiceName]>(tokens.SERVICE[name])];
    }),
  );
}

export const hostServiceNames: readonly string[] = Object.keys(REGISTER);

export function isHostService(need: string): need is HostServiceName {
  return Object.hasOwn(REGISTER, need);
}
