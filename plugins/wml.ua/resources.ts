/** Loaded resources: kept until a cache operation invalidates them, or newer ones replace them. */

import type { CacheOperation } from 'sip-push/formats';
import { type AppStorage, type StorageOperation, sha256, TaskQueue } from 'sip-push/sdk';

const RESOURCE = 'resource/';
const OCTETS = 'octets/';
/** With two keys each, removing all of them fits in one commit. */
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
  /** Serializes changes: which resources are evicted depends on the ones that are stored. */
  private readonly queue = new TaskQueue();

  /** @param entries by href, oldest first; their octets are only in storage. */
  private constructor(
    private readonly storage: AppStorage,
    private readonly entries: Map<string, { key: string; resource: Resource }>,
  ) {}

  static async open(storage: AppStorage): Promise<Resources> {
    const entries: { key: string; resource: Resource }[] = [];
    for await (const [key, value] of storage.entries({ prefix: RESOURCE })) {
      // Only this class writes under this prefix.
      entries.push({ key: key.slice(RESOURCE.length), resource: value as Resource });
    }
    entries.sort((one, other) => Date.parse(one.resource.loadedAt) - Date.parse(other.resource.loadedAt));
    return new Resources(storage, new Map(entries.map((entry) => [entry.resource.href, entry])));
  }

  /** Newest first. */
  list(): Resource[] {
    return Array.from(this.entries.values(), ({ resource }) => resource).reverse();
  }

  async octets(href: string): Promise<Uint8Array | undefined> {
    const entry = this.entries.get(href);
    const octets = entry && (await this.storage.get(OCTETS + entry.key));
    return octets instanceof Uint8Array ? octets : undefined;
  }

  /** Stores a resource in place of the one with the same href. Resolves when it is on disk. */
  put(resource: Resource, octets: Uint8Array): Promise<void> {
    return this.queue.run(async () => {
      // The hash makes the length of the key independent of the sender.
      const key = await sha256(resource.href);
      const evicted = this.evictedBy(resource);
      await Promise.all(keysOf(evicted.map((entry) => entry.key)).map((old) => this.storage.delete(old)));
      for (const entry of evicted) this.entries.delete(entry.resource.href);
      // The octets first: a crash between the two leaves octets that the next load overwrites.
      await this.storage.put(OCTETS + key, octets);
      await this.storage.put(RESOURCE + key, resource);
      this.entries.delete(resource.href);
      this.entries.set(resource.href, { key, resource });
    });
  }

  /** Removes one resource for an object, or all resources whose URI begins with that of a service. */
  invalidate(
    { invalidations }: CacheOperation,
    commit: (operations: StorageOperation[]) => Promise<void>,
  ): Promise<void> {
    return this.queue.run(async () => {
      const invalid = [...this.entries.values()].filter(({ resource: { href } }) =>
        invalidations.some(({ what, uri }) => (what === 'object' ? href === uri : href.startsWith(uri))),
      );
      await commit(keysOf(invalid.map(({ key }) => key)).map((key) => ({ type: 'delete', key })));
      for (const { resource } of invalid) this.entries.delete(resource.href);
    });
  }

  /** The oldest resources, which must be removed for this one to fit. */
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
