/** What service loading loaded: kept until a cache operation invalidates it, or others need its room. */

import type { CacheOperation } from 'sip-push/formats';
import { type AppStorage, type StorageOperation, sha256, TaskQueue } from 'sip-push/sdk';

const RESOURCE = 'resource/';
const OCTETS = 'octets/';
/** Pages and what belongs to them; with two keys each, removing all of them still is one commit. */
const MAX_RESOURCES = 200;
const MAX_OCTETS = 32 * 1024 * 1024;

/** JSON values. */
export interface Resource {
  readonly href: string;
  readonly contentType?: string;
  /** Octets. */
  readonly size: number;
  /** ISO 8601, UTC. */
  readonly loadedAt: string;
}

export class Resources {
  /** One after another: what goes depends on what is there. */
  private readonly turns = new TaskQueue();

  /** @param entries by href, the oldest first; their octets are in storage alone. */
  private constructor(
    private readonly storage: AppStorage,
    private readonly entries: Map<string, { key: string; resource: Resource }>,
  ) {}

  static async open(storage: AppStorage): Promise<Resources> {
    const kept: { key: string; resource: Resource }[] = [];
    for await (const [key, value] of storage.entries({ prefix: RESOURCE })) {
      // Nobody else writes here.
      kept.push({ key: key.slice(RESOURCE.length), resource: value as Resource });
    }
    kept.sort((one, other) => Date.parse(one.resource.loadedAt) - Date.parse(other.resource.loadedAt));
    return new Resources(storage, new Map(kept.map((entry) => [entry.resource.href, entry])));
  }

  /** The newest first. */
  list(): Resource[] {
    return Array.from(this.entries.values(), ({ resource }) => resource).reverse();
  }

  async octets(href: string): Promise<Uint8Array | undefined> {
    const entry = this.entries.get(href);
    const octets = entry && (await this.storage.get(OCTETS + entry.key));
    return octets instanceof Uint8Array ? octets : undefined;
  }

  /** In place of what was loaded from there before. On disk when it resolves. */
  keep(resource: Resource, octets: Uint8Array): Promise<void> {
    return this.turns.run(async () => {
      // Keys of one length, whatever a sender writes.
      const key = await sha256(resource.href);
      const gone = this.evictedBy(resource);
      await Promise.all(keysOf(gone.map((entry) => entry.key)).map((old) => this.storage.delete(old)));
      for (const entry of gone) this.entries.delete(entry.resource.href);
      // The octets first: whoever dies between the two has octets that the next load writes over.
      await this.storage.put(OCTETS + key, octets);
      await this.storage.put(RESOURCE + key, resource);
      this.entries.delete(resource.href);
      this.entries.set(resource.href, { key, resource });
    });
  }

  /** Runs `take` with what must be written: an object is one resource, a service all whose URI begins so. */
  invalidate(
    { invalidations }: CacheOperation,
    take: (operations: StorageOperation[]) => Promise<void>,
  ): Promise<void> {
    return this.turns.run(async () => {
      const gone = [...this.entries.values()].filter(({ resource: { href } }) =>
        invalidations.some(({ what, uri }) => (what === 'object' ? href === uri : href.startsWith(uri))),
      );
      await take(keysOf(gone.map(({ key }) => key)).map((key) => ({ type: 'delete', key })));
      for (const { resource } of gone) this.entries.delete(resource.href);
    });
  }

  /** The oldest that stand in the way of one more. */
  private evictedBy({ href, size }: Resource) {
    const others = [...this.entries.values()].filter(({ resource }) => resource.href !== href);
    let count = others.length + 1;
    let octets = others.reduce((sum, { resource }) => sum + resource.size, size);
    const most = others.findIndex(({ resource }) => {
      if (count <= MAX_RESOURCES && octets <= MAX_OCTETS) return true;
      count -= 1;
      octets -= resource.size;
      return false;
    });
    return others.slice(0, most === -1 ? others.length : most);
  }
}

function keysOf(keys: readonly string[]): string[] {
  return keys.flatMap((key) => [RESOURCE + key, OCTETS + key]);
}
