/** A push host with everything that a device can have. */

import '#platform/complete';
import { type IsolatedOptions, isolated, type WorkerIsolation } from './app/isolation/isolated.js';
import type { AppOnPush, AppToLoad } from './app/runtime.js';
import type { RelayAccount } from './msrp/index.js';
import { type HostBaseOptions, openPushHost, type PushHost } from './push-host.js';
import { negotiateWith } from './receiver/negotiation/negotiations.js';
import type { ProfileOptions } from './receiver/negotiation/profile.js';
import { throughRelay } from './receiver/session/relayed-place.js';

export type { HostEvent, PushHost } from './push-host.js';

/**
 * An application of a host: in the host's own thread, in a worker that it is loaded in by its module, or loaded when the
 * first push for it comes.
 */
export type HostedApp =
  | AppToLoad
  | AppOnPush
  | (Omit<AppToLoad, 'definition'> &
      Pick<IsolatedOptions, 'module' | 'script'> & { isolation: 'worker' | WorkerIsolation });

/** A device: who it is, where its core is, and which applications it has. */
export interface PushHostOptions extends HostBaseOptions {
  /** Applications in order; where several take a push, the sender's order decides. */
  apps: readonly HostedApp[];
  /** Push Sender Agents that are told what there is here (TS 5.1); absent: none. */
  senders?: readonly string[];
  /** The device: in User-Agent, and in a User Agent Profile that senders are told of; absent: no profile. */
  profile?: ProfileOptions;
  /** An MSRP relay (RFC 4976) that files come through: for a device that nobody can connect to. */
  relay?: RelayAccount;
}

/**
 * A device in a program of yours: opens the store, loads every application, gives again what the inbox holds, and
 * starts to register. What it tells comes by `onEvent`, from `registered` on.
 * @throws ConfigurationError or AppError naming the application that cannot be loaded.
 */
export async function createPushReceiver(options: PushHostOptions): Promise<PushHost> {
  const { apps, senders, relay, ...rest } = options;
  return await openPushHost({
    ...rest,
    apps: await Promise.all(apps.map(hosted)),
    ...(senders ? { negotiate: negotiateWith(senders, options.profile) } : {}),
    ...(relay ? { relay: throughRelay(relay) } : {}),
  });
}

/** @throws ConfigurationError, of one in a worker. */
async function hosted(app: HostedApp): Promise<AppToLoad | AppOnPush> {
  if (!('isolation' in app)) return app;
  const { isolation, module, script, ...more } = app;
  const bounds = isolation === 'worker' ? {} : isolation;
  return { ...more, definition: await isolated({ module, ...(script ? { script } : {}), ...bounds }) };
}
