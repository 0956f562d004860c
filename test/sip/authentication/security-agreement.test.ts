/** The security agreement with the mechanism `tls` (RFC 3329), if the first hop requires one. */

import { expect, it } from 'vitest';
import { Authorization } from '../../../core/sip/authentication/authorization.js';
import type { SipRequest } from '../../../core/sip/message/message.js';
import { buildResponse } from '../../../core/sip/message/writer.js';
import { request } from '../../support/sip/requests.js';

const OFFERED: [string, string] = ['Security-Server', 'ipsec-ike;q=0.1, TLS;q=0.2'];
const MECHANISMS = ['ipsec-ike;q=0.1', 'TLS;q=0.2'];
const NAMES = ['Security-Client', 'Security-Verify', 'Require', 'Proxy-Require'];

type Answer = readonly [status: number, headers?: [string, string][]];

function scene(answers: readonly Answer[], usesTls = true) {
  const queue = [...answers];
  const sent: SipRequest[] = [];
  const authorization = new Authorization({ username: 'bob', password: 'secret' }, () => usesTls);
  const send = async (method: string) => {
    const outgoing = request(method, 'sip:domain.test', ['Require: pref']);
    let cseq = 1;
    const response = await authorization.send(
      outgoing,
      () => ++cseq,
      async (each) => {
        sent.push({ ...each, headers: each.headers.clone() });
        const [status, headers] = queue.shift() ?? [200];
        return buildResponse(each, status, { headers });
      },
    );
    return response.status;
  };
  const securityOf = (index: number) => NAMES.map((name) => sent[index]?.headers.getAll(name) ?? []);
  return { send, sent, securityOf };
}

const NONE = [[], [], ['pref'], []];
const AGREED = [['tls'], MECHANISMS, ['pref', 'sec-agree'], ['sec-agree']];

it('E.1.1-SEC: is asked for by 494, and every later request repeats the mechanisms of the first hop', async () => {
  const { send, sent, securityOf } = scene([[494, [OFFERED]], [401, []], [200], [200]]);
  expect(await send('REGISTER')).toBe(401);
  expect(await send('MESSAGE')).toBe(200);
  expect(sent.map((_, index) => securityOf(index))).toEqual([NONE, AGREED, AGREED]);
  expect(sent.map(({ headers }) => headers.cseq?.number)).toEqual([1, 2, 1]);
});

it('is asked for by 421, after which the first hop lists its mechanisms with its challenge', async () => {
  const challenge: [string, string] = ['WWW-Authenticate', 'Digest realm="domain.test", nonce="n"'];
  const { send, securityOf } = scene([[421, [['Require', 'sec-agree']]], [401, [challenge, OFFERED]], [200]]);
  expect(await send('REGISTER')).toBe(200);
  expect(securityOf(1)).toEqual([['tls'], [], ['pref', 'sec-agree'], ['sec-agree']]);
  expect(securityOf(2)).toEqual(AGREED);
});

it('is made again if the first hop has changed its mechanisms', async () => {
  const { send, securityOf } = scene([[494, [OFFERED]], [200], [494, [['Security-Server', 'tls']]], [200]]);
  await send('REGISTER');
  expect(await send('MESSAGE')).toBe(200);
  expect(securityOf(3)).toEqual([['tls'], ['tls'], ['pref', 'sec-agree'], ['sec-agree']]);
});

it.each([
  ['without tls among the mechanisms', [494, [['Security-Server', 'ipsec-3gpp;q=0.5']]], true, 1],
  ['without mechanisms', [494], true, 1],
  ['on a connection without TLS', [494, [OFFERED]], false, 1],
  ['that the first hop does not accept', [494, [OFFERED]], true, 2],
] as const)('fails %s', async (_what, answer, usesTls, requests) => {
  const refusal = answer as unknown as Answer;
  const { send, sent } = scene([refusal, refusal, refusal], usesTls);
  expect(await send('REGISTER')).toBe(494);
  expect(sent).toHaveLength(requests);
});

it('is not offered to a first hop that does not require it', async () => {
  const { send, sent, securityOf } = scene([[200, [OFFERED]], [200]]);
  await send('REGISTER');
  await send('MESSAGE');
  expect(sent.map((_, index) => securityOf(index))).toEqual([NONE, NONE]);
});

it.each([494, 421])(
  'does not begin by %i to a request other than REGISTER, which its receiver can answer',
  async (status) => {
    const headers: [string, string][] = [OFFERED, ['Require', 'sec-agree']];
    const { send, sent, securityOf } = scene([[200], [status, headers], [200]]);
    await send('REGISTER');
    expect(await send('MESSAGE')).toBe(status);
    await send('REGISTER');
    expect(sent.map((_, index) => securityOf(index))).toEqual([NONE, NONE, NONE]);
  },
);

it('ends when another first hop does not support it', async () => {
  const unsupported: Answer = [420, [['Unsupported', 'sec-agree']]];
  const { send, securityOf } = scene([[494, [OFFERED]], [200], unsupported, [200], [200]]);
  await send('REGISTER');
  expect(await send('REGISTER')).toBe(200);
  await send('MESSAGE');
  expect([1, 2, 3, 4].map(securityOf)).toEqual([AGREED, AGREED, NONE, NONE]);
});

it('does not end by the answer to a request other than REGISTER', async () => {
  const unsupported: Answer = [420, [['Unsupported', 'sec-agree']]];
  const { send, securityOf } = scene([[494, [OFFERED]], [200], unsupported, [200]]);
  await send('REGISTER');
  expect(await send('MESSAGE')).toBe(420);
  await send('MESSAGE');
  expect(securityOf(3)).toEqual(AGREED);
});
