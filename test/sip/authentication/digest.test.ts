import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  answerChallenge,
  type DigestInput,
  type DigestOptions,
  digestResponse,
  parseAlgorithm,
  parseAuthParameters,
} from '../../../core/sip/authentication/digest.js';
import { NO_BODY } from '../../../core/sip/message/message.js';

const algorithm = (name: string) => {
  const parsed = parseAlgorithm(name);
  if (!parsed) throw new Error(name);
  return parsed;
};

function answer(challenges: string[], options: Partial<DigestOptions> = {}): Map<string, string> | undefined {
  const header = answerChallenge(challenges, {
    username: 'Mufasa',
    password: 'Circle of Life',
    method: 'REGISTER',
    uri: 'sip:domain.com',
    body: NO_BODY,
    nonces: new Map(),
    ...options,
  });
  const [credentials] = header === undefined ? [] : (parseAuthParameters(header) ?? []);
  return credentials?.parameters;
}

describe('digestResponse', () => {
  // RFC 7616 3.9.1.
  const common = {
    username: 'Mufasa',
    realm: 'http-auth@example.org',
    password: 'Circle of Life',
    nonce: '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v',
    method: 'GET',
    uri: '/dir/index.html',
    qop: 'auth' as const,
    nc: '00000001',
    cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
    body: NO_BODY,
  };

  it('RFC 7616 3.9.1: MD5', () => {
    expect(digestResponse({ ...common, algorithm: algorithm('MD5') })).toBe(
      '8ca523f5e9506fed4657c9700eebdbec',
    );
  });

  it('RFC 7616 3.9.1: SHA-256', () => {
    expect(digestResponse({ ...common, algorithm: algorithm('SHA-256') })).toBe(
      '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1',
    );
  });

  // The response in the RFC uses truncated SHA-512; erratum 4897 corrects it to SHA-512/256.
  it('RFC 7616 3.9.2 (erratum 4897): SHA-512-256 and a user name in UTF-8', () => {
    const input: DigestInput = {
      algorithm: algorithm('SHA-512-256'),
      username: 'J\u00e4s\u00f8n Doe',
      realm: 'api@example.org',
      password: 'Secret, or not?',
      nonce: '5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK',
      method: 'GET',
      uri: '/doe.json',
      qop: 'auth',
      nc: '00000001',
      cnonce: 'NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v',
      body: NO_BODY,
    };
    expect(digestResponse(input)).toBe('3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5');
  });

  // RFC 2617 3.5.
  it('RFC 2617 3.5: qop auth', () => {
    const input: DigestInput = {
      algorithm: algorithm('md5'),
      username: 'Mufasa',
      realm: 'testrealm@host.com',
      password: 'Circle Of Life',
      nonce: 'dcd98b7102dd2f0e8b11d0f600bfb0c093',
      method: 'GET',
      uri: '/dir/index.html',
      qop: 'auth',
      nc: '00000001',
      cnonce: '0a4f113b',
      body: NO_BODY,
    };
    expect(digestResponse(input)).toBe('6629fae49393a05397450978507c4ef1');
    const { qop: _qop, nc: _nc, cnonce: _cnonce, ...old } = input;
    // The same challenge without qop, computed according to RFC 2069.
    expect(digestResponse(old)).toBe('670fd8c2df070c60b045671b8b24ff02');
  });

  it('auth-int hashes the bytes of the body', () => {
    const input = { ...common, algorithm: algorithm('MD5'), qop: 'auth-int' as const };
    const one = digestResponse({ ...input, body: Uint8Array.of(0, 0xff, 0x80) });
    expect(one).not.toBe(digestResponse({ ...input, body: Uint8Array.of(0, 0xff, 0x81) }));
    expect(one).not.toBe(digestResponse({ ...common, algorithm: algorithm('MD5') }));
  });
});

describe('answerChallenge', () => {
  it('answers the strongest algorithm, whatever the order (RFC 8760)', () => {
    const realm = 'realm="r", nonce="n", qop="auth"';
    const chosen = (...names: string[]) =>
      answer(names.map((name) => `Digest ${realm}, algorithm=${name}`))?.get('algorithm');
    expect(chosen('MD5', 'SHA-256')).toBe('SHA-256');
    expect(chosen('SHA-512-256', 'SHA-256', 'MD5')).toBe('SHA-512-256');
    expect(chosen('md5', 'sha-256-SESS')).toBe('sha-256-SESS');
    expect(chosen('AKAv1-MD5', 'MD5')).toBe('MD5');
  });

  it('skips unknown schemes, algorithms and qops', () => {
    expect(answer(['Basic realm="r"', 'NoOneKnowsThisScheme opaque-data=here', 'Negotiate'])).toBeUndefined();
    expect(answer(['Digest realm="r", nonce="n", algorithm=SHA-1'])).toBeUndefined();
    expect(answer(['Digest realm="r", nonce="n", qop="token"'])).toBeUndefined();
    expect(answer(['Digest realm="r"'])).toBeUndefined();
    expect(answer(['Digest nonce="n"'])).toBeUndefined();
    expect(answer(['Digest realm="r, nonce="n"', ''])).toBeUndefined();
    expect(answer(['Basic realm="r"', 'Digest realm="r", nonce="n"'])?.get('nonce')).toBe('n');
  });

  it('reads several challenges of one line', () => {
    expect(
      answer(['Basic realm="x", Digest realm = "r, s", nonce="n",algorithm=SHA-256, NewAuth a=b'])?.get(
        'realm',
      ),
    ).toBe('r, s');
  });

  it('returns realm, nonce and opaque unchanged, with escaped quotes', () => {
    const challenge =
      'Digest realm="a \\"quoted\\\\ realm\\"", nonce="n\\"1", opaque="", qop="auth-int , AUTH"';
    const parameters = answer([challenge], { username: 'j\u00e4s"on' });
    expect(parameters?.get('realm')).toBe('a "quoted\\ realm"');
    expect(parameters?.get('nonce')).toBe('n"1');
    expect(parameters?.get('opaque')).toBe('');
    expect(parameters?.get('username')).toBe('j\u00e4s"on');
    expect(parameters?.get('qop')).toBe('auth');
    expect(parameters?.get('uri')).toBe('sip:domain.com');
  });

  it('writes tokens without quotes', () => {
    const header = answerChallenge(['Digest realm="r", nonce="n", qop="auth", algorithm=MD5'], {
      username: 'u',
      password: 'p',
      method: 'REGISTER',
      uri: 'sip:domain.com',
      body: NO_BODY,
      nonces: new Map(),
    });
    expect(header).toMatch(
      /^Digest username="u", realm="r", nonce="n", uri="sip:domain.com", response="[0-9a-f]{32}", qop=auth, nc=00000001, cnonce="[0-9a-f]{32}", algorithm=MD5$/,
    );
  });

  it('counts the uses of each nonce', () => {
    const nonces = new Map<string, number>();
    const count = (nonce: string) =>
      answer([`Digest realm="r", nonce="${nonce}", qop="auth"`], { nonces })?.get('nc');
    expect([count('a'), count('a'), count('b'), count('a')]).toEqual([
      '00000001',
      '00000002',
      '00000001',
      '00000003',
    ]);
  });

  it('answers with auth-int if nothing else is offered', () => {
    const parameters = answer(['Digest realm="r", nonce="n", qop="auth-int"'], {
      body: Uint8Array.of(1, 2, 3),
    });
    expect(parameters?.get('qop')).toBe('auth-int');
    expect(parameters?.get('response')).toBe(
      digestResponse({
        algorithm: algorithm('MD5'),
        username: 'Mufasa',
        realm: 'r',
        password: 'Circle of Life',
        nonce: 'n',
        method: 'REGISTER',
        uri: 'sip:domain.com',
        qop: 'auth-int',
        nc: '00000001',
        cnonce: parameters?.get('cnonce') ?? '',
        body: Uint8Array.of(1, 2, 3),
      }),
    );
  });

  it('answers a challenge without qop by RFC 2069, and a session algorithm with its cnonce', () => {
    expect(answer(['Digest realm="r", nonce="n"'])?.has('cnonce')).toBe(false);
    expect(answer(['Digest realm="r", nonce="n", algorithm=MD5-sess'])?.get('cnonce')).toMatch(
      /^[0-9a-f]{32}$/,
    );
  });

  it('never throws on a challenge', () => {
    fc.assert(
      fc.property(
        fc.string(),
        (text) => void answer([text, `Digest ${text}`, `Digest realm="r", nonce="${text}`]),
      ),
    );
  });
});
