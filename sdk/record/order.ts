/** The order in which concurrent pushes, such as the files of a session, ended on the host. */

import { platform } from '#platform';
import type { TestPush } from '../testing/options.js';
import type { HostEventRecord } from './events.js';

/**
 * @param pushes in the order in which they ended on the wire.
 * @returns the same pushes; those that the host reported are in the order of its events.
 */
export function inOrderOfEvents<T extends { push: TestPush }>(
  pushes: readonly T[],
  events: readonly HostEventRecord[],
): T[] {
  /** The positions of the events of each push; equal pushes share an entry. */
  const positions = new Map<string, number[]>();
  for (const [index, event] of events.entries()) {
    if (event.event !== 'push') continue;
    const name = nameOf(event, event.sha256);
    const known = positions.get(name);
    if (known) known.push(index);
    else positions.set(name, [index]);
  }
  for (const indexes of positions.values()) indexes.reverse();
  const indexes = pushes.map(({ push }) => {
    const { body } = push;
    const sha256 = body instanceof Uint8Array ? platform.hash('sha-256', body) : '';
    return positions.get(nameOf(push, sha256))?.pop() ?? -1;
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
