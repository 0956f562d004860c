/** The stored state of a server that may alert this device: its nonce, and the alerts that used it. */

import { type DmNotification, decodeBase64, encodeBase64 } from 'sip-push/formats';
import { type AppStorage, refuse } from 'sip-push/sdk';
import type { ServerOptions } from './options.js';
import { type Fallback, type Verification, verify } from './verification.js';

const PREFIX = 'server/';
/** Alerts with one nonce. Their digests are stored to recognize repetitions. */
const MAX_ALERTS = 1000;

/** Nonces are in base64. */
export interface ServerRecord {
  /** The nonce of the configuration. If the configuration changes, the state starts again from it. */
  readonly configured: string;
  readonly nonce: string;
  /** Digests that were accepted with this nonce, in base64. */
  readonly digests: readonly string[];
  /** Fallback nonces that were accepted since a session changed the nonce. */
  readonly fallbacks: readonly Fallback[];
}

export function recordKey(id: string): string {
  return PREFIX + id;
}

/** Call it in the transaction that changes the record. */
export async function readRecord(storage: AppStorage, { id, nonce }: ServerOptions): Promise<ServerRecord> {
  // Only this application writes under this prefix.
  const known = (await storage.get(recordKey(id))) as ServerRecord | undefined;
  return known?.configured === nonce ? known : { configured: nonce, nonce, digests: [], fallbacks: [] };
}

/** Removes the records of servers that are no longer configured. */
export async function removeOthers(
  storage: AppStorage,
  servers: ReadonlyMap<string, unknown>,
): Promise<void> {
  for await (const [key] of storage.entries({ prefix: PREFIX })) {
    if (!servers.has(key.slice(PREFIX.length))) await storage.delete(key);
  }
}

export interface AcceptedAlert {
  readonly verification: Exclude<Verification, 'wrong'>;
  /** The record after the alert. */
  readonly next: ServerRecord;
}

/**
 * Verifies an alert.
 * @param unverified whether notifications without a digest are accepted.
 * @returns undefined if it is a repetition.
 * @throws PushRefused of kind `forbidden` if the digest is missing, wrong, or was used before.
 */
export function acceptAlert(
  record: ServerRecord,
  notification: DmNotification,
  { id, password }: ServerOptions,
  unverified: boolean,
): AcceptedAlert | undefined {
  const nonce = decodeBase64(record.nonce) ?? new Uint8Array();
  const verification = verify(notification, { id, password, nonce });
  if (verification === 'wrong') throw refuse('forbidden', 'wrong digest');
  if (verification === 'none') {
    if (!unverified) throw refuse('forbidden', 'no digest: all of its octets are zero');
    return { verification, next: record };
  }
  if (verification !== 'nonce') {
    return { verification, next: { ...record, fallbacks: withFallback(record.fallbacks, verification) } };
  }
  const digest = encodeBase64(notification.digest);
  if (record.digests.includes(digest)) return undefined;
  if (record.digests.length >= MAX_ALERTS) {
    throw refuse('forbidden', `${MAX_ALERTS} alerts used this nonce: a session must change it`);
  }
  return { verification, next: { ...record, digests: [...record.digests, digest] } };
}

/** The record after a session. A new nonce invalidates all earlier digests. */
export function recordOf({ nonce: configured }: ServerOptions, nonce: Uint8Array): ServerRecord {
  return { configured, nonce: encodeBase64(nonce), digests: [], fallbacks: [] };
}

function withFallback(fallbacks: readonly Fallback[], fallback: Fallback): Fallback[] {
  if (!fallbacks.includes(fallback)) return [...fallbacks, fallback];
  throw refuse(
    'forbidden',
    `the fallback nonce (${fallback}) was used before: a session must change the nonce`,
  );
}
