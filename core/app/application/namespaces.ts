/** The namespaces of applications in the store, which survive restarts and new versions. */

import { mediaRangesOverlap } from '../../content/media-type.js';
import { MalformedError } from '../../errors.js';
import type { LogSink } from '../../log.js';
import { APPLICATIONS_PREFIX, decodeJson, encodeJson, type Records } from '../../store/records.js';
import { reasonOf } from '../../text.js';
import type { Manifest } from '../contract/manifest.js';

interface Owner {
  eventAppId: string;
  iari?: string;
  accepts: readonly string[];
}

/**
 * Two applications can have the same event-app-id when their IARIs or media types differ, so the id alone does not identify
 * a storage. An application is a known one when id and IARI are the same and they have a media type in common: two such
 * applications are never loaded together, and a new version can accept more types.
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

  /** The namespace of this application, which is stored if it is new. @throws StoreError */
  async claim({ eventAppId, iari, accepts }: Manifest): Promise<string> {
    const owner: Owner = { eventAppId, accepts, iari };
    const namespace = this.#find(owner) ?? String(++this.#last);
    const value = encodeJson(owner);
    await this.records.write([{ type: 'put', key: APPLICATIONS_PREFIX + namespace, value }], 'synced');
    this.#owners.set(namespace, owner);
    this.#claimed.add(namespace);
    return namespace;
  }

  /** The namespace of this application; undefined when it was never loaded. */
  known({ eventAppId, iari, accepts }: Manifest): string | undefined {
    return this.#find({ eventAppId, accepts, iari });
  }

  release(namespace: string): void {
    this.#claimed.delete(namespace);
  }

  #find({ eventAppId, iari, accepts }: Owner): string | undefined {
    for (const [namespace, owner] of this.#owners) {
      if (owner.eventAppId !== eventAppId || owner.iari !== iari || this.#claimed.has(namespace)) continue;
      if (owner.accepts.some((one) => accepts.some((other) => mediaRangesOverlap(one, other))))
        return namespace;
    }
    return undefined;
  }
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
