/** The bytes of one file while they arrive: they are written and hashed, and readers wait for them. */

import { platform } from '#platform';
import { ByteRanges } from '../../byte-ranges.js';
import { MalformedError, SipPushError } from '../../errors.js';
import type { OpenFile } from '../../platform/files.js';
import type { Hasher } from '../../platform/platform.js';
import { asError } from '../../text.js';
import { TRANSFER_PARTS } from '../limits.js';

/** Bytes that are written, or read back, at once. Hashing them does not block the event loop noticeably. */
const BLOCK = 256 * 1024;

export interface ArrivalOptions {
  file: OpenFile;
  /** Bytes of the file, from the first one on, that were received before. */
  have: number;
  /** The digests to compute. Without any, no bytes are read back. */
  sha1: boolean;
  sha256: boolean;
  /**
   * Awaited before bytes are written after a gap, because the length of the file is then no longer the number of bytes
   * received: `contiguous` is. Undefined when there is no gap any more.
   */
  onGap(contiguous: number | undefined): Promise<void>;
}

interface Write {
  start: number;
  bytes: Uint8Array;
  settle(error?: unknown): void;
}

export class Arrival {
  readonly #parts: ByteRanges;
  readonly #hashers: { readonly sha1: Hasher | undefined; readonly sha256: Hasher | undefined };
  readonly #queue: Write[] = [];
  #writing: Promise<void> | undefined;
  #catchingUp: Promise<void> | undefined;
  #gapKnown = false;
  #watermark: number;
  #hashed = 0;
  #whole = false;
  #error: Error | undefined;
  #changed = { promise: Promise.resolve(), resolve: () => {}, awaited: false };

  constructor(private readonly options: ArrivalOptions) {
    const { have, sha1, sha256 } = options;
    this.#parts = new ByteRanges(have, TRANSFER_PARTS);
    this.#watermark = have;
    this.#hashers = {
      sha1: sha1 ? platform.hasher('sha-1') : undefined,
      sha256: sha256 ? platform.hasher('sha-256') : undefined,
    };
    this.#catchUp();
  }

  /** Bytes that can be read, from the first one on. */
  get watermark(): number {
    return this.#watermark;
  }

  /** The offset after the last byte received. */
  get end(): number {
    return this.#parts.end;
  }

  /** Why the transfer was interrupted, if it was. */
  get error(): Error | undefined {
    return this.#error;
  }

  /** True when the file is complete and verified. */
  get whole(): boolean {
    return this.#whole;
  }

  /**
   * Resolves when the bytes are in the file. Bytes received before are not overwritten, since they may have been read and
   * hashed. An error ends the transfer, except for too many gaps.
   */
  write(start: number, bytes: Uint8Array): Promise<void> {
    if (!Number.isSafeInteger(start) || start < 0) {
      return Promise.reject(new MalformedError(`invalid offset ${start}: expected an integer, 0 or more`));
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ start, bytes, settle: (error) => (error ? reject(error) : resolve()) });
      this.#writing ??= this.#writeAll();
    });
  }

  /** Resolves when every write has succeeded or failed. */
  async idle(): Promise<void> {
    await this.#writing;
  }

  /** Digests of the bytes up to the watermark. Rejects when the transfer is interrupted meanwhile. */
  async digests(): Promise<{ sha1?: string; sha256?: string }> {
    while (this.#hashed < this.#watermark) {
      this.#catchUp();
      await this.#catchingUp;
      if (this.#error) throw this.#error;
    }
    const { sha1, sha256 } = this.#hashers;
    return { sha1: sha1?.digest(), sha256: sha256?.digest() };
  }

  /** The file is complete and verified: readers reach its end. */
  finish(): void {
    this.#whole = true;
    this.#notify();
  }

  /** The transfer was interrupted: nothing can be written or read any longer. */
  break(why: Error): void {
    this.#error ??= why;
    this.#notify();
  }

  /**
   * Resolves when there are more than `at` bytes, or the file is complete. Rejects when the transfer is interrupted.
   */
  async beyond(at: number): Promise<void> {
    for (;;) {
      if (this.#error) throw this.#error;
      if (this.#watermark > at || this.#whole) return;
      await this.#change();
    }
  }

  /** Bytes below the watermark. */
  read(at: number, length: number): Promise<Uint8Array> {
    return this.options.file.read(at, Math.min(length, this.#watermark - at));
  }

  async #writeAll(): Promise<void> {
    // Writes of the same turn of the event loop are joined.
    await undefined;
    while (this.#queue.length > 0) {
      const group = this.#take();
      try {
        if (this.#error) throw this.#error;
        await this.#write(group);
        for (const { settle } of group) settle();
      } catch (error) {
        this.break(asError(error));
        for (const { settle } of group) settle(this.#error);
      }
    }
    this.#writing = undefined;
  }

  #take(): Write[] {
    let bytes = 0;
    const count = this.#queue.findIndex((write) => {
      bytes += write.bytes.length;
      return bytes >= BLOCK;
    });
    return this.#queue.splice(0, count < 0 ? this.#queue.length : count + 1);
  }

  async #write(group: readonly Write[]): Promise<void> {
    const pieces = group.flatMap((write) => this.#missing(write));
    if (this.#parts.gaps && !this.#gapKnown) {
      this.#gapKnown = true;
      await this.options.onGap(this.#watermark);
    }
    for (let from = 0; from < pieces.length; ) {
      const { start, end } = run(pieces, from);
      const chunks = pieces.slice(from, end).map(({ bytes }) => bytes);
      await this.options.file.write(chunks, start);
      from = end;
    }
    for (const { start, bytes } of pieces) {
      if (start === this.#hashed) this.#hash(bytes);
    }
    this.#watermark = this.#parts.contiguous;
    this.#catchUp();
    this.#notify();
    if (this.#gapKnown && !this.#parts.gaps) {
      this.#gapKnown = false;
      await this.options.onGap(undefined);
    }
  }

  #missing({ start, bytes, settle }: Write): Piece[] {
    try {
      const missing = this.#parts.add(start, start + bytes.length);
      return missing.map((part) => ({
        start: part.start,
        bytes: bytes.subarray(part.start - start, part.end - start),
      }));
    } catch (error) {
      settle(error);
      return [];
    }
  }

  /** Reads back bytes that were received before, or after a gap, to hash them. */
  #catchUp(): void {
    if (this.#hashed >= this.#watermark || this.#error) return;
    if (!this.#hashers.sha1 && !this.#hashers.sha256) {
      this.#hashed = this.#watermark;
      return;
    }
    this.#catchingUp ??= this.#hashBack()
      .catch((error: unknown) => this.break(asError(error)))
      .finally(() => {
        this.#catchingUp = undefined;
      });
  }

  async #hashBack(): Promise<void> {
    while (this.#hashed < this.#watermark && !this.#error) {
      const bytes = await this.read(this.#hashed, BLOCK);
      if (bytes.length === 0)
        throw new SipPushError('the file of a transfer was truncated by another program');
      this.#hash(bytes);
    }
  }

  #hash(bytes: Uint8Array): void {
    this.#hashers.sha1?.update(bytes);
    this.#hashers.sha256?.update(bytes);
    this.#hashed += bytes.length;
  }

  #change(): Promise<void> {
    if (!this.#changed.awaited) {
      let resolve = () => {};
      const promise = new Promise<void>((resolved) => {
        resolve = resolved;
      });
      this.#changed = { promise, resolve, awaited: true };
    }
    return this.#changed.promise;
  }

  #notify(): void {
    this.#changed.awaited = false;
    this.#changed.resolve();
  }
}

interface Piece {
  start: number;
  bytes: Uint8Array;
}

/** The pieces from `from` to `end` are contiguous. */
function run(pieces: readonly Piece[], from: number): { start: number; end: number } {
  const start = pieces[from]?.start ?? 0;
  let at = start;
  let end = from;
  for (let piece = pieces[end]; piece?.start === at; piece = pieces[++end]) at += piece.bytes.length;
  return { start, end };
}
