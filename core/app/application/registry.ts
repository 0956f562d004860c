/** The applications by event-app-id, media type and IARI: those that run, and those that are loaded on demand. */

import { matchesMediaRange, mediaRangesOverlap } from '../../content/media-type.js';
import { type InjectionToken, injectable } from '../../injection.js';
import { eventAppKey } from '../contract/event-app-id.js';
import type { Manifest } from '../contract/manifest.js';
import { mediaTypeOf } from '../ledger/entry.js';
import type { PushRecord, ReferenceRecord } from '../ledger/stored-entry.js';
import type { AppHandle, Application } from './application.js';
import { OnDemandApp } from './on-demand-app.js';

export type RegisteredApp = Application | OnDemandApp;

@injectable()
export class Registry {
  /** By the key of their event-app-id, in the order of loading. */
  private readonly byId = new Map<string, RegisteredApp[]>();

  /** Canonical, as the first application of each id writes it; sorted. */
  get eventAppIds(): readonly string[] {
    return [...this.byId.values()].flatMap(([first]) => first?.eventAppId ?? []).sort();
  }

  /** Sorted. */
  get iaris(): readonly string[] {
    return [...new Set(this.registered().flatMap(({ iari }) => iari ?? []))].sort();
  }

  /** An application with the same id, the same IARI and a common media type. */
  conflicting({ eventAppId, iari, accepts }: Manifest): RegisteredApp | undefined {
    return this.byId
      .get(eventAppKey(eventAppId))
      ?.find(
        ({ manifest }) =>
          manifest.iari === iari &&
          manifest.accepts.some((one) => accepts.some((other) => mediaRangesOverlap(one, other))),
      );
  }

  add(app: RegisteredApp): void {
    const key = eventAppKey(app.eventAppId);
    const known = this.byId.get(key);
    if (known) known.push(app);
    else this.byId.set(key, [app]);
  }

  /** The application was loaded. */
  replace(app: OnDemandApp, running: Application): void {
    app.awake = running;
    const known = this.byId.get(eventAppKey(app.eventAppId)) ?? [];
    known[known.indexOf(app)] = running;
  }

  remove(app: RegisteredApp): void {
    const key = eventAppKey(app.eventAppId);
    const left = this.byId.get(key)?.filter((other) => other !== app) ?? [];
    if (left.length > 0) this.byId.set(key, left);
    else this.byId.delete(key);
  }

  /** The application of a handle; undefined when it does not run. */
  loaded(handle: AppHandle): Application | undefined {
    const app = handle instanceof OnDemandApp ? handle.awake : handle;
    return this.byId
      .get(eventAppKey(handle.eventAppId))
      ?.filter(isRunning)
      .find((running) => running === app);
  }

  ofId(eventAppId: string, iari?: string): RegisteredApp[] {
    const apps = this.byId.get(eventAppKey(eventAppId)) ?? [];
    return apps.filter(({ manifest }) => iari === undefined || manifest.iari === iari);
  }

  /** The applications that run. */
  all(): Application[] {
    return this.registered().filter(isRunning);
  }

  registered(): RegisteredApp[] {
    return [...this.byId.values()].flat();
  }

  /** The applications that these ids and this IARI address, in the order of the ids. */
  addressed(eventAppIds: readonly string[], iari?: string): RegisteredApp[] {
    return eventAppIds.flatMap((id) => this.ofIdFor(id, iari));
  }

  /**
   * The first addressed application that accepts the media type. 'unknown': there is no application with these ids.
   * 'type': none of them accepts the media type.
   */
  resolve(
    eventAppIds: readonly string[],
    mediaType: string,
    iari?: string,
  ): RegisteredApp | 'unknown' | 'type' {
    const apps = this.addressed(eventAppIds, iari);
    if (apps.length === 0) return 'unknown';
    return apps.find(({ accepts }) => accepts.some((range) => matchesMediaRange(range, mediaType))) ?? 'type';
  }

  /**
   * The application that a confirmed push belongs to, whether it runs or is loaded on demand; undefined when there is
   * none. A push belongs to its event-app-id, so another version that no longer declares the media type or the IARI
   * receives it as well, and so does an application that replaces the id.
   */
  ownerOf(record: PushRecord | ReferenceRecord): RegisteredApp | undefined {
    const { app } = record;
    return this.#ownerOfId(app, record) ?? this.#ownerOfId(this.#successorOf(app), record);
  }

  #ownerOfId(
    eventAppId: string | undefined,
    record: PushRecord | ReferenceRecord,
  ): RegisteredApp | undefined {
    if (eventAppId === undefined) return undefined;
    const found = this.resolve([eventAppId], mediaTypeOf(record), record.iari);
    if (typeof found !== 'string') return found;
    const ofId = this.ofId(eventAppId);
    return ofId.find(isRunning) ?? ofId[0];
  }

  /** The application of a confirmed push; undefined when it does not run. */
  ofRecord(record: PushRecord | ReferenceRecord): Application | undefined {
    const owner = this.ownerOf(record);
    return owner && this.loaded(owner);
  }

  /** The id of the application that replaces this id. */
  #successorOf(eventAppId: string): string | undefined {
    const replaces = ({ manifest }: RegisteredApp) =>
      manifest.replaces.some((id) => eventAppKey(id) === eventAppKey(eventAppId));
    return this.registered().find(replaces)?.eventAppId;
  }

  /** Media types and ranges, without duplicates, of the applications with these ids and this IARI, or of all. */
  acceptedTypes(eventAppIds: readonly string[] = this.eventAppIds, iari?: string): string[] {
    const apps = this.addressed(eventAppIds, iari);
    return [...new Set(apps.flatMap(({ accepts }) => accepts))];
  }

  /**
   * An IARI identifies one instance of an application (appendix D). An application without an IARI receives pushes with
   * any; one with an IARI receives pushes with this IARI, and pushes without, after the applications without.
   */
  private ofIdFor(eventAppId: string, iari: string | undefined): RegisteredApp[] {
    const apps = this.byId.get(eventAppKey(eventAppId)) ?? [];
    const general = apps.filter(({ manifest }) => manifest.iari === undefined);
    const named = apps.filter(
      ({ manifest }) => manifest.iari !== undefined && (iari === undefined || manifest.iari === iari),
    );
    return iari === undefined ? [...general, ...named] : [...named, ...general];
  }
}

export function isRunning(app: RegisteredApp): app is Application {
  return !(app instanceof OnDemandApp);
}

export const REGISTRY: InjectionToken<Registry> = Symbol('registry');
