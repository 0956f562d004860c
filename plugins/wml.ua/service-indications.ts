/** The service indications that are current: which replaces which, which go, and where they are kept. */

import type { ServiceIndication, ServiceIndicationItem } from 'sip-push/formats';
import { type AppStorage, type Push, type StorageOperation, TaskQueue } from 'sip-push/sdk';

const PREFIX = 'indication/';
/** Bounds the storage where services set no expiry; past it the oldest goes. More than anybody reads. */
const MAX_INDICATIONS = 500;

/** The loudest first. */
const PRIORITIES = ['signal-high', 'signal-medium', 'signal-low', 'signal-none'];

/** JSON values, as they are stored and told; times are ISO 8601, UTC. */
export interface Indication {
  /** `si-id`, or the href where there is none (WAP-167 5.2.1). */
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

type Take = (operations: StorageOperation[]) => Promise<void>;

export class ServiceIndications {
  /** One after another: what an indication does depends on those that are there. */
  private readonly turns = new TaskQueue();

  /** @param indications by storage key, the oldest first. */
  private constructor(private readonly indications: Map<string, CurrentIndication>) {}

  /** Reads what is stored; what has expired meanwhile goes. */
  static async open(storage: AppStorage, now: Date): Promise<ServiceIndications> {
    const kept: [key: string, indication: CurrentIndication][] = [];
    const expired: string[] = [];
    for await (const [key, value] of storage.entries({ prefix: PREFIX })) {
      // Nobody else writes here.
      const indication = value as CurrentIndication;
      if (isExpired(indication, now)) expired.push(key);
      else kept.push([key, indication]);
    }
    await Promise.all(expired.map((key) => storage.delete(key)));
    kept.sort(([, one], [, other]) => Date.parse(one.receivedAt) - Date.parse(other.receivedAt));
    return new ServiceIndications(new Map(kept));
  }

  /** Those not expired: by priority, the newest first in each. */
  current(now: Date): CurrentIndication[] {
    const current = [...this.indications.values()].filter((indication) => !isExpired(indication, now));
    return current.reverse().sort((one, other) => priority(one) - priority(other));
  }

  /**
   * Runs `take` with what must be written, unless the indication comes to nothing.
   * @returns why it comes to nothing; undefined when `take` was run.
   */
  apply(indication: CurrentIndication, push: Push, now: Date, take: Take): Promise<string | undefined> {
    return this.turns.run(async () => {
      const change = this.changeBy(indication, now);
      if (typeof change === 'string') return change;
      await this.write(change, PREFIX + push.id, now, take);
      return undefined;
    });
  }

  /** What an indication does (WAP-167 6.2), or why it does nothing. */
  private changeBy(incoming: CurrentIndication, now: Date): Change | string {
    if (isExpired(incoming, now)) return `expired at ${incoming.expires}`;
    const { id, action, created } = incoming;
    const same = id === undefined ? [] : [...this.indications].filter(([, one]) => one.id === id);
    if (action === 'delete') {
      if (same.length === 0) return 'there is nothing that it deletes';
      if (same.some(([, one]) => isNewer(one, incoming))) return 'what it deletes was created after it';
      return { removed: same.map(([other]) => other) };
    }
    // One without `created` is always new: nothing tells which of two is the later.
    if (same.some(([, one]) => isNewer(one, incoming) || (created && one.created === created))) {
      return 'one created later, or at the same time, is there';
    }
    const replaced = same.filter(([, one]) => isNewer(incoming, one) || isSame(one, incoming));
    return { added: incoming, removed: replaced.map(([other]) => other) };
  }

  private async write({ added, removed }: Change, key: string, now: Date, take: Take): Promise<void> {
    const gone = new Set(removed);
    for (const [other, indication] of this.indications) if (isExpired(indication, now)) gone.add(other);
    let room = MAX_INDICATIONS - (added ? 1 : 0) - (this.indications.size - gone.size);
    for (const other of this.indications.keys()) {
      if (room >= 0) break;
      if (!gone.has(other)) room += 1;
      gone.add(other);
    }
    await take([
      ...[...gone].map((other) => ({ type: 'delete' as const, key: other })),
      ...(added ? [{ type: 'put' as const, key, value: added }] : []),
    ]);
    for (const other of gone) this.indications.delete(other);
    if (added) this.indications.set(key, added);
  }
}

/** The indication of a document; what the document leaves out, or empty, is absent. */
export function indicationOf(document: ServiceIndication, receivedAt: Date): CurrentIndication {
  const { action, href, text, created, expires, info } = document;
  const id = document.id || href;
  return {
    ...(id ? { id } : {}),
    action,
    ...(href ? { href } : {}),
    text,
    created: created === undefined ? undefined : created.toISOString(),
    expires: expires === undefined ? undefined : expires.toISOString(),
    info,
    receivedAt: receivedAt.toISOString(),
  };
}

function isExpired({ expires }: CurrentIndication, now: Date): boolean {
  return expires !== undefined && expires <= now.toISOString();
}

/** Only where both say when they were created. */
function isNewer(one: CurrentIndication, other: CurrentIndication): boolean {
  return one.created !== undefined && other.created !== undefined && one.created > other.created;
}

function isSame(one: CurrentIndication, other: CurrentIndication): boolean {
  return JSON.stringify({ ...one, receivedAt: '' }) === JSON.stringify({ ...other, receivedAt: '' });
}

function priority({ action }: CurrentIndication): number {
  return PRIORITIES.indexOf(action);
}
