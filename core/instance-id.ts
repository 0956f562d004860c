/** The instance id of a user agent, unchanged after a restart (RFC 5627 §4.1). */

import type { Store } from './platform/platform.js';

/** Outside the records of the runtime. */
const KEY = '!host!instance-id';
const BYTES = { valueEncoding: 'view' } as const;

/** `urn:uuid:…`, created once and kept in the store. */
export async function instanceIdOf(store: Store): Promise<string> {
  const known = await store.get(KEY, BYTES);
  if (known !== undefined) return new TextDecoder().decode(known);
  const id = `urn:uuid:${crypto.randomUUID()}`;
  const value = new TextEncoder().encode(id);
  await store.batch([{ type: 'put', key: KEY, value }], { ...BYTES, sync: true });
  return id;
}
