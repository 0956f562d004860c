/** The namespaces of applications in the store, which survive restarts and new versions. */

import { mediaRangesOverlap } from '../../content/media-type.js';
import { MalformedError } from '../../errors.js';
import type { LogSink } from '../../log.js';
import { APPLICATIONS_PREFIX, decodeJson, encodeJson, type Records } from '../../store/records.js';
import { reasonOf } from '../../text.js';
import { eventAppKey } from '../contract/event-app-id.js';
import type { Manifest } from '../contract/manifest.js';

/** An application that has, or can have, a storage. A manifest is one. */
export interface Owner {
  readonly eventAppId: string;
  readonly iari?: string;
  readonly accepts: readonly string[];
}

/**
 * A storage belongs to the event-app-id, whatever version, media types or IARI the application declares next. Several
 * applications with the same id can be loaded together when their IARIs or media types differ: each has its own storage
 * then, and gets back the one whose IARI and media types resemble its own. The storage of an application that is expected,
 * but not loaded yet, goes to no other one.
 */
export class Namespaces {
  readonly #owners = new Map<string, Owner>();
  /** Namespaces of loaded applications. */
  readonly #claimed = new Set<string>();

  #last = 0;

  private constructor(private readonly records: Records) {}

  static async open(records: Records, log: LogSink): Promise<Namespaces> {
    const namespaces = new Namespaces(records);
    for await (const [namespace, bytes] of records.entries(APPLICATIONS_PREFIX)) {
      // No other application gets this storage.
      namespaces.#last = Math.max(namespaces.#last, Number(namespace) || 0);
      try {
        namespaces.#owners.set(namespace, decodeOwner(bytes));
      } catch (error) {
        log({
          level: 'error',
          message: `the owner of storage ${namespace} cannot be read: ${reasonOf(error)}`,
        });
      }
    }
    return namespaces;
  }

  /**
   * The namespace of this application, which is stored if it is new.
   * @param expected applications that are loaded later.
   * @throws StoreError
   */
  async claim(manifest: Manifest, expected: readonly Owner[]): Promise<string> {
    const { eventAppId, iari, accepts } = manifest;
    const owner: Owner = { eventAppId, accepts, iari };
    const namespace = this.known(manifest, expected) ?? String(++this.#last);
    const value = encodeJson(owner);
    // Claimed before the write: other applications start at the same time.
    this.#claimed.add(namespace);
    try {
      await this.records.write([{ type: 'put', key: APPLICATIONS_PREFIX + namespace, value }], 'synced');
    } catch (error) {
      this.#claimed.delete(namespace);
      throw error;
    }
    this.#owners.set(namespace, owner);
    return namespace;
  }

  /** The namespace of this application, or of an earlier id that it replaces; undefined when there is none. */
  known(manifest: Manifest, expected: readonly Owner[]): string | undefined {
    for (const id of [manifest.eventAppId, ...manifest.replaces]) {
      const found = this.#find(id, manifest, expected);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  release(namespace: string): void {
    this.#claimed.delete(namespace);
  }

  /** The free namespace of this id that resembles the application most. */
  #find(eventAppId: string, app: Owner, expected: readonly Owner[]): string | undefined {
    // An earlier id has no other successors, and no application.
    const rivals = expected.filter((other) => eventAppKey(other.eventAppId) === eventAppKey(app.eventAppId));
    let best: { namespace: string; likeness: number } | undefined;
    for (const [namespace, owner] of this.#owners) {
      if (eventAppKey(owner.eventAppId) !== eventAppKey(eventAppId) || this.#claimed.has(namespace)) continue;
      const likeness = likenessOf(owner, app);
      if (rivals.some((other) => likenessOf(owner, other) > likeness)) continue;
      if (!best || likeness > best.likeness) best = { namespace, likeness };
    }
    return best?.namespace;
  }
}

function likenessOf(owner: Owner, { iari, accepts }: Owner): number {
  const overlap = owner.accepts.some((one) => accepts.some((other) => mediaRangesOverlap(one, other)));
  return (owner.iari === iari ? 2 : 0) + (overlap ? 1 : 0);
}

function decodeOwner(bytes: Uint8Array): Owner {
  const value = decodeJson(bytes);
  if (!isOwner(value))
    throw new MalformedError('invalid record of an application: expected an event-app-id and media types');
  return value;
}

function isOwner(value: unknown): value is Owner {
  if (typeof value !== 'object' || value === null) return false;
  const { eventAppId, accepts }: { eventAppId?: unknown; accepts?: unknown } = value;
  return (
    typeof eventAppId === 'string' &&
    Array.isArray(accepts) &&
    accepts.every((type) => typeof type === 'string')
  );
}
