/** Pager mode at the sender (TS 8.1.2), and what each response means (appendix C). */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { memoryContent } from '../../core/content/content.js';
import { ConfigurationError, LimitError } from '../../core/errors.js';
import type { PushSenderAgent, PushSenderOptions } from '../../core/sender/sender.js';
import { parseAcceptContact } from '../../core/sip/values/accept-contact.js';
import { BOB, PSA, startSender } from '../support/agents/agents.js';
import { receiptOf } from '../support/agents/receipts.js';
import { ScriptedCore } from '../support/sip/scripted-core.js';

const OCTETS = Uint8Array.from({ length: 256 }, (_, octet) => octet);
const TYPE = { type: 'application/vnd.wap.mms-message', parameters: {} };

let core: ScriptedCore;
const closing: (() => Promise<unknown>)[] = [];
beforeEach(async () => {
  core = await ScriptedCore.tcp();
});
afterEach(async () => {
  vi.useRealTimers();
  for (const close of closing.splice(0).reverse()) await close();
  await core.close();
});

async function sender(options: Partial<PushSenderOptions> = {}): Promise<PushSenderAgent> {
  const started = await startSender({ servers: [core.uri], ...options });
  closing.push(() => started.stop());
  return started;
}

const push = (body: Uint8Array = OCTETS, to = BOB, app = 'mms.ua') => ({
  to,
  app,
  content: memoryContent(TYPE, body),
});

describe('the request', () => {
  it('8.1.2-01, 7.1-02, 7.1-03, 7.2-02: requires the push resource in Accept-Contact, in its canonical form', async () => {
    const agent = await sender();
    void agent.send(push(OCTETS, BOB, 'x-wap-application:mms.ua'));
    const { request, respond } = await core.request('MESSAGE');
    const values = request.headers.getAll('Accept-Contact');
    expect(values[0]).toBe('*;+g.oma.pusheventapp="mms.ua";require;explicit');
    expect(parseAcceptContact(values)).toHaveLength(2);
    respond(200);
  });

  it.each([
    ['a public identity', BOB, undefined],
    ['a GRUU', `${BOB};gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6`, true],
    ['a temporary GRUU', 'sip:tgruu.7hs==jd7vnzga5w7fajsc7-ajd6fabz0f8g5@domain.test;gr', true],
  ])('8.1.2-02: the Request-URI is %s', async (_title, to, terminal) => {
    const agent = await sender();
    const receipt = receiptOf(agent.send(push(OCTETS, to)));
    const { request, respond } = await core.request('MESSAGE');
    expect(request.uri).toBe(to);
    respond(200);
    expect((await receipt).terminal).toBe(terminal && to);
  });

  it('8.1.2-06: has a Call-ID for each push, and the same one in every attempt and process', async () => {
    const callId = async (agent: PushSenderAgent, to: string, id?: string, body = OCTETS) => {
      void agent.send({ ...push(body, to), id });
      const { request, respond } = await core.request('MESSAGE');
      respond(200);
      return request.headers.get('Call-ID');
    };
    const agent = await sender();
    const named = await callId(agent, BOB, 'x');
    // RFC 3261 §25.1: a word; it reveals nothing of the push.
    expect(named).toMatch(/^[0-9a-f]{32}$/);
    expect(await callId(await sender(), BOB, 'x')).toBe(named);
    const others = [
      await callId(agent, BOB),
      await callId(agent, BOB),
      await callId(agent, 'sip:alice@domain.test', 'x'),
      await callId(agent, BOB, 'y'),
      await callId(await sender({ identity: 'sip:other@domain.test' }), BOB, 'x'),
    ];
    expect(new Set([named, ...others]).size).toBe(6);
  });

  it('8.1.2-06: has the same Call-ID when it is retried, even at a terminal that was not known before', async () => {
    const agent = await sender();
    const gruu = `${BOB};gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6`;
    const callIds: (string | undefined)[] = [];
    for (const registered of [false, true]) {
      if (registered) agent.directory.setRegistered(BOB, { gruu, apps: ['mms.ua'] });
      void agent.send({ ...push(), id: 'x' });
      const { request, respond } = await core.request('MESSAGE');
      expect(request.uri).toBe(registered ? gruu : BOB);
      callIds.push(request.headers.get('Call-ID'));
      respond(200);
    }
    expect(callIds[1]).toBe(callIds[0]);
  });

  it('8.1.2-04, 9-02: has P-Asserted-Identity unless assertIdentity is false', async () => {
    const asserting = await sender();
    void asserting.send(push());
    const first = await core.request('MESSAGE');
    expect(first.request.headers.getAll('P-Asserted-Identity')).toEqual([`<${PSA}>`]);
    first.respond(200);
    const silent = await sender({ assertIdentity: false });
    void silent.send(push());
    const second = await core.request('MESSAGE');
    expect(second.request.headers.has('P-Asserted-Identity')).toBe(false);
    second.respond(200);
  });

  it('8.1.2-05, 8.1.2-06, AD-5.3.1-4, SIPPUSH-PSA-S-001-M, SIPPUSH-PSA-S-002-O: has the octets of the content as its body', async () => {
    const agent = await sender();
    void agent.send(push());
    const { request, respond } = await core.request('MESSAGE');
    expect(request.body).toEqual(OCTETS);
    expect(request.headers.get('Content-Type')).toBe(TYPE.type);
    // RFC 3428 §8: a MESSAGE creates no dialog.
    expect(request.headers.has('Contact')).toBe(false);
    respond(200);
  });

  it('is not sent if it exceeds 1300 bytes', async () => {
    const agent = await sender();
    const tooMuch = (size: number) => agent.send({ ...push(new Uint8Array(size)), mode: 'pager' });
    await expect(tooMuch(1301)).rejects.toThrow(LimitError);
    await expect(tooMuch(1000)).rejects.toThrow(/1300/);
    expect(core.requests).toEqual([]);
  });

  it.each([
    ['bob', 'mms.ua'],
    ['sip:bob@domain.test>;x=<', 'mms.ua'],
    ['sip:bob@domain.test\r\nX: y', 'mms.ua'],
    ['', 'mms.ua'],
    [BOB, 'mms.ua,wml.ua'],
    [BOB, 'mms ua'],
    [BOB, ''],
  ])('to %j for %j is rejected with an error', async (to, app) => {
    const agent = await sender();
    await expect(agent.send(push(OCTETS, to, app))).rejects.toThrow(ConfigurationError);
    expect(core.requests).toEqual([]);
  });

  it('AD-5.3.4: a sender registers, an application server does not', async () => {
    await sender();
    const registering = await sender({ instanceId: 'urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6' });
    const { request, respond } = await core.request('REGISTER');
    expect(request.headers.get('To')).toBe(`<${PSA}>`);
    respond(403);
    void registering.send(push());
    (await core.request('MESSAGE')).respond(200);
    expect(core.requests.map((received) => received.request.method)).toEqual(['REGISTER', 'MESSAGE']);
  });

  it('9-00, 9-01a, E.1.3-02: answers challenges of the core', async () => {
    const agent = await sender({ credentials: { username: 'psa', password: 'secret' } });
    const receipt = receiptOf(agent.send(push()));
    (await core.request('MESSAGE')).respond(407, [
      ['Proxy-Authenticate', 'Digest realm="domain.test", nonce="n", qop="auth", algorithm=SHA-256'],
    ]);
    const answered = await core.request('MESSAGE');
    expect(answered.request.headers.get('Proxy-Authorization')).toMatch(/username="psa".*algorithm=SHA-256/);
    answered.respond(200);
    expect((await receipt).outcome).toBe('delivered');
  });
});

describe('AD-5.3.1-6: the receipt', () => {
  it.each([
    ['C-01', 200, 'delivered', false],
    ['C-01', 202, 'delivered', false],
    ['C-02', 400, 'refused', true],
    ['C-02, C-05', 500, 'failed', true],
    ['C-02', 503, 'failed', true],
    ['C-02', 603, 'refused', true],
    ['C-03', 403, 'refused', false],
    ['C-03', 604, 'refused', false],
    ['C-04', 408, 'failed', true],
    ['C-00', 477, 'refused', true],
    ['C-06', 415, 'refused', false],
    ['C-00', 404, 'refused', false],
    ['C-00', 413, 'refused', false],
    ['C-00', 480, 'failed', true],
    ['C-00', 486, 'refused', true],
    ['C-00', 488, 'refused', false],
    ['C-00', 600, 'refused', true],
    ['C-00', 606, 'refused', false],
    ['C-00', 577, 'failed', true],
    ['C-00', 677, 'refused', true],
  ])('%s: %i is %s, retryable %s', async (_id, status, outcome, retryable) => {
    const agent = await sender();
    const receipt = receiptOf(agent.send(push()));
    (await core.request('MESSAGE')).respond(status);
    expect(await receipt).toEqual({
      to: BOB,
      mode: 'pager',
      bytes: 256,
      outcome,
      status,
      reason: expect.any(String),
      retryable,
      milliseconds: expect.any(Number),
      why: expect.stringContaining('fit a MESSAGE; sent to'),
    });
  });

  it.each([
    [
      415,
      [['Accept', 'text/plain, text/vnd.wap.si']],
      'Unsupported Media Type; accepted types: text/plain, text/vnd.wap.si',
    ],
    [
      415,
      [
        ['Warning', '399 sip-push "the \\"si\\" element is missing"'],
        ['Accept', 'text/vnd.wap.si'],
      ],
      'Unsupported Media Type: the "si" element is missing; accepted types: text/vnd.wap.si',
    ],
    [415, [['Accept-Encoding', 'gzip']], 'Unsupported Media Type; accepted encodings: gzip'],
    [
      415,
      [['Accept', `text/${'x'.repeat(600)}`]],
      `Unsupported Media Type; accepted types: text/${'x'.repeat(495)}…`,
    ],
    [403, [['Accept', 'text/plain']], 'Forbidden'],
  ] as [number, [string, string][], string][])(
    'C-06: the reason of a %i with %j lists the accepted types, after what the receiver says',
    async (status, headers, reason) => {
      const agent = await sender();
      const receipt = receiptOf(agent.send(push()));
      (await core.request('MESSAGE')).respond(status, headers);
      expect(await receipt).toMatchObject({ status, reason, retryable: false });
    },
  );

  it('has Retry-After, which makes a failure transient', async () => {
    const agent = await sender();
    const receipt = receiptOf(agent.send(push()));
    (await core.request('MESSAGE')).respond(413, [['Retry-After', '60']]);
    expect(await receipt).toMatchObject({ status: 413, retryable: true, retryAfter: 60 });
  });

  it.each([
    [413, '-60', false, undefined],
    [413, 'soon', false, undefined],
    [413, '99999999999999999999', true, 86_400],
    [404, '60 (in a minute);duration=5', true, 60],
    [403, '60', false, undefined],
    [604, '60', false, undefined],
    [415, '60', false, undefined],
    [480, '-1', true, undefined],
  ])('C-03: %i with Retry-After: %s is retryable %s', async (status, value, retryable, retryAfter) => {
    const agent = await sender();
    const receipt = receiptOf(agent.send(push()));
    (await core.request('MESSAGE')).respond(status, [['Retry-After', value]]);
    const result = await receipt;
    expect(result).toMatchObject({ status, retryable });
    expect(result.retryAfter).toBe(retryAfter);
  });

  it('C-04: has status 408 after a timeout', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const agent = await sender();
    const receipt = receiptOf(agent.send(push()));
    await core.request('MESSAGE');
    await vi.advanceTimersByTimeAsync(33_000);
    expect(await receipt).toMatchObject({ outcome: 'failed', status: 408, retryable: true });
  });

  it('is retryable after a lost connection', async () => {
    const agent = await sender();
    const receipt = receiptOf(agent.send(push()));
    await core.request('MESSAGE');
    await core.close();
    expect(await receipt).toMatchObject({ outcome: 'failed', retryable: true });
  });
});
