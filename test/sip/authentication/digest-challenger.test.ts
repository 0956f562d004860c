import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { answerChallenge, type NonceState } from '../../../core/sip/authentication/digest.js';
import {
  DigestChallenger,
  type DigestChallengerOptions,
} from '../../../core/sip/authentication/digest-challenger.js';

const BODY = Uint8Array.of(0, 1, 0xff);
const REQUEST = { method: 'MESSAGE', uri: 'sip:bob@domain.test', body: BODY };
const passwordFor = (username: string) => (username === 'alice "ä"' ? 'secret' : undefined);

function setUp(options: Partial<DigestChallengerOptions> = {}) {
  const clock = { now: 1_000_000 };
  const challenger = new DigestChallenger({ realm: 'domain "test"', now: () => clock.now, ...options });
  const nonces: NonceState = new Map();
  const answer = (challenges: string[], password = 'secret', username = 'alice "ä"') => {
    const header = answerChallenge(challenges, { ...REQUEST, username, password, nonces });
    if (header === undefined) throw new Error('no answer');
    return header;
  };
  const verify = (header: string, request = REQUEST) => challenger.verify(header, request, passwordFor);
  return { clock, challenger, answer, verify };
}

describe('DigestChallenger', () => {
  it('challenges with SHA-256 first, then MD5, one nonce for both (RFC 8760)', () => {
    const challenges = setUp().challenger.challenge();
    expect(challenges).toHaveLength(2);
    const nonces = challenges.map((challenge) => /nonce="([0-9a-f]{32})"/.exec(challenge)?.[1]);
    expect(nonces[0]).toBe(nonces[1]);
    expect(challenges[0]).toMatch(
      /^Digest realm="domain \\"test\\"", .*algorithm=SHA-256, qop="auth,auth-int"$/,
    );
    expect(challenges[1]).toMatch(/algorithm=MD5/);
    expect(setUp().challenger.challenge(true)[0]).toMatch(/, stale=true$/);
  });

  it.each(['sha-512-256', 'sha-256', 'md5'] as const)(
    'accepts the correct response by %s, and rejects a wrong one',
    (algorithm) => {
      const { challenger, answer, verify } = setUp({ algorithms: [algorithm] });
      const challenges = challenger.challenge();
      expect(verify(answer(challenges))).toEqual({ ok: true, username: 'alice "ä"' });
      expect(verify(answer(challenges, 'wrong'))).toEqual({ ok: false, stale: false });
      expect(verify(answer(challenges, 'secret', 'mallory'))).toEqual({ ok: false, stale: false });
    },
  );

  it('accepts session algorithms and auth-int', () => {
    const { challenger, answer, verify } = setUp();
    const challenges = challenger.challenge();
    const other = (from: string, to: string) => challenges.map((challenge) => challenge.replace(from, to));
    expect(verify(answer(other('algorithm=SHA-256', 'algorithm=SHA-256-sess'))).ok).toBe(true);
    const integrity = answer(other('"auth,auth-int"', '"auth-int"'));
    expect(verify(integrity, { ...REQUEST, body: Uint8Array.of(9) }).ok).toBe(false);
    expect(verify(integrity).ok).toBe(true);
  });

  it('is bound to method, URI and realm', () => {
    const { challenger, answer, verify } = setUp();
    const header = answer(challenger.challenge());
    expect(verify(header, { ...REQUEST, method: 'INVITE' }).ok).toBe(false);
    expect(verify(header, { ...REQUEST, uri: 'sip:eve@domain.test' }).ok).toBe(false);
    expect(setUp({ realm: 'other' }).verify(header).ok).toBe(false);
    expect(verify(header).ok).toBe(true);
  });

  it('accepts each count once, in any order (RFC 7616 §3.4)', () => {
    const { challenger, answer, verify } = setUp();
    const challenges = challenger.challenge();
    const headers = Array.from({ length: 40 }, () => answer(challenges));
    const at = (index: number) => verify(headers[index] ?? '');
    expect(at(0).ok).toBe(true);
    expect(at(0)).toEqual({ ok: false, stale: true });
    expect(at(3).ok).toBe(true);
    expect(at(1).ok).toBe(true);
    expect(at(1)).toEqual({ ok: false, stale: true });
    expect(at(39).ok).toBe(true);
    // Too far behind to be stored.
    expect(at(2)).toEqual({ ok: false, stale: true });
    expect(at(38).ok).toBe(true);
    expect(at(38).ok).toBe(false);
  });

  it('reports the right password with an old or unknown nonce as stale', () => {
    const { clock, challenger, answer, verify } = setUp();
    const header = answer(challenger.challenge());
    clock.now += 300_000;
    expect(verify(header)).toEqual({ ok: false, stale: true });
    expect(setUp().verify(header)).toEqual({ ok: false, stale: true });
    expect(verify(answer(challenger.challenge(true))).ok).toBe(true);
  });

  it('limits the stored nonces, and drops the oldest first', () => {
    const { challenger, answer, verify } = setUp();
    const first = answer(challenger.challenge());
    const second = answer(challenger.challenge());
    for (let count = 0; count < 9999; count++) challenger.challenge();
    expect(verify(first)).toEqual({ ok: false, stale: true });
    expect(verify(second).ok).toBe(true);
  });

  it('refuses answers without qop, with another scheme, or malformed', () => {
    const { challenger, answer, verify } = setUp();
    const header = answer(challenger.challenge());
    for (const broken of [
      '',
      'Digest',
      'Basic YTpi',
      header.replace('qop=auth, ', ''),
      header.replace('nc=00000001', 'nc=1'),
      header.replace(/cnonce="[^"]*", /, ''),
      header.replace('algorithm=SHA-256', 'algorithm=SHA-512-256'),
      header.replace('username=', 'user='),
      `${header}, nonce="twice"`,
      `${header}, Digest realm="x"`,
    ]) {
      expect(verify(broken)).toEqual({ ok: false, stale: false });
    }
  });

  it('never throws on credentials', () => {
    const { verify } = setUp();
    fc.assert(fc.property(fc.string(), (text) => verify(`Digest ${text}`).ok === false && !verify(text).ok));
  });
});
