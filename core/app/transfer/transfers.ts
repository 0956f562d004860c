/** Transfers of files in session mode (TS 8.2.1): admission, limits, and the transfers in progress. */

import { PushRefused } from '../../errors.js';
import { type InjectionToken, inject, injectable } from '../../injection.js';
import { reasonOf } from '../../text.js';
import type { Clock } from '../../time/clock.js';
import type { AppHandle, Application } from '../application/application.js';
import { considerOffer } from '../application/hooks.js';
import { REGISTRY, type Registry } from '../application/registry.js';
import type { Turn } from '../application/slots.js';
import { busy, internalResources, type Refusal, tooLarge } from '../contract/outcome.js';
import type { PushOffer } from '../contract/push.js';
import { ATTEMPTS, type Attempts } from '../delivery/attempt.js';
import { DURABLE_DELIVERY, type DurableDelivery } from '../delivery/durable-delivery.js';
import { CLOCK, LIMITS } from '../foundations.js';
import { pushId } from '../ledger/entry.js';
import { LEDGER, type Ledger } from '../ledger/ledger.js';
import type { PushRecord } from '../ledger/stored-entry.js';
import { BUSY_RETRY_AFTER, type RuntimeLimits } from '../limits.js';
import { FileTransfer } from './file-transfer.js';
import { PARTIAL_FILES, type PartialFile, type PartialFiles } from './partial-files.js';
import type { IncomingTransfer, TransferAnswer } from './transfer.js';

@injectable()
export class Transfers {
  private readonly running = new Map<string, Promise<FileTransfer>>();
  private stopping = false;

  constructor(
    @inject(PARTIAL_FILES) private readonly partialFiles: PartialFiles,
    @inject(REGISTRY) private readonly registry: Registry,
    @inject(DURABLE_DELIVERY) private readonly deliveries: DurableDelivery,
    @inject(ATTEMPTS) private readonly attempts: Attempts,
    @inject(LEDGER) private readonly ledger: Ledger,
    @inject(CLOCK) private readonly clock: Clock,
    @inject(LIMITS) private readonly limits: RuntimeLimits,
  ) {}

  /** Removes files that no push needs. Rejects when the folder cannot be used. */
  open(): Promise<void> {
    return this.partialFiles.clean();
  }

  /** Interrupts the transfers in progress. Their received bytes are kept. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.partialFiles.stop();
    const why = new PushRefused('busy', 'the host is being stopped', { retryAfter: BUSY_RETRY_AFTER });
    await Promise.allSettled(Array.from(this.running.values(), async (begun) => (await begun).abort(why)));
  }

  /** Size limit in bytes for this application. */
  largest({ maxSize = Number.POSITIVE_INFINITY }: AppHandle): number {
    return Math.min(maxSize, this.limits.transferSize);
  }

  /**
   * Undefined: the application accepts the file, or accepted it before. Resolves within 3 s and never rejects.
   * @param key of the file, if it can have been offered before.
   */
  async consider(handle: AppHandle, offer: PushOffer, key?: string): Promise<Refusal | undefined> {
    // `begin` reports a failure of the store.
    if (key !== undefined && (await this.ledger.outcomeOf(pushId(key)).catch(() => {}))) return undefined;
    const app = this.registry.loaded(handle);
    if (!app) return gone(handle);
    const refusal = this.tooLarge(app, offer.size);
    if (refusal || !app.instance.consider) return refusal;
    return await considerOffer(app, offer, this.clock);
  }

  /** Never rejects. */
  async begin(incoming: IncomingTransfer): Promise<TransferAnswer> {
    const id = pushId(incoming.key);
    // From now on another offer of the file is busy.
    const reserved = this.ledger.reserve(id);
    const answer = await this.answer(id, incoming, reserved).catch((error: unknown) =>
      refused(id, internalResources(reasonOf(error))),
    );
    if (reserved && !('transfer' in answer)) this.ledger.release(id);
    return answer;
  }

  /** Rejects when the store or the disk fails. */
  private async answer(id: string, incoming: IncomingTransfer, reserved: boolean): Promise<TransferAnswer> {
    const known = await this.ledger.outcomeOf(id);
    if (known) return known.accepted ? { known } : { refused: known };
    if (!reserved) return refused(id, busy('its transfer is in progress'));
    const app = this.registry.loaded(incoming.app);
    const refusal = this.refusal(app, incoming);
    if (!app || refusal) return refused(id, refusal ?? gone(incoming.app));
    const turn = app.streams.enter('sender');
    if (!turn) return refused(id, busy(`${app.eventAppId} has ${this.limits.transfers} transfers waiting`));
    const begun = this.beginOnce(id, app, incoming, turn);
    this.running.set(id, begun);
    try {
      return { transfer: await begun };
    } catch (error) {
      this.running.delete(id);
      turn.leave();
      throw error;
    }
  }

  private refusal(app: Application | undefined, { size }: IncomingTransfer): Refusal | undefined {
    if (!app) return undefined;
    if (this.stopping) return busy('the host is being stopped');
    if (this.running.size >= this.limits.transfers) {
      return busy(`${this.limits.transfers} transfers are in progress, the limit`);
    }
    return this.tooLarge(app, size) ?? this.noSpace(app);
  }

  /** Known before the content arrives. Its metadata is counted when it has arrived. */
  private noSpace({ eventAppId, manifest }: Application): Refusal | undefined {
    if (manifest.delivery !== 'durable') return undefined;
    try {
      this.ledger.requireSpace(eventAppId, 0);
      return undefined;
    } catch (error) {
      return internalResources(reasonOf(error));
    }
  }

  private tooLarge(app: Application, size = 0): Refusal | undefined {
    const most = this.largest(app);
    if (size <= most) return undefined;
    return tooLarge(app.eventAppId, most);
  }

  /** Rejects when there is no disk space, or the disk fails. */
  private async beginOnce(
    id: string,
    app: Application,
    incoming: IncomingTransfer,
    turn: Turn,
  ): Promise<FileTransfer> {
    const { deliveries, attempts, ledger, clock } = this;
    const { size, sha1, sha256 = true } = incoming;
    const partialFile = await this.partialFiles.open(id, incoming);
    return new FileTransfer({
      app,
      record: recordOf(id, app, incoming, partialFile),
      size,
      sha1,
      sha256,
      largest: this.largest(app),
      turn,
      partialFile,
      services: { deliveries, attempts, ledger, clock },
      onEnded: () => {
        this.running.delete(id);
        ledger.release(id);
      },
    });
  }
}

function recordOf(
  id: string,
  app: Application,
  incoming: IncomingTransfer,
  partialFile: PartialFile,
): PushRecord {
  const { from, to, type, headers, fileName, size = 0 } = incoming;
  const { eventAppId, iari } = app;
  const { name, receivedAt, attempts } = partialFile;
  return {
    id,
    app: eventAppId,
    iari,
    from,
    to,
    mode: 'session',
    type,
    size,
    headers: { ...headers },
    fileName,
    receivedAt,
    attempts,
    interrupted: attempts > 1 ? attempts - 1 : undefined,
    ended: attempts > 1 ? attempts - 1 : undefined,
    file: name,
  };
}

function gone({ eventAppId }: AppHandle): Refusal {
  return busy(`${eventAppId} is no longer loaded`);
}

function refused(pushId: string, refusal: Refusal): TransferAnswer {
  return { refused: { accepted: false, pushId, ...refusal } };
}

export const TRANSFERS: InjectionToken<Transfers> = Symbol('transfers');
