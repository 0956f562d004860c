import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MsrpUri, parsePath } from '../../core/msrp/frames/uri.js';

function parsed(text: string): MsrpUri {
  const uri = MsrpUri.parse(text);
  if (!uri) throw new Error(`not read: ${text}`);
  return uri;
}

describe('MSRP URIs (RFC 4975 §6)', () => {
  it('are parsed', () => {
    expect(parsed('msrps://bob@[2001:db8::1]:8888/9di4/ea=+e;WS;a;B=c')).toEqual(
      new MsrpUri({
        scheme: 'msrps',
        user: 'bob',
        host: '[2001:db8::1]',
        port: 8888,
        sessionId: '9di4/ea=+e',
        transport: 'ws',
        parameters: [
          ['a', undefined],
          ['b', 'c'],
        ],
      }),
    );
    expect(parsed('MSRP://relay.example.com;tcp')).toEqual(new MsrpUri({ host: 'relay.example.com' }));
  });

  it.each([
    'msrp://bob.example.com:8888/9di4eae923wzd;tcp',
    'msrps://alice@intra.example.com;tcp',
    'msrp://u%20s:p;w@h:0/s@x:y,z;ws;q=1;r',
    'msrp://df7jal23ls0d.invalid:2855/98cjs;ws',
    'msrp://127.0.0.1:65535/a;tcp',
    'msrp://[::ffff:1.2.3.4]:1/a;sctp',
  ])('%s survives a round trip', (text) => {
    expect(parsed(text).toString()).toBe(text);
  });

  it.each([
    ...[
      '',
      'msrp:',
      'msrp://',
      'msrp://;tcp',
      'msrp://a',
      'msrp://a;',
      'msrp://a/b',
      'msrp:a;tcp',
      'sip:a@b',
      '*',
    ],
    ...[
      'msrp://a:;tcp',
      'msrp://a:65536;tcp',
      'msrp://a:-1;tcp',
      'msrp://a:1x;tcp',
      'msrp://a/;tcp',
      'msrp://@a;tcp',
    ],
    ...[
      'msrp://a b;tcp',
      'msrp://a;tcp;',
      'msrp://a;tcp;=b',
      'msrp://a;tcp;b=',
      'msrp://a;tcp;b=1;B=2',
      'msrp://a;t-p',
    ],
    ...[
      'msrp://[::1;tcp',
      'msrp://[]:1;tcp',
      'msrp://a/b%2;tcp',
      'msrp://ü;tcp',
      'msrp://a;tcp\r\n',
      ' msrp://a;tcp',
    ],
    `msrp://${'a'.repeat(2048)};tcp`,
  ])('rejects %j', (text) => {
    expect(MsrpUri.parse(text)).toBeUndefined();
  });

  it('survive a round trip, if any text is one', () => {
    const texts = fc.array(
      fc.constantFrom('msrp://', 'a', ':', '1', '/', ';', 'tcp', '@', '=', '[', ']', '%4', '.'),
    );
    fc.assert(
      fc.property(texts, (pieces) => {
        const uri = MsrpUri.parse(`msrp://${pieces.join('')}`);
        if (uri) expect(MsrpUri.parse(uri.toString())).toEqual(uri);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('paths', () => {
  const text = 'msrps://a.example:2855/1;tcp msrp://b.example/2;ws';

  it('are lists of URIs', () => {
    const path = parsePath(text);
    expect(path?.map(String)).toEqual(text.split(' '));
    expect(parsePath(text.replace(' ', ' \t '))?.length).toBe(2);
  });

  it.each(['', ' ', 'msrp://a;tcp ', `${text} sip:c`, text.replace(' ', ',')])('rejects %j', (wrong) => {
    expect(parsePath(wrong)).toBeUndefined();
  });
});
