/** The type of abstract-level behind `Store`. Not in `platform.ts`, because users of the package compile those types. */

import type { AbstractLevel } from 'abstract-level';

declare module 'abstract-level' {
  /** An option of classic-level, which sublevels pass on and stores in memory ignore. */
  interface AbstractBatchOptions<K, V> {
    sync?: boolean | undefined;
  }
}

export type LevelStore = AbstractLevel<string | Uint8Array, string, string>;
