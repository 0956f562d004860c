/** The application that a service is made for, and the tokens of the services. */

import type { InjectionToken } from '../../injection.js';
import type { AppPermissions } from '../contract/permissions.js';
import type { HostServiceName, Services } from '../contract/services.js';
import type { Alarms } from './alarms.js';
import type { AppWrites } from './app-writes.js';

/** One application, for the services that are made for it. */
export interface AppScope {
  readonly eventAppId: string;
  /** Part of the keys of its storage and alarms. */
  readonly namespace: string;
  readonly permissions: AppPermissions;
  /** Its writes to storage and alarms. */
  readonly own: AppWrites;
  /** Absent if it does not need `schedule`. */
  readonly alarms?: Alarms;
  /** False when the application was stopped: its later calls of services are rejected. */
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
