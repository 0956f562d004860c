/** What takes the place of packages in a bundle does what they do. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPublicAddress } from '../../../core/content/fetch/allow-list.js';
import { isPublicAddress as bundled } from '../../../sdk/bundler/runtime/addresses.js';
import { MemoryLevel } from '../../../sdk/bundler/runtime/memory-store.js';

describe('public addresses', () => {
  const near = fc.constantFrom(
    ...[
      '0.255.255.255',
      '1.0.0.0',
      '9.255.255.255',
      '10.0.0.1',
      '100.63.255.255',
      '100.64.0.0',
      '100.128.0.0',
    ],
    ...['126.255.255.255', '127.0.0.1', '128.0.0.0', '168.63.129.16', '168.63.129.17', '169.254.169.254'],
    ...['172.15.255.255', '172.16.0.0', '172.32.0.0', '192.0.0.8', '192.0.1.0', '192.0.2.1', '192.31.196.1'],
    ...[
      '192.52.193.1',
      '192.88.99.1',
      '192.168.1.1',
      '192.175.48.1',
      '198.17.255.255',
      '198.19.0.1',
      '198.20.0.0',
    ],
    ...[
      '198.51.100.1',
      '203.0.113.1',
      '223.255.255.255',
      '224.0.0.1',
      '240.0.0.1',
      '255.255.255.255',
      '8.8.8.8',
    ],
    ...['::', '::1', '::ffff:8.8.8.8', '64:ff9b::808:808', '64:ff9b:1::1', '100::1', '2000::1', '2001::1'],
    ...[
      '2001:1ff:ffff::',
      '2001:200::',
      '2001:db8::1',
      '2001:4860:4860::8888',
      '2002:808:808::1',
      '2620:4f:8000::1',
    ],
    ...[
      '2620:4f:8001::1',
      '2606:4700::1111',
      '3fff::1',
      '3fff:1000::1',
      '3ffe:ffff::',
      '4000::',
      '5f00::1',
      'fc00::1',
    ],
    ...['fe80::1', 'fe80::1%eth0', 'fec0::1', 'ff02::1', '::8.8.8.8', 'operator.test', '', '1.2.3.4.5'],
  );

  it('are those of ipaddr.js', () => {
    fc.assert(
      fc.property(fc.oneof(near, fc.ipV4(), fc.ipV6()), (address) => {
        expect(bundled(address), address).toBe(isPublicAddress(address));
      }),
      { numRuns: 5000 },
    );
  });
});

describe('a store in memory', () => {
  it('gives entries in order, from a key on, or behind one', async () => {
    const store = new MemoryLevel();
    await store.open();
    const value = Uint8Array.of(1);
    await store.batch(['b', 'c', 'a'].map((key) => ({ type: 'put', key, value }) as const));
    await store.batch([
      { type: 'del', key: 'c' },
      { type: 'put', key: 'd', value },
    ]);
    const keys = async (range: object) => {
      const found: string[] = [];
      for await (const [key] of store.iterator(range)) found.push(key);
      return found;
    };
    expect(await keys({})).toEqual(['a', 'b', 'd']);
    expect(await keys({ gte: 'b' })).toEqual(['b', 'd']);
    expect(await keys({ gt: 'b' })).toEqual(['d']);
    expect(await store.get('a')).toEqual(value);
    expect(await store.get('c')).toBeUndefined();
  });
});
