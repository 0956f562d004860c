import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigurationError, MalformedError } from '../../core/errors.js';
import {
  type ClientAddress,
  formatClientAddress,
  parseClientAddress,
} from '../../core/pap/client-address.js';

const GRUU = 'sip:bob@atlanta.com;gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6';

describe('client addresses', () => {
  const examples: [text: string, ClientAddress][] = [
    [
      'WAPPUSH=john.doe%40oma.org/TYPE=USER@ppg.carrier.com',
      { type: 'USER', identifier: 'john.doe@oma.org', gateway: 'ppg.carrier.com' },
    ],
    [
      'WAPPUSH=+155519990730/TYPE=USER@ppg.carrier.com',
      { type: 'USER', identifier: '+155519990730', gateway: 'ppg.carrier.com' },
    ],
    [
      'WAPPUSH=+155519990730/TYPE=PLMN@ppg.carrier.com',
      { type: 'PLMN', identifier: '+155519990730', gateway: 'ppg.carrier.com' },
    ],
    [
      'WAPPUSH=195.153.199.30/TYPE=IPv4@ppg.carrier.com',
      { type: 'IPV4', identifier: '195.153.199.30', gateway: 'ppg.carrier.com' },
    ],
    [
      'WAPPUSH="sip%3Abob%40atlanta.com"/TYPE=URI@ppg.carrier.com',
      { type: 'URI', identifier: 'sip:bob@atlanta.com', gateway: 'ppg.carrier.com' },
    ],
    [
      'WAPPUSH="sip%3Abob%40atlanta.com%3Bgr%3Durn%3Auuid%3Af81d4fae-7dec-11d0-a765-00a0c91e6bf6"/TYPE=URI@ppg.carrier.com',
      { type: 'URI', identifier: GRUU, gateway: 'ppg.carrier.com' },
    ],
  ];

  it.each(examples)('P23-ADR-01, P23-ADR-02: %s is an address of the specification', (text, address) => {
    expect(parseClientAddress(text)).toEqual({ ...address, qualifiers: undefined });
    expect(formatClientAddress(address)).toBe(text);
  });

  it.each([
    // The specification does not escape "=" in its example.
    [
      'WAPPUSH="sip%3Abob%40atlanta.com%3Bgr=urn%3Auuid%3Af81d4fae-7dec-11d0-a765-00a0c91e6bf6"/TYPE=URI@ppg.carrier.com',
      { type: 'URI', identifier: GRUU },
    ],
    ['wappush=47397547589/type=user@carrier.example', { type: 'USER', identifier: '47397547589' }],
    ['WAPPUSH=127.0.0.1/TYPE=IPv4', { type: 'IPV4', identifier: '127.0.0.1', gateway: undefined }],
    ['WAPPUSH=2001:db8::1/TYPE=IPv6@x', { type: 'IPV6', identifier: '2001:db8::1' }],
    ['WAPPUSH=+358-40.1/TYPE=PLMN@x', { type: 'PLMN', identifier: '+358-40.1' }],
    ['WAPPUSH=bob@home/TYPE=USER@x', { type: 'USER', identifier: 'bob@home', gateway: 'x' }],
    ['WAPPUSH=bob@home/TYPE=USER', { type: 'USER', identifier: 'bob@home', gateway: undefined }],
    [
      'WAPPUSH=+1/port=4035/x=a%20b/TYPE=PLMN@x',
      {
        type: 'PLMN',
        identifier: '+1',
        qualifiers: [
          ['port', '4035'],
          ['x', 'a b'],
        ],
      },
    ],
    ['WAPPUSH=1234/TYPE=GSM_Service_Code@x', { type: 'GSM_SERVICE_CODE', identifier: '1234' }],
  ])('accepts %s', (text, address) => {
    expect(parseClientAddress(text)).toMatchObject(address);
  });

  it.each([
    '',
    'push_all',
    'WAPPUSH=',
    'WAPPUSH=/TYPE=USER@x',
    'WAPPUSH=+1@x',
    'WAPPUSH=358401/TYPE=PLMN@x',
    'WAPPUSH=+1/TYPE=PLMN@-',
    'WAPPUSH=300.1.1.1/TYPE=IPv4@x',
    'WAPPUSH=x/TYPE=IPv6@x',
    'WAPPUSH="bob"/TYPE=URI@x',
    'WAPPUSH=%zz/TYPE=USER@x',
    'WAPPUSH=%ff/TYPE=USER@x',
    `WAPPUSH=${'a'.repeat(3000)}/TYPE=USER@x`,
    `WAPPUSH=a${'/b=c'.repeat(17)}/TYPE=USER@x`,
  ])('rejects %s', (text) => {
    expect(() => parseClientAddress(text)).toThrow(MalformedError);
  });

  it.each([
    { type: 'PLMN', identifier: '358401' },
    { type: 'URI', identifier: 'bob' },
    { type: 'user', identifier: 'bob' },
    { type: 'USER', identifier: 'bob', gateway: 'a/b' },
  ])('does not write %o', (address) => {
    expect(() => formatClientAddress(address)).toThrow(ConfigurationError);
  });

  it('reads what it writes', () => {
    const name = fc.string({ minLength: 1, maxLength: 8 }).filter((text) => !/\p{Cs}/u.test(text));
    fc.assert(
      fc.property(name, fc.array(fc.tuple(name, name), { maxLength: 3 }), (identifier, pairs) => {
        const qualifiers = pairs.length > 0 ? pairs : undefined;
        const address = { type: 'USER', identifier, qualifiers, gateway: 'ppg.example' };
        expect(parseClientAddress(formatClientAddress(address))).toEqual(address);
      }),
    );
  });

  it('reads in linear time what repeats a piece', () => {
    for (const piece of ['/TYPE=A', '@', '/a=b', '"', '%41', '/TYPE=', '=']) {
      const text = `WAPPUSH=${piece.repeat(280)}`;
      expect(() => parseClientAddress(text.slice(0, 2048))).toThrow();
    }
  });
});
