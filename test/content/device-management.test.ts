import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type DmTrigger,
  decodeDmNotification,
  dmDigest,
  encodeDmNotification,
  encodeDmTrigger,
  sameDigest,
} from '../../core/content/device-management.js';
import { ConfigurationError, MalformedError } from '../../core/errors.js';
import { fixture, fixtureNames, fromHex, toHex } from './fixture.js';

const ascii = (text: string) => new TextEncoder().encode(text);
const none = '0'.repeat(32);
const own: DmTrigger = {
  version: '1.1',
  uiMode: 'background',
  initiator: 'server',
  sessionId: 0x1234,
  serverId: 'srv1',
};

describe('DM notification', () => {
  it.each<[string, string, DmTrigger]>([
    ['5.3-notification', 'a011dde5ee84aec2d4e61c65392ff0f1', own],
    [
      '5.3-notification-of-1.2',
      none,
      {
        version: '1.2',
        uiMode: 'user-interaction',
        initiator: 'server',
        sessionId: 1,
        serverId: 'srv1',
        body: fromHex('c0ffee'),
      },
    ],
    [
      '5.3-notification-all-zero',
      none,
      { version: '1.2', uiMode: 'not-specified', initiator: 'client', sessionId: 0, serverId: 's' },
    ],
  ])('decodes and encodes %s', (name, digest, meaning) => {
    const octets = fixture('valid', name);
    const trigger = octets.subarray(16);
    expect(decodeDmNotification(octets)).toEqual({ ...meaning, digest: fromHex(digest), trigger });
    expect(toHex(encodeDmTrigger(meaning))).toBe(toHex(trigger));
    expect(toHex(encodeDmNotification(fromHex(digest), encodeDmTrigger(meaning)))).toBe(toHex(octets));
  });

  it('ignores the reserved bits, which the digest covers', () => {
    const octets = fixture('valid', '5.3-notification');
    octets.set([0xdf, 0xff, 0xff, 0xff], 17);
    const notification = decodeDmNotification(octets);
    expect(notification).toMatchObject(own);
    expect(toHex(notification.trigger)).toBe('02dfffffff12340473727631');
  });

  it.each(fixtureNames('broken', '5.1'))('%s is malformed', (name) => {
    expect(() => decodeDmNotification(fixture('broken', name))).toThrow(MalformedError);
  });

  it.each(['5.3-notification', '5.3-notification-all-zero'])(
    '%s, truncated at any offset, is malformed',
    (name) => {
      const octets = fixture('valid', name);
      for (let length = 0; length < octets.length; length += 1) {
        expect(() => decodeDmNotification(octets.subarray(0, length)), `truncated to ${length}`).toThrow(
          MalformedError,
        );
      }
    },
  );

  it('reports the field, its offset and what was expected', () => {
    expect(() => decodeDmNotification(fixture('broken', '5.1-server-id-of-0-octets'))).toThrow(
      'DM notification: length of the server id at offset 23: expected 1 to 255, found octet 00',
    );
  });

  it('reads back what it writes', () => {
    const triggers: fc.Arbitrary<DmTrigger> = fc.record(
      {
        version: fc.nat(1023).map((tenths) => (tenths / 10).toFixed(1)),
        uiMode: fc.constantFrom('not-specified', 'background', 'informative', 'user-interaction'),
        initiator: fc.constantFrom('client', 'server'),
        sessionId: fc.nat(0xffff),
        serverId: fc.string({ unit: 'grapheme-composite', minLength: 1, maxLength: 20 }),
        body: fc.uint8Array({ minLength: 1, maxLength: 40 }),
      },
      { requiredKeys: ['version', 'uiMode', 'initiator', 'sessionId', 'serverId'] },
    );
    fc.assert(
      fc.property(triggers, fc.uint8Array({ minLength: 16, maxLength: 16 }), (original, digest) => {
        fc.pre(ascii(original.serverId).length <= 255);
        const trigger = encodeDmTrigger(original);
        expect(decodeDmNotification(encodeDmNotification(digest, trigger))).toEqual({
          ...original,
          digest,
          trigger,
        });
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['an invalid version', { version: '1' }],
    ['a version that is too large', { version: '102.4' }],
    ['a session id that is too large', { sessionId: 65_536 }],
    ['an empty server id', { serverId: '' }],
    ['a server id of 256 octets', { serverId: 'é'.repeat(128) }],
  ])('refuses to write %s', (_name, change) => {
    expect(() => encodeDmTrigger({ ...own, ...change })).toThrow(ConfigurationError);
  });

  it('refuses to write a digest of another length', () => {
    expect(() => encodeDmNotification(new Uint8Array(15), encodeDmTrigger(own))).toThrow(ConfigurationError);
  });
});

describe('the digest of a DM notification', () => {
  const trigger = fromHex('02d800000012340473727631');

  it.each([
    ['octets 01 to 08', fromHex('0102030405060708'), 'a011dde5ee84aec2d4e61c65392ff0f1'],
    ['the text 0x00000000', ascii('0x00000000'), '0d3b8f2e1a241a96138e99f2a486c7b6'],
    ['four zero octets', new Uint8Array(4), 'a01843a6ca9240827b3ea4cb3c649651'],
  ])('with a nonce of %s', (_name, nonce, digest) => {
    expect(toHex(dmDigest({ serverId: 'srv1', password: 'secret', nonce }, trigger))).toBe(digest);
  });

  it('matches the notification of the server', () => {
    const { serverId, digest, trigger } = decodeDmNotification(fixture('valid', '5.3-notification'));
    const secret = { serverId, password: 'secret', nonce: fromHex('0102030405060708') };
    expect(sameDigest(dmDigest(secret, trigger), digest)).toBe(true);
    expect(sameDigest(dmDigest({ ...secret, password: 'Secret' }, trigger), digest)).toBe(false);
    expect(sameDigest(digest.subarray(1), digest)).toBe(false);
    expect(sameDigest(digest, digest.subarray(1))).toBe(false);
  });
});
