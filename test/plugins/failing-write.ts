/** A disk that fails once. */

import type { LevelStore } from '../../core/platform/level.js';

/** The next write of a key that contains `text` rejects, and writes nothing. */
export function failNextWrite(store: LevelStore, text: string): void {
  const batch = store.batch.bind(store);
  const failing = (operations: readonly { key: string }[], ...rest: unknown[]) => {
    if (!operations.some(({ key }) => key.includes(text))) {
      return Reflect.apply(batch, undefined, [operations, ...rest]);
    }
    Reflect.deleteProperty(store, 'batch');
    return Promise.reject(new Error('the disk failed'));
  };
  Object.defineProperty(store, 'batch', { value: failing, configurable: true });
}
