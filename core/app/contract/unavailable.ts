/** Applications in a worker: the error while one is unavailable, and the properties that mark them. */

import { PushRefused } from '../../errors.js';
import type { PushAppInstance } from './push-app.js';

/** Thrown by a hook that did not reach the application, so that the attempt does not count. */
export class AppUnavailableError extends PushRefused {
  /** @param seconds until the application may be available. */
  constructor(eventAppId: string, reason: string, seconds: number) {
    super('busy', `${eventAppId} is restarting: ${reason}`, { retryAfter: seconds });
  }

  /** Never throws: an application can throw a proxy. */
  static is(thrown: unknown): thrown is AppUnavailableError {
    try {
      return thrown instanceof AppUnavailableError;
    } catch {
      return false;
    }
  }
}

/**
 * Property of the definition of an application in a worker: `start` receives the service `log`, even if `needs` does not
 * name it, because the host logs the worker's output and its end.
 */
export const LOGS_WORKER = Symbol('logs worker');

/** Property of an instance: why the application is unavailable, if it is. */
export const UNAVAILABLE = Symbol('unavailable');

export interface MaybeUnavailable extends PushAppInstance {
  readonly [UNAVAILABLE]: AppUnavailableError | undefined;
}

export function unavailableOf(
  instance: PushAppInstance | Partial<MaybeUnavailable>,
): AppUnavailableError | undefined {
  return UNAVAILABLE in instance ? instance[UNAVAILABLE] : undefined;
}
