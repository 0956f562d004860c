/** AUTH: requests a URI of a relay (RFC 4976 §5.1). */

import { afterEach, describe, expect, it, vi } from 'vitest';
import { ConfigurationError, TransportError } from '../../core/errors.js';
import { MsrpRelay } from '../../core/msrp/index.js';
import { digestAnswers } from '../../core/sip/authentication/challenge-answers.js';
import { DigestChallenger } from '../../core/sip/authentication/digest-challenger.js';
import { LOCAL_ADDRESS, ScriptedRelay } from '../support/msrp/scripted-relay.js';
import type { Closing } from '../support/msrp/sessions.js';

const closing: Closing = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function opening(options: Parameters<ScriptedRelay['client']>[1] = {}) {
  const relay = await ScriptedRelay.open(closing);
  const client = relay.client(closing, options);
  const open = () => {
    const opened = client.open(LOCAL_ADDRESS, {});
    opened.catch(() => {});
    return opened;
  };
  const opened = open();
  const link = await relay.accept(closing);
  return { relay, client, open, opened, link };
}

describe('AUTH', () => {
  it('is sent for the URI of the session; the granted URIs precede it in the path (RFC 4976 §5.1)', async () => {
    const { relay, opened, link } = await opening();
    const request = await link.auth();
    expect(request.toPath).toEqual([relay.uri]);
    expect(request.fromPath).toEqual([expect.stringMatching(/^msrp:\/\/192\.0\.2\.7:9\/[!-~]{16,};tcp$/)]);
    expect(request.headers.get('Expires')).toBe('3600');
    expect(request.headers.has('Authorization')).toBe(false);
    const granted = link.grant(request);
    const session = await opened;
    expect(session.localPath).toEqual([granted, session.localUri]);
    expect(request.fromPath).toEqual([session.localUri]);
  });

  it('reverses a Use-Path of several relays for the SDP (RFC 4976 §5.1)', async () => {
    const { opened, link } = await opening();
    const near = 'msrps://intra.domain.test:9000/near;tcp';
    const far = 'msrps://extra.domain.test:9000/far;tcp';
    link.grant(await link.auth(), `${near} ${far}`);
    const session = await opened;
    expect(session.localPath).toEqual([far, near, session.localUri]);

    session.remotePath = ['msrp://192.0.2.1:9/their-relay;tcp', 'msrp://192.0.2.2:9/they;tcp'];
    session.introduce();
    const { toPath, fromPath } = await link.peer.nextRequest();
    expect(toPath).toEqual([near, far, ...session.remotePath]);
    expect(fromPath).toEqual([session.localUri]);
  });

  it.for([
    ['MD5', 'md5'],
    ['SHA-256', 'sha-256'],
  ] as const)('9.1: a challenge is answered with the right digest, by %s', async ([, algorithm]) => {
    const challenger = new DigestChallenger({ realm: 'domain.test', algorithms: [algorithm] });
    const credentials = { username: 'bob', password: 'bob-password' };
    const { relay, opened, link } = await opening({
      answerChallenges: digestAnswers(credentials, 'AUTH'),
    });
    link.challenge(await link.auth(), challenger.challenge()[0]);
    const answered = await link.auth();
    const authorization = answered.headers.get('Authorization') ?? '';
    const request = { method: 'AUTH', uri: relay.uri, body: new Uint8Array(0) };
    expect(challenger.verify(authorization, request, () => credentials.password)).toEqual({
      ok: true,
      username: 'bob',
    });
    link.grant(answered);
    await opened;
  });

  it('answers the last challenge in advance, with the next nonce count (RFC 4976 §9.1)', async () => {
    const answerChallenges = digestAnswers({ username: 'bob', password: 'x' }, 'AUTH');
    const { opened, open, link } = await opening({ answerChallenges });
    link.challenge(await link.auth(), 'Digest realm="r", nonce="n", qop="auth"');
    const first = await link.auth();
    link.grant(first);
    await opened;
    const second = open();
    const unasked = await link.auth();
    expect(first.headers.get('Authorization')).toContain('nc=00000001');
    expect(unasked.headers.get('Authorization')).toContain('nc=00000002');
    link.grant(unasked);
    expect((await second).localPath).toHaveLength(2);
  });

  it('answers the new challenge for a stale nonce', async () => {
    const { opened, open, link } = await opening();
    link.challenge(await link.auth());
    link.grant(await link.auth());
    await opened;
    const second = open();
    link.challenge(await link.auth(), 'Digest realm="r", nonce="2", stale=true');
    const renewed = await link.auth();
    expect(renewed.headers.get('Authorization')).toContain('nonce="2"');
    // The nonce can become stale in transit.
    link.challenge(renewed, 'Digest realm="r", nonce="3", stale="TRUE"');
    link.grant(await link.auth());
    await second;
  });

  it('fails for a second challenge; the next session starts without credentials', async () => {
    const { relay, opened, open, link } = await opening();
    link.challenge(await link.auth());
    link.challenge(await link.auth(), 'Digest realm="r", nonce="2"');
    await expect(opened).rejects.toThrow(ConfigurationError);
    await expect(opened).rejects.toThrow(`${relay.uri} refused the username or password: 401 Because`);
    const again = open();
    const request = await link.auth();
    expect(request.headers.has('Authorization')).toBe(false);
    link.grant(request);
    await again;
  });

  it('fails on a 403', async () => {
    const { opened, link } = await opening();
    link.answer(await link.auth(), 403);
    await expect(opened).rejects.toThrow(ConfigurationError);
  });

  it('fails on a challenge without credentials', async () => {
    const { opened, link } = await opening({ answerChallenges: digestAnswers(undefined, 'AUTH') });
    link.challenge(await link.auth());
    await expect(opened).rejects.toThrow(ConfigurationError);
    await expect(opened).rejects.toThrow('requires a username and password');
  });

  it('requests the lifetime that a 423 allows, and keeps it for the next session (RFC 4976 §4.6)', async () => {
    const { opened, open, link } = await opening();
    link.answer(await link.auth(), 423, { 'Max-Expires': '600' });
    const shorter = await link.auth();
    expect(shorter.headers.get('Expires')).toBe('600');
    link.answer(shorter, 423, { 'Min-Expires': '900' });
    const longer = await link.auth();
    expect(longer.headers.get('Expires')).toBe('900');
    link.grant(longer);
    await opened;
    const second = open();
    const next = await link.auth();
    expect(next.headers.get('Expires')).toBe('900');
    link.grant(next);
    await second;
  });

  it.for([
    ['a 423 without bounds', 423, {}],
    ['a 423 whose bounds allow the requested lifetime', 423, { 'Max-Expires': '4000', 'Min-Expires': '1' }],
    ['a 423 with invalid bounds', 423, { 'Max-Expires': 'soon' }],
    ['500', 500, {}],
    ['a 200 without Use-Path', 200, {}],
    ['an invalid Use-Path', 200, { 'Use-Path': 'sip:relay.domain.test' }],
    ['a Use-Path that is too long', 200, { 'Use-Path': 'msrp://192.0.2.1:1/a;tcp '.repeat(20).trimEnd() }],
  ] as const)('%s: the relay is temporarily unavailable', async ([, status, headers]) => {
    const { opened, link } = await opening();
    link.answer(await link.auth(), status, headers);
    await expect(opened).rejects.toThrow(TransportError);
  });

  it('fails after several challenges in a row', async () => {
    const { opened, link } = await opening();
    for (let attempt = 0; attempt < 6; attempt++) {
      link.challenge(await link.auth(), `Digest realm="r", nonce="${attempt}", stale=true`);
    }
    await expect(opened).rejects.toThrow('challenges in a row');
  });

  it('sends one AUTH at a time (RFC 4976 §9.1)', async () => {
    const { open, opened, link } = await opening();
    const others = [open(), open()];
    const first = await link.auth();
    // The other two wait: the next request answers a challenge.
    link.challenge(first);
    const next = await link.auth();
    expect(next.fromPath).toEqual(first.fromPath);
    link.grant(next);
    const sessions = [await opened];
    for (const other of others) {
      link.grant(await link.auth());
      sessions.push(await other);
    }
    expect(new Set(sessions.flatMap(({ localPath }) => localPath)).size).toBe(6);
  });

  it('fails without an answer within 30 s; the next session opens another connection', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    closing.push(() => vi.useRealTimers());
    const { relay, open, opened, link } = await opening();
    await link.auth();
    await vi.advanceTimersByTimeAsync(30_000);
    await expect(opened).rejects.toThrow('did not answer AUTH within 30 s');
    const again = open();
    const other = await relay.accept(closing);
    other.grant(await other.auth());
    expect((await again).localPath).toHaveLength(2);
  });

  it('is aborted at once by the signal, without a further request', async () => {
    const relay = await ScriptedRelay.open(closing);
    const client = relay.client(closing);
    const controller = new AbortController();
    const first = client.open(LOCAL_ADDRESS, {}, controller.signal);
    const second = client.open(LOCAL_ADDRESS, {}, controller.signal);
    const link = await relay.accept(closing);
    const request = await link.auth();
    const third = client.open(LOCAL_ADDRESS, {});
    controller.abort(new Error('cancelled'));
    await expect(first).rejects.toThrow('cancelled');
    await expect(second).rejects.toThrow('cancelled');
    link.grant(request);
    link.grant(await link.auth());
    expect((await third).closed).toBe(false);
    await expect(client.open(LOCAL_ADDRESS, {}, controller.signal)).rejects.toThrow('cancelled');
  });

  it('rejects an invalid relay URI before it sends anything (RFC 4976 §9.2)', () => {
    for (const uri of ['', 'relay.domain.test', 'sip:relay.domain.test', 'https://relay.domain.test']) {
      expect(() => new MsrpRelay({ uri, answerChallenges: () => undefined })).toThrow(ConfigurationError);
    }
  });
});
