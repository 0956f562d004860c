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
  /** Of each push, where the host told of it; the first of those that are alike comes first. */
  const places = new Map<string, number[]>();
  for (const [index, event] of events.entries()) {
    if (event.event !== 'push') continue;
    const name = nameOf(event, event.sha256);
    const known = places.get(name);
    if (known) known.push(index);
    else places.set(name, [index]);
  }
  for (const indexes of places.values()) indexes.reverse();
  const indexes = pushes.map(({ push }) => {
    const { body } = push;
    const sha256 = body instanceof Uint8Array ? platform.hash('sha-256', body) : '';
    return places.get(nameOf(push, sha256))?.pop() ?? -1;
  });
  const inOrder = pushes
    .map((push, at) => ({ push, index: indexes[at] ?? -1 }))
    .filter(({ index }) => index >= 0)
    .sort((one, other) => one.index - other.index);
  return pushes.map((push, at) => ((indexes[at] ?? -1) < 0 ? push : (inOrder.shift()?.push ?? push)));
}

function nameOf(push: Readonly<Record<string, unknown>> | TestPush, sha256: unknown): string {
  const { app, mode, from, fileName } = push;
  return JSON.stringify([app, mode, from, fileName, sha256]);
}
