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

/** With its storage key. */
type Stored = readonly [key: string, indication: CurrentIndication];

export class ServiceIndications {
  constructor(private readonly storage: AppStorage) {}

  /** Those that have not expired, by priority, newest first. */
  async current(now: Date): Promise<CurrentIndication[]> {
    const stored = Array.from(await this.stored(), ([, indication]) => indication);
    return stored
      .filter((indication) => !isExpired(indication, now))
      .reverse()
      .sort((one, other) => priority(one) - priority(other));
  }

  /**
   * Writes the effect of an indication (WAP-167 6.2).
   * @returns why it has none; undefined if it was written.
   */
  async apply(
    tx: Pick<Transaction, 'put' | 'delete'>,
    pushId: string,
    incoming: CurrentIndication,
    now: Date,
  ): Promise<string | undefined> {
    const stored = await this.stored();
    const same = stored.filter(([, { id }]) => id !== undefined && id === incoming.id);
    const isDelete = incoming.action === 'delete';
    const ignored = whyIgnored(
      incoming,
      same.map(([, one]) => one),
      now,
    );
    if (ignored !== undefined) return ignored;
    // Indications without `created` have no order: a later one is always new.
    const replaced = new Set(
      same.filter(([, one]) => isDelete || isNewer(incoming, one) || isSame(incoming, one)),
    );
    const kept = stored.filter((one) => !replaced.has(one) && !isExpired(one[1], now));
    const newest = new Set(kept.slice(-MAX_INDICATIONS + (isDelete ? 0 : 1)));
    for (const one of stored) if (!newest.has(one)) tx.delete(one[0]);
    if (!isDelete) tx.put(PREFIX + pushId, incoming);
    return undefined;
  }

  /** Oldest first. Expired indications are included. */
  private async stored(): Promise<Stored[]> {
    const stored: Stored[] = [];
    for await (const [key, value] of this.storage.entries({ prefix: PREFIX })) {
      // Only this class writes under this prefix.
      stored.push([key, value as CurrentIndication]);
    }
    return stored.sort(([, one], [, other]) => Date.parse(one.receivedAt) - Date.parse(other.receivedAt));
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
