import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NameAddr, parseNameAddr, parseNameAddrs } from '../../../core/sip/values/name-addr.js';
import { Parameters, parseParameters } from '../../../core/sip/values/parameters.js';

const parse = (text: string): NameAddr => {
  const parsed = parseNameAddr(text);
  if (!parsed) throw new Error(`${text} was refused`);
  return parsed;
};

describe('parseNameAddr', () => {
  it('reads the forms of RFC 3261 20.10', () => {
    expect(parse('"Mr. Watson" <sip:watson@worcester.bell-telephone.com>;q=0.7; expires=3600')).toMatchObject(
      {
        displayName: 'Mr. Watson',
        uri: 'sip:watson@worcester.bell-telephone.com',
      },
    );
    expect(parse('sip:+12125551212@server.phone2net.com;tag=887s')).toMatchObject({
      uri: 'sip:+12125551212@server.phone2net.com',
      tag: '887s',
    });
    expect(parse('<mailto:watson@bell-telephone.com>').uri).toBe('mailto:watson@bell-telephone.com');
    expect(parse('tel:+1-201-555-0123').uri).toBe('tel:+1-201-555-0123');
    expect(parse('Anonymous <sip:c8oqz84zk7z@privacy.org>;tag=hyh8').displayName).toBe('Anonymous');
    expect(parse('"" <sip:a@b>').displayName).toBe('');
  });

  it('distinguishes parameters of the URI from those of the header', () => {
    const inside = parse('<sip:a@b;tag=1>');
    expect(inside.uri).toBe('sip:a@b;tag=1');
    expect(inside.tag).toBeUndefined();
    expect(parse('sip:a@b;tag=1').tag).toBe('1');
  });

  it('finds a bracket in a parameter of an addr-spec', () => {
    const parsed = parse('sip:bob@host;+sip.instance="<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>"');
    expect(parsed.uri).toBe('sip:bob@host');
    expect(parsed.parameters.get('+sip.instance')).toBe('<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>');
  });

  // OMA-TS-SIP_Push appendix B, as printed.
  it.each([
    ['B.1', '<sip:psa.domain.com;tag=27182>', 'sip:psa.domain.com;tag=27182'],
    ['B.2', 'sip:psa@domain.com', 'sip:psa@domain.com'],
    ['B.2', '<sip:user@domain.com>;gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6', 'sip:user@domain.com'],
    [
      'B.3',
      '"Bob" <sip:user@domain.com;tag=456248 ;gr= urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>',
      'sip:user@domain.com;tag=456248;gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6',
    ],
    ['B.4', '<sip:user@domain.com;gr=urn:uuid:f81d4fae>;', 'sip:user@domain.com;gr=urn:uuid:f81d4fae'],
    ['D', 'sip:user1@domain.com;tag=49583', 'sip:user1@domain.com'],
  ])('accepts the spelling of the sample flows, %s: %s', (_section, text, uri) => {
    expect(parse(text).uri).toBe(uri);
  });

  it('accepts the Contact of the sample flows, with commas and a space instead of semicolons (B.1)', () => {
    const contacts = parseNameAddrs([
      '<sip:user@192.0.2.4>;+sip.instance="<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>" ' +
        '+g.3gpp.icsi-ref="urn%3Aurn-7%3A3gpp-service.ims.icsi.omapush", ' +
        '+g.oma.pusheventapp="wml.ua,mms.ua,wv.ua,loc.ua, syncml.dm"',
      '<sip:other@192.0.2.5>',
    ]);
    expect(contacts).toHaveLength(2);
    expect([...(contacts?.[0]?.parameters.entries() ?? [])].map(([name]) => name)).toEqual([
      '+sip.instance',
      '+g.3gpp.icsi-ref',
      '+g.oma.pusheventapp',
    ]);
    expect(contacts?.[0]?.parameters.get('+g.oma.pusheventapp')).toBe(
      'wml.ua,mms.ua,wv.ua,loc.ua, syncml.dm',
    );
  });

  it.each([
    '',
    '*',
    'user@domain.com',
    'Bell, Alexander <sip:a@b>',
    '"open <sip:a@b>',
    '<sip:a@b',
    '"x" sip:a@b',
    '<a@b>',
    '<sip:a@b> tag=1',
    'sip:a@b?x=y',
    'sip:a,b@c',
    '<sip:a@b>;tag=1;tag=2',
    '<sip:a@b>;;',
    '<sip:a@b>;"x"=1',
    '<sip:a@b>;x=',
    '<sip:a@b>;x="open',
    'a:b <sip:a@b>',
  ])('refuses %j', (text) => {
    expect(parseNameAddr(text)).toBeUndefined();
  });

  it('reads back what it wrote', () => {
    const name = fc.option(fc.string({ unit: 'binary' }), { nil: undefined });
    const parameters = fc.uniqueArray(
      fc.tuple(
        fc.stringMatching(/^[a-z][a-z0-9.-]{0,9}$/),
        fc.option(fc.string({ unit: 'grapheme' }), { nil: undefined }),
      ),
      { selector: ([key]) => key },
    );
    fc.assert(
      fc.property(name, parameters, (displayName, original) => {
        const written = new NameAddr('sip:a@b;lr', new Parameters(), displayName);
        for (const [key, value] of original) written.parameters.set(key, value);
        const read = parse(`${written}`);
        expect(read.uri).toBe('sip:a@b;lr');
        expect(read.displayName ?? '').toBe((displayName ?? '').replace(/[\r\n]/g, ' '));
        expect(`${read}`).toBe(`${written}`);
        for (const [key, value] of original) {
          expect(read.parameters.get(key)).toBe((value ?? '').replace(/[\r\n]/g, ' '));
        }
      }),
    );
  });

  it('never throws, and stays linear on hostile text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        parseNameAddr(text);
        parseNameAddrs([text]);
        parseNameAddr(`<sip:a@b>${text}`);
      }),
    );
    // Quadratic time would exceed the deadline of the test.
    for (const unit of [' ', '<', '"', '\\', ';', ',', '=', ';a=', '"<', '<sip:']) {
      parseNameAddrs([unit.repeat(300_000)]);
      parseNameAddr(`<sip:a@b>${unit.repeat(300_000)}`);
    }
  });
});

describe('Parameters', () => {
  it('keeps values as written and returns them unquoted', () => {
    const parameters = parseParameters(';A="x\\"y" ; b = c;flag;h=[::1]', 0);
    expect(parameters?.get('a')).toBe('x"y');
    expect(parameters?.raw('a')).toBe('"x\\"y"');
    expect(parameters?.get('B')).toBe('c');
    expect(parameters?.get('flag')).toBe('');
    expect(parameters?.raw('flag')).toBeUndefined();
    expect(parameters?.get('missing')).toBeUndefined();
    expect(`${parameters}`).toBe(';A="x\\"y";b=c;flag;h=[::1]');
  });

  it('quotes values that are not tokens', () => {
    expect(`${new Parameters().set('a', 'x y').set('b', 'token').set('c', '').set('d', '[::1]')}`).toBe(
      ';a="x y";b=token;c="";d=[::1]',
    );
  });

  it('is strict by default', () => {
    for (const text of [';a;', ';a="x" +b', ';a,+b']) {
      expect(parseParameters(text, 0)).toBeUndefined();
      expect(parseParameters(text, 0, true)).toBeDefined();
    }
  });
});
