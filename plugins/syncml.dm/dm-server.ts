/** A server that may alert this device: its nonce, the alerts that used it, and the pending session. */

import { type DmNotification, decodeBase64, encodeBase64 } from 'sip-push/formats';
import { type AppStorage, PushRefused, type StorageOperation, TaskQueue } from 'sip-push/sdk';
import type { ServerOptions } from './options.js';
import type { DmAlert, DmSessionRequest } from './session.js';
import { type Fallback, verify } from './verification.js';

const PREFIX = 'server/';
/** Alerts with one nonce. Their digests are stored to recognize repetitions. */
const MAX_ALERTS = 1000;

/** A session to start, and the number of failed attempts. */
export interface WaitingSession {
  readonly request: DmSessionRequest;
  readonly failures: number;
}

/** The stored state; nonces in base64. */
interface ServerRecord {
  /** The nonce of the configuration. If the configuration changes, the state starts again from it. */
  readonly configured: string;
  readonly nonce: string;
  /** Digests that were accepted with this nonce, in base64. */
  readonly digests: readonly string[];
  /** Fallback nonces that were accepted since a session changed the nonce. */
  readonly fallbacks: readonly Fallback[];
  readonly waiting?: WaitingSession;
}

type Commit = (alert: DmAlert, operations: StorageOperation[]) => Promise<void>;

export class DmServer {
  /** Serializes changes of the record. */
  private readonly queue = new TaskQueue();

  private constructor(
    private readonly options: ServerOptions,
    private readonly storage: AppStorage,
    private record: ServerRecord,
  ) {}

  /** The configured servers by id. Removes the records of other servers. */
  static async openAll(
    storage: AppStorage,
    configured: readonly ServerOptions[],
  ): Promise<ReadonlyMap<string, DmServer>> {
    const records = new Map<string, ServerRecord>();
    for await (const [key, value] of storage.entries({ prefix: PREFIX })) {
      // Only this class writes under this prefix.
      records.set(key.slice(PREFIX.length), value as ServerRecord);
    }
    const servers = configured.map((options) => {
      const nonce = encodeBase64(options.nonce);
      const known = records.get(options.id);
      records.delete(options.id);
      const fresh: ServerRecord = { configured: nonce, nonce, digests: [], fallbacks: [] };
      return new DmServer(options, storage, known?.configured === nonce ? known : fresh);
    });
    await Promise.all([...records.keys()].map((id) => storage.delete(PREFIX + id)));
    return new Map(servers.map((server) => [server.id, server]));
  }

  get id(): string {
    return this.options.id;
  }

  get url(): string | undefined {
    return this.options.url;
  }

  get waiting(): WaitingSession | undefined {
    return this.record.waiting;
  }

  /**
   * Commits an alert, unless the notification is a repetition with the same nonce.
   * @param unverified whether notifications without a digest are accepted.
   * @returns whether the alert is new.
   * @throws PushRefused of kind `forbidden` if the digest is missing, wrong, or was used before.
   */
  accept(notification: DmNotification, unverified: boolean, commit: Commit): Promise<boolean> {
    return this.queue.run(async () => {
      const { password } = this.options;
      const verification = verify(notification, {
        id: this.id,
        password,
        nonce: decodeBase64(this.record.nonce) ?? new Uint8Array(),
      });
      if (verification === 'wrong' || (verification === 'none' && !unverified)) {
        throw new PushRefused(
          'forbidden',
          verification === 'wrong' ? 'wrong digest' : 'no digest: all of its octets are zero',
        );
      }
      const digest = encodeBase64(notification.digest);
      if (verification === 'nonce' && this.record.digests.includes(digest)) return false;
      const alert = alertOf(notification, verification !== 'none');
      const resynchronise = verification !== 'nonce' && verification !== 'none';
      const next: ServerRecord = {
        ...this.record,
        digests: verification === 'nonce' ? this.withDigest(digest) : this.record.digests,
        fallbacks: resynchronise ? this.withFallback(verification) : this.record.fallbacks,
        waiting: { request: { ...alert, resynchronise }, failures: 0 },
      };
      await commit(alert, [{ type: 'put', key: PREFIX + this.id, value: next }]);
      this.record = next;
      return true;
    });
  }

  /** Records that the session was started. A new nonce invalidates all earlier digests. */
  started(session: WaitingSession, nonce: Uint8Array | undefined): Promise<void> {
    return this.queue.run(() => {
      const { waiting, ...record } = this.record;
      return this.write({
        ...record,
        ...(nonce && { nonce: encodeBase64(nonce), digests: [], fallbacks: [] }),
        // Another alert can have arrived during the session.
        waiting: waiting === session ? undefined : waiting,
      });
    });
  }

  /** @param next the session to retry; undefined to drop it. */
  failed(session: WaitingSession, next: WaitingSession | undefined): Promise<void> {
    return this.queue.run(async () => {
      if (this.record.waiting === session) await this.write({ ...this.record, waiting: next });
    });
  }

  private withDigest(digest: string): string[] {
    if (this.record.digests.length >= MAX_ALERTS) {
      throw new PushRefused('forbidden', `${MAX_ALERTS} alerts used this nonce: a session must change it`);
    }
    return [...this.record.digests, digest];
  }

  private withFallback(fallback: Fallback): Fallback[] {
    if (this.record.fallbacks.includes(fallback)) {
      throw new PushRefused(
        'forbidden',
        `the fallback nonce (${fallback}) was used before: a session must change the nonce`,
      );
    }
    return [...this.record.fallbacks, fallback];
  }

  private async write(next: ServerRecord): Promise<void> {
    await this.storage.put(PREFIX + this.id, next);
    this.record = next;
  }
}

function alertOf(notification: DmNotification, verified: boolean): DmAlert {
  const { sessionId, serverId, uiMode, initiator, version } = notification;
  return { sessionId, serverId, uiMode, initiator, version, verified };
}
