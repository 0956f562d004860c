/** A push host with all features of a device. */

import '#platform/complete';
import { loadOptional } from './app/application/optional-app.js';
import { type IsolatedOptions, isolated, type WorkerIsolation } from './app/isolation/isolated.js';
import type { AppOnPush, AppToLoad } from './app/runtime.js';
import { type LogSink, safeLogSink } from './log.js';
import type { RelayAccount } from './msrp/index.js';
import { type HostBaseOptions, openPushHost, type PushHost } from './push-host.js';
import type { ProfileOptions } from './receiver/device-profile.js';
import { negotiateWith } from './receiver/negotiation.js';
import { watchRegistration } from './receiver/own-registration.js';
import { throughRelay } from './receiver/session/media-connector.js';
import { unlessAborted } from './time/abort-signal.js';

export type { HostEvent, PushHost } from './push-host.js';

/** An application of a host: in the host's thread, loaded at the first push for it, or in a worker. */
export type HostedApp =
  | AppToLoad
  | AppOnPush
  | (Omit<AppToLoad, 'definition'> &
      Pick<IsolatedOptions, 'module' | 'script'> & {
        /** Runs the application in a worker. */
        isolation: 'worker' | WorkerIsolation;
      });

/** The options of a device. */
export interface PushHostOptions extends HostBaseOptions {
  /** Applications. If a push names several of them, the sender's order decides. */
  apps: readonly HostedApp[];
  /** Push Sender Agents for capability negotiation (TS 5.1); none by default. */
  senders?: readonly string[];
  /** The device's User Agent Profile, which the senders receive; none by default. */
  profile?: ProfileOptions;
  /** MSRP relay (RFC 4976) for session mode, if the device cannot connect to senders directly. */
  relay?: RelayAccount;
}

/**
 * Creates a device: opens the store, loads the applications, redelivers the pushes in the inbox, and starts to
 * register.
 * @throws ConfigurationError or AppError naming the application that cannot be loaded; the reason of `signal`.
 */
export async function createPushReceiver(options: PushHostOptions): Promise<PushHost> {
  const { apps, senders, relay, ...rest } = options;
  const log = safeLogSink(options.onLog);
  return await openPushHost({
    ...rest,
    apps: (await unlessAborted(Promise.all(apps.map((app) => hosted(app, log))), rest.signal)).flat(),
    negotiate: senders && negotiateWith(senders, options.profile),
    // A user equipment of IMS has a UICC, or names its access network.
    registrationEvents:
      (rest.credentials && 'answers' in rest.credentials) || rest.accessNetworkInfo
        ? watchRegistration
        : undefined,
    relay: relay && throughRelay(relay),
  });
}

/**
 * Empty if an optional application does not load in its worker.
 * @throws ConfigurationError for an application in a worker.
 */
async function hosted(app: HostedApp, log: LogSink): Promise<(AppToLoad | AppOnPush)[]> {
  if (!('isolation' in app)) return [app];
  const { isolation, module, script, ...more } = app;
  const bounds = isolation === 'worker' ? {} : isolation;
  const load = async () => ({ ...more, definition: await isolated({ module, script, ...bounds }) });
  return app.optional ? await loadOptional(app.manifest?.id ?? module, log, load) : [await load()];
}
