/** The application that a service is made for, and the tokens of the services. */

import { AppError } from '../../errors.js';
import type { InjectionToken } from '../../injection.js';
import type { AppPermissions } from '../contract/permissions.js';
import type { HostServiceName, Services } from '../contract/services.js';
import type { Emit, EventSchemas } from '../contract/transaction.js';
import type { Alarms } from './alarms.js';
import type { AppWrites } from './app-writes.js';
import type { Transactions } from './transactions.js';

/** One application, for the services that are made for it. */
export interface AppScope {
  readonly eventAppId: string;
  /** Part of the keys of its storage and alarms. */
  readonly namespace: string;
  readonly permissions: AppPermissions;
  readonly events: EventSchemas;
  /** Its writes to storage, alarms and events. */
  readonly own: AppWrites;
  readonly transactions: Transactions;
  /** Absent if it does not need `schedule`. */
  readonly alarms?: Alarms;
  /** False when the application was stopped: its later calls of services are rejected. */
  active: boolean;
}

/** @throws AppError when the application was stopped. */
export function requireActive({ eventAppId, active }: AppScope, action: string): void {
  if (!active) throw new AppError(eventAppId, `cannot ${action}: the application was stopped`);
}

export const APP_SCOPE: InjectionToken<AppScope> = Symbol('application');

export const SERVICE: { readonly [Name in HostServiceName]: InjectionToken<Services[Name]> } = {
  storage: Symbol('storage'),
  files: Symbol('files'),
  log: Symbol('log'),
  fetch: Symbol('fetch'),
  clock: Symbol('clock service'),
  schedule: Symbol('schedule'),
};

export const EMIT: InjectionToken<Emit> = Symbol('emit');
