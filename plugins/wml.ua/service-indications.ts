/** The current service indications: replacement, deletion and expiry (WAP-167 6.2). */

import type { ServiceIndication, ServiceIndicationItem } from 'sip-push/formats';
import { type AppStorage, type Push, type StorageOperation, TaskQueue } from 'sip-push/sdk';

const PREFIX = 'indication/';
/** Bounds the storage if services set no expiry. Beyond it the oldest is removed. */
const MAX_INDICATIONS = 500;

/** Most urgent first. */
const PRIORITIES = ['signal-high', 'signal-medium', 'signal-low', 'signal-none'];

/** JSON values, as they are stored and emitted; times are ISO 8601, UTC. */
export interface Indication {
  /** `si-id`, or the href if there is none (WAP-167 5.2.1). */
  readonly id?: string;
  readonly action: ServiceIndication['action'];
  readonly href?: string;
  readonly text: string;
  readonly created?: string;
  readonly expires?: string;
}

export interface CurrentIndication extends Indication {
  readonly info?: readonly ServiceIndicationItem[];
  readonly receivedAt: string;
}

interface Change {
  readonly added?: CurrentIndication;
  /** Storage keys. */
  readonly removed: readonly string[];
}

type Commit = (operations: StorageOperation[]) => Promise<void>;

export class ServiceIndications {
  /** Serializes changes: the effect of an indication depends on the ones that are stored. */
  private readonly queue = new TaskQueue();

  /** @param indications by storage key, oldest first. */
  private constructor(private readonly indications: Map<string, CurrentIndication>) {}

  /** Reads the stored indications, and removes expired ones. */
  static async open(storage: AppStorage, now: Date): Promise<ServiceIndications> {
    const current: [key: string, indication: CurrentIndication][] = [];
    const expired: string[] = [];
    for await (const [key, value] of storage.entries({ prefix: PREFIX })) {
      // Only this class writes under this prefix.
      const indication = value as CurrentIndication;
      if (isExpired(indication, now)) expired.push(key);
      else current.push([key, indication]);
    }
    await Promise.all(expired.map((key) => storage.delete(key)));
    current.sort(([, one], [, other]) => Date.parse(one.receivedAt) - Date.parse(other.receivedAt));
    return new ServiceIndications(new Map(current));
  }

  /** Those that have not expired, by priority, newest first. */
  current(now: Date): CurrentIndication[] {
    const current = [...this.indications.values()].filter((indication) => !isExpired(indication, now));
    return current.reverse().sort((one, other) => priority(one) - priority(other));
  }

  /**
   * Commits the effect of an indication.
   * @returns why it has no effect; undefined if it was committed.
   */
  apply(indication: CurrentIndication, push: Push, now: Date, commit: Commit): Promise<string | undefined> {
    return this.queue.run(async () => {
      const change = this.changeBy(indication, now);
      if (typeof change === 'string') return change;
      await this.write(change, PREFIX + push.id, now, commit);
      return undefined;
    });
  }

  /** The effect of an indication (WAP-167 6.2), or why it has none. */
  private changeBy(incoming: CurrentIndication, now: Date): Change | string {
    if (isExpired(incoming, now)) return `it expired at ${incoming.expires}`;
    const { id, action, created } = incoming;
    const same = id === undefined ? [] : [...this.indications].filter(([, one]) => one.id === id);
    if (action === 'delete') {
      if (same.length === 0) return 'no indication matches';
      if (same.some(([, one]) => isNewer(one, incoming))) return 'the indication to delete is newer';
      return { removed: same.map(([other]) => other) };
    }
    // Indications without `created` have no order: a later one is always new.
    if (same.some(([, one]) => isNewer(one, incoming) || (created && one.created === created))) {
      return 'an indication that is newer, or of the same time, is stored';
    }
    const replaced = same.filter(([, one]) => isNewer(incoming, one) || isSame(one, incoming));
    return { added: incoming, removed: replaced.map(([other]) => other) };
  }

  private async write({ added, removed }: Change, key: string, now: Date, commit: Commit): Promise<void> {
    const removals = new Set(removed);
    for (const [other, indication] of this.indications) if (isExpired(indication, now)) removals.add(other);
    let free = MAX_INDICATIONS - (added ? 1 : 0) - (this.indications.size - removals.size);
    for (const other of this.indications.keys()) {
      if (free >= 0) break;
      if (!removals.has(other)) free += 1;
      removals.add(other);
    }
    await commit([
      ...[...removals].map((other) => ({ type: 'delete' as const, key: other })),
      ...(added ? [{ type: 'put' as const, key, value: added }] : []),
    ]);
    for (const other of removals) this.indications.delete(other);
    if (added) this.indications.set(key, added);
  }
}

/** The indication of a document. Empty attributes are absent. */
export function indicationOf(document: ServiceIndication, receivedAt: Date): CurrentIndication {
  const { action, href, text, created, expires, info } = document;
  const id = document.id || href;
  return {
    id: id || undefined,
    action,
    href: href || undefined,
    text,
    created: created?.toISOString(),
    expires: expires?.toISOString(),
    info,
    receivedAt: receivedAt.toISOString(),
  };
}

function isExpired({ expires }: CurrentIndication, now: Date): boolean {
  return expires !== undefined && expires <= now.toISOString();
}

/** Only if both have `created`. */
function isNewer(one: CurrentIndication, other: CurrentIndication): boolean {
  return one.created !== undefined && other.created !== undefined && one.created > other.created;
}

function isSame(one: CurrentIndication, other: CurrentIndication): boolean {
  return JSON.stringify({ ...one, receivedAt: '' }) === JSON.stringify({ ...other, receivedAt: '' });
}

function priority({ action }: CurrentIndication): number {
  return PRIORITIES.indexOf(action);
}
