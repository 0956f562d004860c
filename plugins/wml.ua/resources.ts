/** Loaded resources: kept until a cache operation invalidates them, or newer ones replace them. */

import type { AppStorage, Transaction } from 'sip-push/sdk';
import type { Invalidated } from './documents.js';

const RESOURCE = 'resource/';
const OCTETS = 'octets/';
/** With two keys each, removing all of them fits in one transaction. */
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

type Writes = Pick<Transaction, 'put' | 'delete'>;

export class Resources {
  constructor(private readonly storage: AppStorage) {}

  /** Newest first. */
  async list(): Promise<Resource[]> {
    const stored = await this.stored();
    return stored.map(({ resource }) => resource).reverse();
  }

  async octets(href: string): Promise<Uint8Array | undefined> {
    const stored = await this.stored();
    const found = stored.find(({ resource }) => resource.href === href);
    const octets = found && (await this.storage.get(OCTETS + found.id));
    return octets instanceof Uint8Array ? octets : undefined;
  }

  /** Stores a resource in place of the one with the same href, and removes the oldest beyond the limits. */
  async put(tx: Writes, id: string, resource: Resource, octets: Uint8Array): Promise<void> {
    let count = 1;
    let total = resource.size;
    for (const other of (await this.stored()).reverse()) {
      const replaced = other.resource.href === resource.href;
      if (!replaced) {
        count += 1;
        total += other.resource.size;
      }
      if (replaced || count > MAX_RESOURCES || total > MAX_OCTETS) remove(tx, other.id);
    }
    tx.put(RESOURCE + id, resource);
    tx.put(OCTETS + id, octets);
  }

  /** Removes the resources with the URI of an object, or whose URI begins with that of a service. */
  async invalidate(tx: Writes, { invalidateObjects, invalidateServices }: Invalidated): Promise<void> {
    for (const { id, resource } of await this.stored()) {
      const { href } = resource;
      const invalid =
        invalidateObjects.includes(href) || invalidateServices.some((prefix) => href.startsWith(prefix));
      if (invalid) remove(tx, id);
    }
  }

  /** Oldest first. */
  private async stored(): Promise<{ id: string; resource: Resource }[]> {
    const stored: { id: string; resource: Resource }[] = [];
    for await (const [key, value] of this.storage.entries({ prefix: RESOURCE })) {
      // Only this class writes under this prefix.
      stored.push({ id: key.slice(RESOURCE.length), resource: value as Resource });
    }
    return stored.sort(
      (one, other) => Date.parse(one.resource.loadedAt) - Date.parse(other.resource.loadedAt),
    );
  }
}

function remove(tx: Writes, id: string): void {
  tx.delete(RESOURCE + id);
  tx.delete(OCTETS + id);
}
