/** Tokens of everything that is injected. esbuild emits no types for decorators, so each injection names one. */

import type { InjectionToken } from '../../injection.js';
import type { AppPermissions } from '../contract/permissions.js';
import type { HostServiceName, Services } from '../contract/services.js';
import type { Alarms } from './alarms.js';
import type { AppWrites } from './app-writes.js';

/** Of one application: who it is, for the services made for it. */
export interface AppScope {
  readonly eventAppId: string;
  /** Where its storage stands. */
  readonly namespace: string;
  readonly permissions: AppPermissions;
  /** What it writes goes this way. */
  readonly own: AppWrites;
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
