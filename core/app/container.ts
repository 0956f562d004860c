/** Composition of the runtime and of the services of applications. */

import type { GuardedFetch } from '../content/fetch/guarded-fetch.js';
import { container, type DependencyContainer } from '../injection.js';
import type { LogSink } from '../log.js';
import { CONTENT_FILES, type ContentFiles } from '../store/content-files.js';
import type { Records } from '../store/records.js';
import type { Clock } from '../time/clock.js';
import { REGISTRY, Registry } from './application/registry.js';
import type { HostServiceName, Services } from './contract/services.js';
import type { Emit } from './contract/transaction.js';
import { ATTEMPTS, Attempts } from './delivery/attempt.js';
import { DISPATCHER, Dispatcher } from './delivery/dispatcher.js';
import { DURABLE_DELIVERY, DurableDelivery } from './delivery/durable-delivery.js';
import { RECENT, RecentPushes } from './delivery/recent.js';
import {
  RETRIEVAL_SINK,
  RETRIEVAL_SPOOL,
  RETRIEVALS,
  type RetrievalSink,
  type RetrievalSpool,
  Retrievals,
} from './delivery/retrievals.js';
import { CLOCK, DELIVERY_LISTENER, FETCHER, KILLED, LIMITS, LOG_SINK, RECORDS } from './foundations.js';
import { DEAD_LETTERS, DeadLetters } from './ledger/dead-letters.js';
import type { DeliveryListener } from './ledger/delivery-event.js';
import type { ForgottenListener } from './ledger/finished-pushes.js';
import { LEDGER, Ledger } from './ledger/ledger.js';
import { LEDGER_STORE, LedgerStore } from './ledger/ledger-store.js';
import type { RuntimeLimits } from './limits.js';
import { APP_SCOPE, type AppScope, EMIT, SERVICE } from './services/app-scope.js';
import { EmitService } from './services/emit-service.js';
import { EVENT_OUTBOX, type EventOutbox } from './services/event-outbox.js';
import { FetchService } from './services/fetch-service.js';
import { APP_FOLDERS, type AppFolders, FilesService } from './services/files-service.js';
import { ClockService, LogService } from './services/log-service.js';
import { ScheduleService } from './services/schedule-service.js';
import { StorageService } from './services/storage-service.js';
import { PARTIAL_FILES, PartialFiles } from './transfer/partial-files.js';
import { TRANSFERS, Transfers } from './transfer/transfers.js';

export interface Foundations {
  records: Records;
  clock: Clock;
  limits: RuntimeLimits;
  log: LogSink;
  outbox: EventOutbox;
  fetcher: GuardedFetch;
  retrievalSpool: RetrievalSpool;
  files: AppFolders;
  transfers: ContentFiles;
  retrieved: RetrievalSink;
  forgotten: ForgottenListener;
  killed: boolean;
  delivery: DeliveryListener;
}

/** The parts of the runtime. The container is not passed to other code. */
export interface Composition {
  readonly ledger: Ledger;
  readonly deadLetters: DeadLetters;
  readonly recent: RecentPushes;
  readonly registry: Registry;
  readonly deliveries: DurableDelivery;
  readonly dispatcher: Dispatcher;
  readonly retrievals: Retrievals;
  readonly transfers: Transfers;
  /** New services for one application: those that it needs, and `emit`. */
  servicesFor(
    scope: AppScope,
    needs: readonly HostServiceName[],
  ): Partial<Services> & { readonly emit: Emit };
}

/** Reads the ledger from the store. @throws StoreError */
export async function compose(foundations: Foundations): Promise<Composition> {
  const { records, clock, limits, log, outbox, fetcher, retrievalSpool, files, transfers } = foundations;
  const { retrieved, forgotten, delivery, killed } = foundations;
  // A child, because tsyringe's own container is global, and a process can have several runtimes.
  const parts = container.createChildContainer();
  parts.register(RECORDS, { useValue: records });
  parts.register(CLOCK, { useValue: clock });
  parts.register(LIMITS, { useValue: limits });
  parts.register(LOG_SINK, { useValue: log });
  parts.register(KILLED, { useValue: killed });
  parts.register(DELIVERY_LISTENER, { useValue: delivery });
  parts.register(EVENT_OUTBOX, { useValue: outbox });
  parts.register(FETCHER, { useValue: fetcher });
  parts.register(RETRIEVAL_SPOOL, { useValue: retrievalSpool });
  parts.register(APP_FOLDERS, { useValue: files });
  parts.register(RETRIEVAL_SINK, { useValue: retrieved });
  parts.register(RECENT, { useValue: new RecentPushes(limits) });
  parts.register(CONTENT_FILES, { useValue: transfers });
  parts.register(LEDGER_STORE, {
    useValue: await LedgerStore.open({
      records,
      files: transfers,
      clock,
      limits,
      log,
      onForgotten: forgotten,
      onDelivery: delivery,
    }),
  });
  parts.registerSingleton(LEDGER, Ledger);
  parts.registerSingleton(DEAD_LETTERS, DeadLetters);
  parts.registerSingleton(REGISTRY, Registry);
  parts.registerSingleton(DURABLE_DELIVERY, DurableDelivery);
  parts.registerSingleton(DISPATCHER, Dispatcher);
  parts.registerSingleton(RETRIEVALS, Retrievals);
  parts.registerSingleton(ATTEMPTS, Attempts);
  parts.registerSingleton(PARTIAL_FILES, PartialFiles);
  parts.registerSingleton(TRANSFERS, Transfers);
  return {
    ledger: parts.resolve(LEDGER),
    deadLetters: parts.resolve(DEAD_LETTERS),
    recent: parts.resolve(RECENT),
    registry: parts.resolve(REGISTRY),
    deliveries: parts.resolve(DURABLE_DELIVERY),
    dispatcher: parts.resolve(DISPATCHER),
    retrievals: parts.resolve(RETRIEVALS),
    transfers: parts.resolve(TRANSFERS),
    servicesFor: (scope, needs) => servicesFor(parts, scope, needs),
  };
}

/**
 * Registers a service in the child container of the application that declares it. A new service is added here, to
 * `Services` and to `SERVICE`. A service that works in a worker is an object of functions that return promises.
 */
const REGISTER: { readonly [Name in HostServiceName]: (child: DependencyContainer) => void } = {
  storage: (child) => child.registerSingleton(SERVICE.storage, StorageService),
  files: (child) => child.registerSingleton(SERVICE.files, FilesService),
  log: (child) => child.registerSingleton(SERVICE.log, LogService),
  clock: (child) => child.registerSingleton(SERVICE.clock, ClockService),
  schedule: (child) => child.registerSingleton(SERVICE.schedule, ScheduleService),
  fetch: (child) => child.register(SERVICE.fetch, { useFactory: (own) => own.resolve(FetchService).fetch }),
};

function servicesFor(
  parts: DependencyContainer,
  scope: AppScope,
  needs: readonly HostServiceName[],
): Partial<Services> & { readonly emit: Emit } {
  // A child container also resolves the registrations of its parent, so services are registered in the child alone.
  const child = parts.createChildContainer();
  child.register(APP_SCOPE, { useValue: scope });
  child.register(EMIT, { useFactory: (own) => own.resolve(EmitService).emit });
  const services: Partial<Services> = Object.fromEntries(
    needs.map((name) => {
      REGISTER[name](child);
      return [name, child.resolve<Services[HostServiceName]>(SERVICE[name])];
    }),
  );
  return { ...services, emit: child.resolve(EMIT) };
}

export const hostServiceNames: readonly string[] = Object.keys(REGISTER);

export function isHostService(need: string): need is HostServiceName {
  return Object.hasOwn(REGISTER, need);
}
