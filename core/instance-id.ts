/** RFC 5627 4.1: the instance id of a user agent outlives restarts. */

import type { Store } from './platform/platform.js';

/** `urn:uuid:…`, made once and kept in the store. */
export async function instanceIdOf(store: Store): Promise<string> {
  const kept = store.sublevel<string, string>('host', { valueEncoding: 'utf8' });
  const known = await kept.get('instance-id');
  if (known !== undefined) return known;
  const made = `urn:uuid:${crypto.randomUUID()}`;
  await store.batch([{ type: 'put', sublevel: kept, key: 'instance-id', value: made }], { sync: true });
  return made;
}
