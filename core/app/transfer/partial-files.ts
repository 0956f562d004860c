/** The files of transfers: opening, resuming, keeping and expiry. */

import { type InjectionToken, inject, injectable } from '../../injection.js';
import type { LogSink } from '../../log.js';
import type { OpenFile } from '../../platform/files.js';
import { CONTENT_FILES, type ContentFiles, type FileOwners } from '../../store/content-files.js';
import { StoreError } from '../../store/records.js';
import { reasonOf } from '../../text.js';
import type { Clock } from '../../time/clock.js';
import { CLOCK, LIMITS, LOG_SINK } from '../foundations.js';
import { LEDGER, type Ledger } from '../ledger/ledger.js';
import type { PartialTransfer } from '../ledger/stored-entry.js';
import { type RuntimeLimits, TRANSFER_RETENTION } from '../limits.js';
import type { IncomingTransfer } from './transfer.js';

/** The file and the ledger entry of a transfer. */
export interface PartialFile {
  /** Name of the file. */
  readonly name: string;
  /** Milliseconds since 1970 of the first offer. */
  readonly receivedAt: number;
  /** Deliveries started, including this one. */
  readonly attempts: number;
  readonly file: OpenFile;
  /** Bytes from the first one on that were received before. The file has no more. */
  readonly have: number;
  /** Reserves disk space. False when the limit would be exceeded. */
  reserve(bytes: number): boolean;
  /** Records the number of contiguous bytes of a file that has gaps; undefined: it has none. */
  recordContiguous(bytes: number | undefined): Promise<void>;
  /** Keeps this number of bytes, to be resumed. `delivered`: the application has seen them. */
  keep(bytes: number, delivered: boolean): Promise<void>;
  /** Removes the file and the entry. */
  drop(): Promise<void>;
  /** Closes the file. */
  close(): Promise<void>;
}

@injectable()
export class PartialFiles {
  private cancelSweep = () => {};
  private stopped = false;

  constructor(
    @inject(CONTENT_FILES) private readonly files: ContentFiles,
    @inject(LEDGER) private readonly ledger: Ledger,
    @inject(CLOCK) private readonly clock: Clock,
    @inject(LIMITS) private readonly limits: RuntimeLimits,
    @inject(LOG_SINK) private readonly log: LogSink,
  ) {}

  /**
   * At start: removes files without an entry, and partial transfers that are expired or without their file.
   * Rejects when the folder cannot be used.
   */
  async clean(): Promise<void> {
    await this.files.clean(new Map(this.ledger.files()));
    for (const partial of [...this.ledger.allPartialTransfers()]) {
      if (!this.files.has(partial.file)) await this.drop(partial);
    }
    await this.sweep();
  }

  stop(): void {
    this.stopped = true;
    this.cancelSweep();
  }

  /**
   * Resumes the transfer of the same file, or starts a new one.
   * @throws StoreError when there is no disk space, or the disk fails.
   */
  async open(id: string, incoming: IncomingTransfer): Promise<PartialFile> {
    const before = await this.resumed(id, incoming);
    const name = before?.file ?? this.files.newName();
    if (!before) this.files.add(name, ownersOf(incoming));
    // While it is in use, it is not removed to free disk space.
    const release = this.files.use(name);
    let file: OpenFile | undefined;
    try {
      await this.reserve(name, incoming.size ?? 0, ownersOf(incoming));
      file = await this.files.edit(name);
      const have = before ? Math.min(before.contiguous ?? file.size, file.size, before.size) : 0;
      if (file.size > have) await file.truncate(have);
      const attempts = (before?.attempts ?? 0) + 1;
      const receivedAt = before?.receivedAt ?? this.clock.now();
      const partial = partialOf(id, incoming, { file: name, attempts, receivedAt });
      if (partial) await this.ledger.putPartialTransfer(partial);
      return { ...this.handle(id, name, file, partial, release), name, file, have, attempts, receivedAt };
    } catch (error) {
      await file?.close().catch(() => {});
      if (!before) await this.files.remove(name);
      await release();
      throw error;
    }
  }

  /** The partial transfer of the same file. One of another file with the same key is removed. */
  private async resumed(id: string, incoming: IncomingTransfer): Promise<PartialTransfer | undefined> {
    const before = this.ledger.partialTransfer(id);
    if (!before) return undefined;
    const { resumable, size, sha1, type } = incoming;
    const same = before.size === size && before.sha1 === sha1 && before.type === type.type;
    if (resumable && same) return before;
    await this.drop(before);
    return undefined;
  }

  /** Removes the oldest partial transfers when the disk space is needed: those of the owner whose share is used up. */
  private async reserve(name: string, bytes: number, owners: FileOwners): Promise<void> {
    let full = this.files.reserve(name, bytes);
    while (full) {
      const owner = full;
      const oldest = this.idle().find((each) => owner === 'files' || each[owner] === owners[owner]);
      if (!oldest) {
        const share = owner === 'files' ? '' : `: ${owners[owner]} has its share`;
        throw new StoreError(`there is no disk space for the content${share}`);
      }
      await this.drop(oldest);
      full = this.files.reserve(name, bytes);
    }
  }

  /** Partial transfers that are not in progress, the one that was changed longest ago first. */
  private idle(): PartialTransfer[] {
    return [...this.ledger.allPartialTransfers()].filter(({ file }) => !this.files.inUse(file));
  }

  private handle(
    id: string,
    name: string,
    file: OpenFile,
    partial: Omit<PartialTransfer, 'changedAt'> | undefined,
    release: () => Promise<void>,
  ): Pick<PartialFile, 'reserve' | 'recordContiguous' | 'keep' | 'drop' | 'close'> {
    const drop = () => this.drop({ id, file: name });
    return {
      reserve: (bytes) => this.files.reserve(name, bytes) === undefined,
      recordContiguous: async (bytes) => {
        if (partial) await this.ledger.putPartialTransfer({ ...partial, contiguous: bytes });
      },
      drop,
      keep: async (bytes, delivered) => {
        if (!partial || bytes === 0) return drop();
        try {
          await file.truncate(bytes);
          this.files.reserve(name, bytes);
          await this.ledger.putPartialTransfer({
            ...partial,
            attempts: partial.attempts - (delivered ? 0 : 1),
          });
        } catch (error) {
          // The store still has the entry from the start of the transfer.
          this.warn(id, `was interrupted, and its position could not be recorded: ${reasonOf(error)}`);
        }
      },
      close: () => this.files.background(this.close(file, release)),
    };
  }

  private async close(file: OpenFile, release: () => Promise<void>): Promise<void> {
    await file.close().catch(() => {});
    await release();
    await this.sweep();
  }

  /** Removes partial transfers that are expired or too many, and sets a timer for the next to expire. */
  private async sweep(): Promise<void> {
    this.cancelSweep();
    if (this.stopped) return;
    const idle = this.idle();
    const excess = idle.length - this.limits.transfersKept;
    for (const [index, partial] of idle.entries()) {
      const { ticks } = this.ledger;
      // A host that was killed loses the last of its ticks.
      const left = Math.min(partial.changedAt, ticks) + TRANSFER_RETENTION - ticks;
      if (left > 0 && index >= excess) {
        this.cancelSweep();
        this.cancelSweep = this.clock.after(left, () => void this.sweep());
        return;
      }
      // It may have been resumed while others were removed.
      if (!this.files.inUse(partial.file)) await this.drop(partial);
    }
  }

  private async drop({ id, file }: Pick<PartialTransfer, 'id' | 'file'>): Promise<void> {
    try {
      await this.ledger.removePartialTransfer(id);
    } catch (error) {
      this.warn(id, `is still in the store: ${reasonOf(error)}`);
    }
    await this.files.remove(file);
  }

  private warn(id: string, message: string): void {
    this.log({ level: 'warn', message: `transfer of push ${id} ${message}` });
  }
}

/** Undefined when the transfer cannot be resumed: only size and SHA-1 identify the same file. */
function partialOf(
  id: string,
  incoming: IncomingTransfer,
  more: Pick<PartialTransfer, 'file' | 'attempts' | 'receivedAt'>,
): Omit<PartialTransfer, 'changedAt'> | undefined {
  const { resumable, size, sha1, type } = incoming;
  if (!resumable || size === undefined || sha1 === undefined) return undefined;
  return { id, size, sha1, type: type.type, ...ownersOf(incoming), ...more };
}

function ownersOf({ app, from }: IncomingTransfer): FileOwners {
  return { app: app.eventAppId, from };
}

export const PARTIAL_FILES: InjectionToken<PartialFiles> = Symbol('partial files');
