/** A server that may alert this device: its nonce, what came under it, and the session that it waits for. */

import { type DmNotification, decodeBase64, encodeBase64 } from 'sip-push/formats';
import { type AppStorage, PushRefused, type StorageOperation, TaskQueue } from 'sip-push/sdk';
import type { ServerOptions } from './options.js';
import type { DmAlert, DmSessionRequest } from './session.js';
import { type Fallback, verify } from './verification.js';

const PREFIX = 'server/';
/** Alerts under one nonce: their digests are kept, so that none counts twice. More than any server makes. */
const MAX_ALERTS = 1000;

/** A session that is to be started, and how often that failed. */
export interface WaitingSession {
  readonly request: DmSessionRequest;
  readonly failures: number;
}

/** As it is stored; nonces in base64. */
interface ServerRecord {
  /** The nonce that the configuration said: another one there takes the place of everything here. */
  readonly configured: string;
  readonly nonce: string;
  /** Digests that were accepted under this nonce, in base64. */
  readonly digests: readonly string[];
  /** Fallback nonces that were accepted since a session refreshed the nonce. */
  readonly fallbacks: readonly Fallback[];
  readonly waiting?: WaitingSession;
}

type Take = (alert: DmAlert, operations: StorageOperation[]) => Promise<void>;

export class DmServer {
  /** One after another: each changes what is kept. */
  private readonly turns = new TaskQueue();

  private constructor(
    private readonly options: ServerOptions,
    private readonly storage: AppStorage,
    private record: ServerRecord,
  ) {}

  /** Those configured, by id; what is kept of others goes. */
  static async openAll(
    storage: AppStorage,
    configured: readonly ServerOptions[],
  ): Promise<ReadonlyMap<string, DmServer>> {
    const kept = new Map<string, ServerRecord>();
    for await (const [key, value] of storage.entries({ prefix: PREFIX })) {
      // Nobody else writes here.
      kept.set(key.slice(PREFIX.length), value as ServerRecord);
    }
    const servers = configured.map((options) => {
      const nonce = encodeBase64(options.nonce);
      const known = kept.get(options.id);
      kept.delete(options.id);
      const fresh: ServerRecord = { configured: nonce, nonce, digests: [], fallbacks: [] };
      return new DmServer(options, storage, known?.configured === nonce ? known : fresh);
    });
    await Promise.all([...kept.keys()].map((id) => storage.delete(PREFIX + id)));
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
   * Runs `take` with the alert and what must be written, unless the notification came before under this nonce.
   * @param unverified whether one without a digest is taken
   * @returns whether `take` was run.
   * @throws PushRefused of kind `forbidden` where nothing shows that the server sent it, or sent it now.
   */
  accept(notification: DmNotification, unverified: boolean, take: Take): Promise<boolean> {
    return this.turns.run(async () => {
      const { password } = this.options;
      const verification = verify(notification, {
        id: this.id,
        password,
        nonce: decodeBase64(this.record.nonce) ?? new Uint8Array(),
      });
      if (verification === 'wrong' || (verification === 'none' && !unverified)) {
        throw new PushRefused(
          'forbidden',
          verification === 'wrong' ? 'its digest is wrong' : 'it has no digest: all of its octets are zero',
        );
      }
      const digest = encodeBase64(notification.digest);
      if (verification === 'nonce' && this.record.digests.includes(digest)) return false;
      const alert = alertOf(notification, verification !== 'none');
      const resynchronise = verification !== 'nonce' && verification !== 'none';
      const next: ServerRecord = {
        ...this.record,
        ...(verification === 'nonce' ? { digests: this.withDigest(digest) } : {}),
        ...(resynchronise ? { fallbacks: this.withFallback(verification) } : {}),
        waiting: { request: { ...alert, resynchronise }, failures: 0 },
      };
      await take(alert, [{ type: 'put', key: PREFIX + this.id, value: next }]);
      this.record = next;
      return true;
    });
  }

  /** The session was started; a nonce that it left makes all that came before void. */
  started(session: WaitingSession, nonce: Uint8Array | undefined): Promise<void> {
    return this.turns.run(() => {
      const { waiting, ...kept } = this.record;
      return this.write({
        ...kept,
        ...(nonce === undefined ? {} : { nonce: encodeBase64(nonce), digests: [], fallbacks: [] }),
        // Another alert may have come meanwhile.
        ...(waiting === undefined || waiting === session ? {} : { waiting }),
      });
    });
  }

  /** @param next what waits now; undefined when it is given up. */
  failed(session: WaitingSession, next: WaitingSession | undefined): Promise<void> {
    return this.turns.run(async () => {
      const { waiting, ...kept } = this.record;
      if (waiting === session) await this.write(next ? { ...kept, waiting: next } : kept);
    });
  }

  private withDigest(digest: string): string[] {
    if (this.record.digests.length >= MAX_ALERTS) {
      throw new PushRefused(
        'forbidden',
        `${MAX_ALERTS} alerts came under one nonce: a session must refresh it`,
      );
    }
    return [...this.record.digests, digest];
  }

  private withFallback(fallback: Fallback): Fallback[] {
    if (this.record.fallbacks.includes(fallback)) {
      throw new PushRefused(
        'forbidden',
        `the fallback nonce (${fallback}) was used before: a session must refresh the nonce`,
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
