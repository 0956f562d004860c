/** Content as it comes in: on disk, and through the hash functions. */

import { platform } from '#platform';
import { SipPushError } from '../../errors.js';
import type { Hasher, Spool, SpoolFile } from '../../platform/platform.js';
import { FetchError } from './fetch-error.js';

/** A file of the spool that is hashed as it comes in. */
export class Arriving {
  #sha1: Hasher = platform.hasher('sha-1');
  #sha256: Hasher = platform.hasher('sha-256');
  #digests: { sha1: string; sha256: string } | undefined;

  private constructor(readonly file: SpoolFile) {}

  /** @throws FetchError `spool`, as all of its methods. */
  static async begin(spool: Spool): Promise<Arriving> {
    return new Arriving(await spooling(spool.create()));
  }

  async append(bytes: Uint8Array): Promise<void> {
    await spooling(this.file.append(bytes));
    this.#sha1.update(bytes);
    this.#sha256.update(bytes);
  }

  async restart(): Promise<void> {
    if (this.file.size === 0) return;
    await spooling(this.file.clear());
    this.#sha1 = platform.hasher('sha-1');
    this.#sha256 = platform.hasher('sha-256');
  }

  sha1(): string {
    return this.#ended().sha1;
  }

  sha256(): string {
    return this.#ended().sha256;
  }

  #ended() {
    this.#digests ??= { sha1: this.#sha1.digest(), sha256: this.#sha256.digest() };
    return this.#digests;
  }
}

async function spooling<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof SipPushError) throw new FetchError('spool', error.message, { cause: error });
    throw error;
  }
}
