/** An application that is known by the manifest of its package until its first push arrives. */

import { ConfigurationError } from '../../errors.js';
import { reasonOf } from '../../text.js';
import type { Clock } from '../../time/clock.js';
import { orLate } from '../../time/deadline.js';
import { type Manifest, readManifest } from '../contract/manifest.js';
import { busy, internalFailure, type Refusal } from '../contract/outcome.js';
import type { AppPermissions } from '../contract/permissions.js';
import type { PushAppDefinition } from '../contract/push-app.js';
import type { StaticManifest } from '../contract/static-manifest.js';
import { WAKE_WITHIN } from '../limits.js';
import type { AppHandle, Application } from './application.js';

/** An application whose module is loaded at the first push for it. */
export interface AppOnPush {
  /** Manifest of its package; the definition must agree with it. */
  manifest: StaticManifest;
  /** Imports the module. Called again if it rejected. */
  load(): Promise<PushAppDefinition>;
  /** Options, which the schema of the definition parses; `{}` by default. */
  options?: unknown;
  /** Permissions; by default only the limits of the host apply. */
  permissions?: AppPermissions;
  /** If it cannot be registered, a warning is logged and the others are loaded; false by default. */
  optional?: boolean;
}

/** The manifest of an application whose module is not loaded. @throws ConfigurationError when it is invalid. */
export function manifestOnPush({ id, accepts, iari, replaces, needs, provides }: StaticManifest): Manifest {
  const unread = () => Promise.reject(new Error('the module is not loaded'));
  const manifest = readManifest({ id, accepts, iari, replaces, needs, provides, start: unread });
  const [service] = manifest.provides;
  if (service === undefined) return manifest;
  throw new ConfigurationError(
    `${manifest.eventAppId}: provides "${service}", which other applications need before the first push; write "activation": "start" in its package.json`,
  );
}

export class OnDemandApp implements AppHandle {
  readonly eventAppId: string;
  readonly accepts: readonly string[];
  readonly iari?: string;
  /** From its package. */
  readonly manifest: Manifest;
  /** The running application, when it is loaded. */
  awake: Application | undefined;
  #waking: Promise<Application> | undefined;

  /**
   * @param start starts the application and replaces this entry of the registry.
   * @throws ConfigurationError when the manifest is invalid.
   */
  constructor(
    readonly entry: AppOnPush,
    private readonly start: (app: OnDemandApp) => Promise<Application>,
  ) {
    this.manifest = manifestOnPush(entry.manifest);
    this.eventAppId = this.manifest.eventAppId;
    this.accepts = this.manifest.accepts;
    this.iari = this.manifest.iari;
  }

  /** Rejects when it cannot be loaded. The next call tries again. */
  wake(): Promise<Application> {
    this.#waking ??= this.start(this).catch((error: unknown) => {
      this.#waking = undefined;
      throw error;
    });
    return this.#waking;
  }

  /** The result of `run` once the application is loaded, or of `refuse` when it cannot be loaded in time. */
  async whenAwake<T>(clock: Clock, run: () => Promise<T>, refuse: (refusal: Refusal) => T): Promise<T> {
    try {
      // Loading continues: the next push finds the application running.
      if ((await orLate(clock, WAKE_WITHIN, this.wake())) === 'late') {
        return refuse(busy(`${this.eventAppId} is being loaded`));
      }
    } catch (error) {
      return refuse(internalFailure(reasonOf(error)));
    }
    return run();
  }
}
