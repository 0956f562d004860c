/** The export `start` of a bundle for a browser. */

import { defined } from '../../core/defined.js';
import { type LogSink, safeLogSink } from '../../core/log.js';
import { type ComposedHostOptions, openPushHost, type PushHost } from '../../core/push-host.js';

/** Settings and applications that the entry module passes. */
export interface BrowserBundle {
  settings: Omit<ComposedHostOptions, 'apps'>;
  apps(log: LogSink): Promise<ComposedHostOptions['apps']>;
}

/** Settings that a page can override, such as the identity of the device and the event listener. */
export type StartOptions = Partial<Omit<ComposedHostOptions, 'apps'>>;

/** Creates `start(options?)`, which registers and receives pushes until the host stops. Options override the configuration. */
export function startOf({ settings, apps }: BrowserBundle): (options?: StartOptions) => Promise<PushHost> {
  return async (options = {}) =>
    await openPushHost({
      ...settings,
      ...defined(options),
      apps: await apps(safeLogSink(options.onLog)),
    });
}
