/** In which order pushes ended: the files of a session, and pushes that came beside each other, as the host told. */

import { platform } from '#platform';
import type { TestPush } from '../testing/options.js';
import type { ToldEvent } from './told.js';

/**
 * @param pushes in the order in which they ended on the wire.
 * @returns the same; those that the host told of in the order in which it did.
 */
export function inTheirOrder<T extends { push: TestPush }>(
  pushes: readonly T[],
  events: readonly ToldEvent[],
): T[] {
  const told = events.filter(({ event }) => event === 'push');
  const claimed = new Set<number>();
  const indexes = pushes.map(({ push }) => {
    const { body } = push;
    const sha256 = body instanceof Uint8Array ? platform.hash('sha-256', body) : '';
    const index = told.findIndex(
      (event, at) =>
        !claimed.has(at) &&
        event.sha256 === sha256 &&
        (['app', 'mode', 'from', 'fileName'] as const).every((name) => event[name] === push[name]),
    );
    claimed.add(index);
    return index;
  });
  const inOrder = pushes
    .map((push, at) => ({ push, index: indexes[at] ?? -1 }))
    .filter(({ index }) => index >= 0)
    .sort((one, other) => one.index - other.index);
  return pushes.map((push, at) => ((indexes[at] ?? -1) < 0 ? push : (inOrder.shift()?.push ?? push)));
}
