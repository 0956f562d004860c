/** Transfers that may be resumed: which file holds what there is of them, over restarts. */

import { MalformedError } from '../../errors.js';
import type { InjectionToken } from '../../injection.js';
import type { LogSink } from '../../log.js';
import { decodeJson, encodeJson, type Records, TRANSFER_PREFIX, type Write } from '../../store/records.js';
import { reasonOf } from '../../text.js';
import type { Clock } from '../../time/clock.js';

export interface PartialTransfer {
  /** Of the push. */
  readonly id: string;
  readonly file: string;
  /** Of the whole file, as offered. */
  readonly size: number;
  readonly sha1: string;
  /** Media type, without parameters. */
  readonly type: string;
  /** Milliseconds since 1970: of the first offer, and of what happened last. */
  readonly receivedAt: number;
  readonly touchedAt: number;
  /** Deliveries begun. */
  readonly attempts: number;
  /** Bytes that are there from the first on; absent: as many as the file has. */
  readonly sound?: number;
}

export class PartialTransfers {
  /** The one that was touched longest ago first. */
  readonly #held = new Map<string, PartialTransfer>();

  private constructor(
    private readonly records: Records,
    private readonly clock: Clock,
  ) {}

  static async open(records: Records, clock: Clock, log: LogSink): Promise<PartialTransfers> {
    const partials = new PartialTransfers(records, clock);
    const found: PartialTransfer[] = [];
    for await (const [id, bytes] of records.entries(TRANSFER_PREFIX)) {
      try {
        found.push(decode(bytes));
      } catch (error) {
        log({ level: 'error', message: `transfer ${id} in the store cannot be read: ${reasonOf(error)}` });
      }
    }
    found.sort((one, other) => one.touchedAt - other.touchedAt);
    for (const partial of found) partials.#held.set(partial.id, partial);
    return partials;
  }

  get(id: string): PartialTransfer | undefined {
    return this.#held.get(id);
  }

  /** The one that was touched longest ago first. */
  all(): Iterable<PartialTransfer> {
    return this.#held.values();
  }

  /** Over the end of the process, not over a loss of power: then less of it may be there. @throws StoreError */
  async put(partial: PartialTransfer): Promise<void> {
    const touched = { ...partial, touchedAt: this.clock.now() };
    this.#held.delete(partial.id);
    this.#held.set(partial.id, touched);
    await this.records.write(
      [{ type: 'put', key: TRANSFER_PREFIX + partial.id, value: encodeJson(touched) }],
      'written',
    );
  }

  /** @throws StoreError; it is forgotten all the same. */
  async remove(id: string): Promise<void> {
    if (this.#held.delete(id)) await this.records.write(this.removal(id), 'written');
  }

  /** What removes it from the disk; `forget` follows when that was written. */
  removal(id: string): Write[] {
    return [{ type: 'del', key: TRANSFER_PREFIX + id }];
  }

  forget(id: string): void {
    this.#held.delete(id);
  }
}

function decode(bytes: Uint8Array): PartialTransfer {
  const value = decodeJson(bytes);
  if (!isPartial(value)) throw new MalformedError('a transfer in the store lacks its fields');
  return value;
}

function isPartial(value: unknown): value is PartialTransfer {
  if (typeof value !== 'object' || value === null) return false;
  const fields: { readonly [Key in keyof PartialTransfer]?: unknown } = value;
  const { id, file, sha1, type, size, receivedAt, touchedAt, attempts, sound } = fields;
  return (
    [id, file, sha1, type].every((text) => typeof text === 'string') &&
    [size, receivedAt, touchedAt, attempts].every(Number.isFinite) &&
    (sound === undefined || Number.isFinite(sound))
  );
}

export const PARTIAL_TRANSFERS: InjectionToken<PartialTransfers> = Symbol('partial transfers');
