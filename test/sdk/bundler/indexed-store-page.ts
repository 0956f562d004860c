/** Runs in a browser: the store of the platform, and the same with what takes the place of browser-level in a bundle. */

import { BrowserLevel } from 'browser-level';
import { platform } from '#platform';
import { BrowserLevel as Little } from '../../../sdk/bundler/runtime/indexed-store.js';

const text = (bytes: Uint8Array | undefined) => bytes && new TextDecoder().decode(bytes);
const PREFIX = { prefix: 'sip-push ' };
const VIEW = { valueEncoding: 'view' } as const;

async function entries(
  iterator: AsyncIterable<[string, Uint8Array]>,
  most = 10_000,
): Promise<(string | undefined)[]> {
  const found = [];
  for await (const [key, value] of iterator) {
    found.push(key, text(value));
    if (found.length >= most) break;
  }
  return found;
}

// For the expressions of the tests.
Object.assign(globalThis, { page: { platform, BrowserLevel, Little, text, entries, PREFIX, VIEW } });
