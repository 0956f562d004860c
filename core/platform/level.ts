/** The stores behind `Store`. Apart from `platform.ts`, since users of the package compile the types of that. */

import type { AbstractLevel } from 'abstract-level';

declare module 'abstract-level' {
  /** What classic-level takes, sublevels pass on, and the stores without a disk ignore. */
  interface AbstractBatchOptions<K, V> {
    sync?: boolean | undefined;
  }
}

export type LevelStore = AbstractLevel<string | Uint8Array, string, string>;
