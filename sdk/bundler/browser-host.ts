/** What a bundle for a browser exports: `start`. */

import { type ComposedHostOptions, openPushHost, type PushHost } from '../../core/push-host.js';

/** What the entry of a bundle hands over. */
export interface BrowserBundle {
  settings: Omit<ComposedHostOptions, 'apps'>;
  apps(): Promise<ComposedHostOptions['apps']>;
}

/** What a page may decide: the identity of the device, and who listens to its events. */
export type StartOptions = Partial<Omit<ComposedHostOptions, 'apps'>>;

/** `start(options?)` registers, and receives pushes until the host is stopped. Options override the configuration. */
export function startOf({ settings, apps }: BrowserBundle): (options?: StartOptions) => Promise<PushHost> {
  return async (options = {}) => await openPushHost({ ...settings, ...options, apps: await apps() });
}
