/** What is known of a push beside its content, as it stands in the store. */

import { platform } from '#platform';
import type { Content, MediaType } from '../../content/content.js';
import { MalformedError } from '../../errors.js';
import { decodeJson } from '../../store/records.js';
import type { Push, PushMode } from '../contract/push-app.js';

export interface PushRecord {
  readonly id: string;
  /** Canonical event-app-id and, where it has one, IARI of the application it was accepted for. */
  readonly app: string;
  readonly iari?: string;
  readonly from: string;
  readonly to: string;
  readonly mode: PushMode;
  readonly type: MediaType;
  /** Bytes of content. */
  readonly size: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly fileName?: string;
  /** Milliseconds since 1970. */
  readonly receivedAt: number;
  /** Deliveries begun. Written ahead of each, so that a push that kills the host is counted too. */
  readonly attempts: number;
  /** Attempts among them that ended because the content broke off, or the application was away: nothing that it did. */
  readonly broken?: number;
  /** The file with its content, of a transfer; absent: it is in the store, or nowhere. */
  readonly file?: string;
}

/** Made of the key alone: the same push has the same id, also when its sender tries again after a crash. */
export function pushId(key: string): string {
  // 128 bits tell more pushes apart than a device receives.
  return platform.hash('sha-256', key).slice(0, 32);
}

/** Deliveries that were the application's to take. */
export function tries({ attempts, broken = 0 }: PushRecord): number {
  return attempts - broken;
}

/** @throws MalformedError when the bytes are no record, as after damage to the disk. */
export function decodeRecord(bytes: Uint8Array): PushRecord {
  const value = decodeJson(bytes);
  if (!isRecord(value)) throw new MalformedError('a push in the store lacks its fields');
  return value;
}

function isRecord(value: unknown): value is PushRecord {
  if (typeof value !== 'object' || value === null) return false;
  const record: Partial<Record<keyof PushRecord, unknown>> = value;
  const { type } = record;
  return (
    [record.id, record.app, record.from, record.to, record.mode].every((text) => typeof text === 'string') &&
    [record.size, record.receivedAt, record.attempts].every(Number.isFinite) &&
    typeof type === 'object' &&
    type !== null &&
    'type' in type &&
    typeof type.type === 'string' &&
    typeof record.headers === 'object' &&
    ['undefined', 'string'].includes(typeof record.file) &&
    (record.broken === undefined || Number.isFinite(record.broken))
  );
}

/** The push as an application receives it. */
export function pushOf(record: PushRecord, content: Content): Push {
  const { id, app, from, to, mode, headers, fileName, receivedAt, attempts } = record;
  return Object.freeze({
    id,
    app,
    from,
    to,
    mode,
    content,
    headers: Object.freeze({ ...headers }),
    fileName,
    receivedAt: new Date(receivedAt),
    attempt: attempts,
  });
}
