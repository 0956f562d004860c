import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseUri, SipUri } from '../../../core/sip/values/uri.js';

const parse = (text: string): SipUri => {
  const uri = SipUri.parse(text);
  if (!uri) throw new Error(`${text} was refused`);
  return uri;
};

describe('SipUri', () => {
  it('parses every part (RFC 3261 §19.1.1)', () => {
    const uri = parse(
      'SIPS:alice:secret%3A@[2001:db8::1]:5071;Transport=TCP;lr?Subject=a%20b&priority=urgent',
    );
    expect(uri).toMatchObject({
      scheme: 'sips',
      user: 'alice',
      password: 'secret%3A',
      host: '[2001:db8::1]',
      port: 5071,
      headers: 'Subject=a%20b&priority=urgent',
    });
    expect([...uri.parameters]).toEqual([
      ['transport', 'TCP'],
      ['lr', undefined],
    ]);
  });

  it('reads GRUUs (RFC 5627)', () => {
    const pub = parse('sip:user@domain.com;gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6');
    expect(pub.parameters.get('gr')).toBe('urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6');
    const temp = parse('sip:tgruu.7hs==jd7vnzga5w7fajsc7-ajd6fabz0f8g5@domain.com;gr');
    expect(temp.user).toBe('tgruu.7hs==jd7vnzga5w7fajsc7-ajd6fabz0f8g5');
    expect(temp.parameters.has('gr')).toBe(true);
    expect(temp.toString()).toBe('sip:tgruu.7hs==jd7vnzga5w7fajsc7-ajd6fabz0f8g5@domain.com;gr');
  });

  it.each([
    'sip:',
    'sip:@host',
    'sip:a b@host',
    'sip:a@',
    'sip:a@host:',
    'sip:a@host:65536',
    'sip:a@host:x',
    'sip:a@ho st',
    'sip:a@host;',
    'sip:a@host;;lr',
    'sip:a@host;lr;LR',
    'sip:a@host;=x',
    'sip:a@host;x=',
    'sip:a@host?',
    'sip:a@[::1',
    'sip:a@[::g]',
    'sip:a%4@host',
    'sip:"a"@host',
    'sip:a@-host',
    'tel:+1234',
    'sip',
    '<sip:a@b>',
  ])('refuses %s', (text) => {
    expect(SipUri.parse(text)).toBeUndefined();
  });

  // The pairs of RFC 3261 §19.1.4.
  it.each([
    ['sip:%61lice@atlanta.com;transport=TCP', 'sip:alice@AtLanTa.CoM;Transport=tcp'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com;newparam=5'],
    ['sip:carol@chicago.com;security=on', 'sip:carol@chicago.com;newparam=5'],
    [
      'sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com',
      'sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com',
    ],
    [
      'sip:alice@atlanta.com?subject=project%20x&priority=urgent',
      'sip:alice@atlanta.com?priority=urgent&subject=project%20x',
    ],
  ])('%s equals %s', (one, other) => {
    expect(parse(one).equals(parse(other))).toBe(true);
    expect(parse(other).equals(parse(one))).toBe(true);
  });

  it.each([
    ['SIP:ALICE@AtLanTa.CoM;Transport=udp', 'sip:alice@AtLanTa.CoM;Transport=UDP'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:5060'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com;transport=udp'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:6000;transport=tcp'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com?Subject=next%20meeting'],
    ['sip:bob@phone21.boxesbybob.com', 'sip:bob@192.0.2.4'],
    ['sip:carol@chicago.com;security=on', 'sip:carol@chicago.com;security=off'],
    ['sip:a@b', 'sips:a@b'],
    ['sip:a%3Bb@c', 'sip:a;b@c'],
    ['sip:a@b', 'sip:a:@b'],
    ['sip:a@b;maddr=1.2.3.4', 'sip:a@b'],
  ])('%s differs from %s', (one, other) => {
    expect(parse(one).equals(parse(other))).toBe(false);
    expect(parse(other).equals(parse(one))).toBe(false);
  });

  it('returns the address-of-record (RFC 3261 §10.3)', () => {
    expect(parse('sip:%42ob:pw@BILOXI.com:5070;user=phone?a=b').addressOfRecord()).toBe(
      'sip:Bob@biloxi.com:5070',
    );
    expect(parse('sip:a%3bb@c').addressOfRecord()).toBe('sip:a;b@c');
    expect(parse('sip:a%40b@c').addressOfRecord()).toBe('sip:a%40b@c');
    expect(parse('sips:Example.COM').addressOfRecord()).toBe('sips:example.com');
  });

  it('escapes characters of a value that a program sets', () => {
    const uri = new SipUri({
      user: 'jos\u00e9 m;@x',
      password: 'a:b',
      host: 'h.test',
      parameters: [['x', 'a;b c']],
    });
    expect(uri.toString()).toBe('sip:jos%C3%A9%20m;%40x:a%3Ab@h.test;x=a%3Bb%20c');
    expect(parse(uri.toString()).equals(uri)).toBe(true);
  });

  it('reads back what it wrote', () => {
    const word = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,8}[a-z0-9]$/);
    const parts = fc.record(
      {
        scheme: fc.constantFrom('sip' as const, 'sips' as const),
        user: fc.string({ minLength: 1, unit: 'grapheme' }),
        host: fc.oneof(
          word,
          fc.ipV4(),
          fc.ipV6().map((address) => `[${address}]`),
        ),
        port: fc.integer({ min: 0, max: 65535 }),
        parameters: fc.uniqueArray(
          fc.tuple(word, fc.option(fc.string({ minLength: 1, unit: 'grapheme' }), { nil: undefined })),
          { selector: ([name]) => name },
        ),
      },
      { requiredKeys: ['host'] },
    );
    fc.assert(
      fc.property(parts, (original) => {
        const written = new SipUri(original).toString();
        const read = SipUri.parse(written);
        expect(read?.toString()).toBe(written);
        expect(read?.host).toBe(original.host);
        expect(read?.port).toBe(original.port);
        if (original.user !== undefined && !original.user.includes('%')) {
          expect(decodeURIComponent(read?.user ?? '')).toBe(original.user);
        }
        expect([...(read?.parameters.keys() ?? [])]).toEqual(
          (original.parameters ?? []).map(([name]) => name),
        );
      }),
    );
  });

  it('never throws on any text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        SipUri.parse(`sip:${text}`)?.addressOfRecord();
        parseUri(text);
      }),
    );
  });
});

describe('parseUri', () => {
  it('returns other schemes as text', () => {
    expect(parseUri('tel:+1-201-555-0123;phone-context=x')).toEqual({
      scheme: 'tel',
      text: 'tel:+1-201-555-0123;phone-context=x',
    });
    expect(parseUri('SIP:a@b')).toBeInstanceOf(SipUri);
  });

  it.each(['', 'a', ':x', '1a:x', 'tel:', 'tel:a b', 'http://a<b', 'sip:a b'])('refuses %j', (text) => {
    expect(parseUri(text)).toBeUndefined();
  });
});
