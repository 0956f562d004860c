/** What a bundle for a browser exports. */

import { createPushReceiver, type PushHost, type PushHostOptions } from '../../../core/host.js';
import type { BundleContents } from '../contents.js';

/** What the bundler puts into a bundle. */
export interface BrowserBundle {
  settings: Omit<PushHostOptions, 'apps'>;
  apps: PushHostOptions['apps'];
  contents: BundleContents;
}

/** What a page may want to say itself: who the device is, and what it is told. */
export type StartOptions = Partial<Omit<PushHostOptions, 'apps'>>;

/**
 * `start(options?)` of the bundle: registers, and takes pushes until `stop` of what it resolves with. Options come
 * before what the configuration says.
 */
export function receiverOf({ settings, apps }: BrowserBundle): (options?: StartOptions) => Promise<PushHost> {
  return (options = {}) => createPushReceiver({ ...settings, ...options, apps });
}
