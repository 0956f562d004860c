/** Applications that a host can do without. */

import type { LogSink } from '../../log.js';
import { reasonOf } from '../../text.js';

/** Logs that an optional application is left out. */
export function logOmitted(log: LogSink, app: string, error: unknown): void {
  log({ level: 'warn', message: `the optional application ${app} is left out: ${reasonOf(error)}` });
}

/** The result of `load`; empty, with a warning, if it rejects. */
export async function loadOptional<T>(app: string, log: LogSink, load: () => Promise<T>): Promise<T[]> {
  try {
    return [await load()];
  } catch (error) {
    logOmitted(log, app, error);
    return [];
  }
}

/** The id of an invalid definition, for messages. Never throws. */
export function idOf(definition: unknown): string {
  try {
    return reasonOf(Object(definition).id);
  } catch {
    return 'without a readable id';
  }
}
