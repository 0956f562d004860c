/** Which storage belongs to which application, over restarts and new versions. */

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
 * Two applications may share an event-app-id when IARI or media types tell them apart, so the id alone does not
 * name a storage. An application is the one seen before when id and IARI are the same and a media type is in
 * common: no two of those are loaded at once, and a new version may take more types than the last.
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
      // Whoever it was: nobody else gets its storage.
      namespaces.#last = Math.max(namespaces.#last, Number(namespace) || 0);
      try {
        namespaces.#owners.set(namespace, decodeOwner(bytes));
      } catch (error) {
        log({ level: 'error', message: `storage ${namespace} has lost its application: ${reasonOf(error)}` });
      }
    }
    return namespaces;
  }

  /** The namespace of this application, remembered from now on. @throws StoreError */
  async claim({ eventAppId, iari, accepts }: Manifest): Promise<string> {
    const owner: Owner = { eventAppId, accepts, iari };
    const namespace = this.#find(owner) ?? String(++this.#last);
    const value = encodeJson(owner);
    await this.records.write([{ type: 'put', key: APPLICATIONS_PREFIX + namespace, value }], 'synced');
    this.#owners.set(namespace, owner);
    this.#claimed.add(namespace);
    return namespace;
  }

  /** The one that it had when it was loaded last; undefined when it never was. */
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
  if (!isOwner(value)) throw new MalformedError('a record in the store names no application');
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
