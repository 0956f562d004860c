/** Public addresses and permitted origins. */

import { describe, expect, it } from 'vitest';
import { AllowList, isPublicAddress } from '../../core/content/fetch/allow-list.js';
import { ConfigurationError } from '../../core/errors.js';

describe('public addresses', () => {
  it.each(['8.8.8.8', '93.184.216.34', '2606:4700:4700::1111', '2a00:1450:4001::1'])(
    'include %s',
    (address) => {
      expect(isPublicAddress(address)).toBe(true);
    },
  );

  it.each([
    ['loopback', ['127.0.0.1', '127.255.0.1', '::1']],
    ['unspecified', ['0.0.0.0', '0.1.2.3', '::']],
    ['private', ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', 'fc00::1', 'fd00:ec2::254']],
    [
      'link-local, where clouds have their metadata',
      ['169.254.169.254', '169.254.0.1', 'fe80::1', 'fe80::1%eth0'],
    ],
    ['CGNAT, with the metadata address of a cloud', ['100.64.0.1', '100.100.100.200', '100.127.255.255']],
    ['the metadata address of Azure', ['168.63.129.16']],
    ['multicast and broadcast', ['224.0.0.1', '239.255.255.255', '255.255.255.255', 'ff02::1']],
    [
      'reserved',
      ['192.0.0.1', '192.0.2.1', '198.18.0.1', '203.0.113.1', '240.0.0.1', '2001:db8::1', '100::1'],
    ],
    ['IPv4 in IPv6', ['::ffff:10.0.0.1', '::ffff:8.8.8.8', '::ffff:7f00:1', '::127.0.0.1', '::ffff:0:a00:1']],
    ['NAT64', ['64:ff9b::7f00:1', '64:ff9b::808:808', '64:ff9b:1::a00:1']],
    ['6to4 and Teredo', ['2002:7f00:1::', '2001::1']],
    ['unassigned', ['4000::1', 'fec0::1', '5f00::1']],
    ['not an address', ['', 'localhost', '0x7f000001', '127.1']],
  ])('do not include: %s', (_title, addresses) => {
    expect(addresses.filter(isPublicAddress)).toEqual([]);
  });
});

describe('origins', () => {
  const permission = (url: string, entries?: string[]) => new AllowList(entries).permission(new URL(url));

  it('by default: https on its default port at any host', () => {
    expect(permission('https://example.com/')).toBe('matched');
    expect(permission('https://example.com:8443/')).toBeUndefined();
    expect(permission('http://example.com/')).toBeUndefined();
    expect(permission('ftp://example.com/')).toBeUndefined();
    expect(permission('file:///etc/passwd')).toBeUndefined();
  });

  it('an empty list allows none', () => {
    expect(permission('https://example.com/', [])).toBeUndefined();
  });

  it.each([
    ['https://*.operator.test', 'https://mmsc.operator.test/a', 'matched'],
    ['https://*.operator.test', 'https://a.b.operator.test/', 'matched'],
    ['https://*.operator.test', 'https://MMSC.Operator.test./', 'matched'],
    ['https://*.operator.test', 'https://operator.test/', undefined],
    ['https://*.operator.test', 'https://myoperator.test/', undefined],
    ['https://*.operator.test', 'https://mmsc.operator.test.evil.test/', undefined],
    ['https://*.operator.test', 'http://mmsc.operator.test/', undefined],
    ['https://*.operator.test', 'https://mmsc.operator.test:8443/', undefined],
    ['https://mmsc.operator.test:8443/', 'https://mmsc.operator.test:8443/', 'named'],
    ['http://127.0.0.1:*', 'http://127.0.0.1:4711/', 'named'],
    ['http://127.0.0.1:*', 'http://127.1:4711/', 'named'],
    ['http://127.0.0.1:*', 'http://0x7f000001/', 'named'],
    ['http://127.0.0.1:*', 'http://localhost:4711/', undefined],
    ['http://127.0.0.1:*', 'http://127.0.0.2:4711/', undefined],
    ['http://[::1]:80', 'http://[0:0::1]/', 'named'],
    ['http://*', 'http://10.0.0.1/', 'matched'],
    ['http://*:*', 'http://10.0.0.1:99/', 'matched'],
  ])('%s and %s: %s', (entry, url, expected) => {
    expect(permission(url, [entry])).toBe(expected);
  });

  it('an entry that names the host takes precedence', () => {
    expect(permission('http://10.0.0.1/', ['http://*', 'http://10.0.0.1'])).toBe('named');
  });

  it.each([
    'operator.test',
    'ftp://operator.test',
    'https://op*.test',
    'https://a.test/path',
    'https://a:99999',
    '',
  ])('refuses %j', (entry) => {
    expect(() => new AllowList([entry])).toThrow(ConfigurationError);
    expect(() => new AllowList([entry])).toThrow(/invalid fetch\.allow ".*": expected an origin/);
  });
});
