/** The current service indications: replacement, deletion and expiry (WAP-167 6.2). */

import type { ServiceIndication, ServiceIndicationItem } from 'sip-push/formats';
import type { AppStorage, Transaction } from 'sip-push/sdk';

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

type Writes = Pick<Transaction, 'put' | 'delete' | 'afterCommit'>;

export class ServiceIndications {
  /** @param stored by storage key, oldest first; in memory, because a push is compared with all of them. */
  private constructor(private readonly stored: Map<string, CurrentIndication>) {}

  static async open(storage: AppStorage): Promise<ServiceIndications> {
    const stored: [key: string, indication: CurrentIndication][] = [];
    for await (const [key, value] of storage.entries({ prefix: PREFIX })) {
      // Only this class writes under this prefix.
      stored.push([key, value as CurrentIndication]);
    }
    stored.sort(([, one], [, other]) => Date.parse(one.receivedAt) - Date.parse(other.receivedAt));
    return new ServiceIndications(new Map(stored));
  }

  /** Those that have not expired, by priority, newest first. */
  current(now: Date): CurrentIndication[] {
    return [...this.stored.values()]
      .filter((indication) => !isExpired(indication, now))
      .reverse()
      .sort((one, other) => priority(one) - priority(other));
  }

  /**
   * Writes the effect of an indication (WAP-167 6.2).
   * @returns why it has none; undefined if it was written.
   */
  apply(tx: Writes, pushId: string, incoming: CurrentIndication, now: Date): string | undefined {
    const isDelete = incoming.action === 'delete';
    const same = [...this.stored.values()].filter(({ id }) => id !== undefined && id === incoming.id);
    const ignored = whyIgnored(incoming, same, now);
    if (ignored !== undefined) return ignored;
    // Indications without `created` have no order: a later one is always new.
    const replaced = same.filter((one) => isDelete || isNewer(incoming, one) || isSame(incoming, one));
    const isObsolete = (one: CurrentIndication) => replaced.includes(one) || isExpired(one, now);
    const kept = [...this.stored].filter(([, one]) => !isObsolete(one)).map(([key]) => key);
    const newest = new Set(kept.slice(-MAX_INDICATIONS + (isDelete ? 0 : 1)));
    const removed = [...this.stored.keys()].filter((key) => !newest.has(key));
    const added = PREFIX + pushId;
    for (const key of removed) tx.delete(key);
    if (!isDelete) tx.put(added, incoming);
    tx.afterCommit(() => {
      for (const key of removed) this.stored.delete(key);
      if (!isDelete) this.stored.set(added, incoming);
    });
    return undefined;
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

/**
 * Why an indication has no effect; undefined if it has one.
 * @param same the stored indications with the same id.
 */
function whyIgnored(
  incoming: CurrentIndication,
  same: readonly CurrentIndication[],
  now: Date,
): string | undefined {
  if (isExpired(incoming, now)) return `it expired at ${incoming.expires}`;
  const isLate = same.some((one) => isNewer(one, incoming));
  if (incoming.action === 'delete') {
    if (same.length === 0) return 'no indication matches';
    return isLate ? 'the indication to delete is newer' : undefined;
  }
  const isRepeated = same.some(({ created }) => created !== undefined && created === incoming.created);
  return isLate || isRepeated ? 'an indication that is newer, or of the same time, is stored' : undefined;
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
