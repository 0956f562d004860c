/** An INVITE that starts no session, or several (TS 8.2.2.1, appendix C). */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { buildSupported } from '../../../core/sdp/index.js';
import { BOB } from '../../support/agents/agents.js';
import { bytesOf, fileOf, PHONE, Scene, TABLET } from '../../support/agents/scripted-receiver.js';

let scene: Scene;
beforeEach(async () => {
  scene = await Scene.open({ credentials: { username: 'psa', password: 'secret' } });
});
afterEach(async () => {
  vi.useRealTimers();
  await scene.close();
});

const CONTENT = bytesOf(3000);
const FILES = [fileOf(CONTENT, { name: 'a.bin' }), fileOf(CONTENT, { name: 'b.bin' })];
const DELIVERED = { outcome: 'delivered', status: 200, reported: true };

describe('the receipt', () => {
  it.each([
    ['C-02', 400, 'refused', true],
    ['C-03', 403, 'refused', false],
    ['RFC 3261 21.4.5', 404, 'refused', false],
    ['C-04', 408, 'failed', true],
    ['RFC 3261 21.4.12', 413, 'refused', false],
    ['C-06', 415, 'refused', false],
    ['RFC 3261 21.4.18', 480, 'failed', true],
    ['RFC 3261 21.4.23', 486, 'refused', true],
    ['RFC 3261 21.4.26', 488, 'refused', false],
    ['C-02, C-05', 500, 'failed', true],
    ['C-02', 503, 'failed', true],
    ['RFC 3261 21.6.1', 600, 'refused', true],
    ['C-02', 603, 'refused', true],
    ['C-03', 604, 'refused', false],
    ['RFC 3261 21.6.4', 606, 'refused', false],
  ])('%s: %i is %s, retryable %s, of each file', async (_id, status, outcome, retryable) => {
    const { receipts, offer } = await scene.push(FILES);
    offer.respond(status);
    const receipt = {
      ...{ to: BOB, mode: 'session', outcome, status, reason: expect.any(String), retryable },
      ...{ reported: false, bytes: 3000, milliseconds: expect.any(Number) },
      why: expect.stringContaining('as requested'),
    };
    expect(await receipts).toEqual([
      { ...receipt, fileName: 'a.bin' },
      { ...receipt, fileName: 'b.bin' },
    ]);
    expect(scene.core.requests.map(({ request }) => request.method)).not.toContain('BYE');
  });

  it.each([
    [480, '120', 120],
    [486, '120', 120],
    [500, '5', 5],
    [403, '120', undefined],
  ])('C-02, C-03: %i with Retry-After: %s', async (status, value, retryAfter) => {
    const { receipts, offer } = await scene.push(FILES);
    offer.respond(status, [['Retry-After', value]]);
    for (const receipt of await receipts) expect(receipt.retryAfter).toBe(retryAfter);
  });

  it('8.2.2-08: lists the types that the terminal accepts according to its 488', async () => {
    const { receipts, offer } = await scene.push(FILES);
    const body = buildSupported({ host: '127.0.0.1', acceptTypes: ['image/*', 'text/plain'], maxSize: 2000 });
    offer.respond(488, [['Content-Type', 'application/sdp']], body);
    const reason = expect.stringMatching(
      /; accepted types: image\/\*, text\/plain; accepted size: at most 2000 bytes$/,
    );
    expect(await receipts).toMatchObject([
      { status: 488, reason },
      { status: 488, reason },
    ]);
  });

  it('8.2.2-08: ignores other contents of a 488', async () => {
    const { receipts, offer } = await scene.push(FILES);
    offer.respond(488, [['Content-Type', 'application/sdp']], Buffer.from('v=1\r\nnot for us'));
    expect(await receipts).toMatchObject([
      { status: 488, reason: 'Not Acceptable Here' },
      { status: 488, reason: 'Not Acceptable Here' },
    ]);
  });

  it('C-04: has status 408 if no response arrives', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { receipts, offer } = await scene.push(FILES);
    offer.answered = true;
    await vi.advanceTimersByTimeAsync(33_000);
    expect(await receipts).toMatchObject([
      { outcome: 'failed', status: 408, retryable: true },
      { outcome: 'failed', status: 408, retryable: true },
    ]);
  });

  it('has a retryable failure after a lost connection to the core', async () => {
    const { receipts, offer } = await scene.push(FILES);
    offer.answered = true;
    await scene.core.close();
    expect(await receipts).toMatchObject([
      { outcome: 'failed', retryable: true },
      { outcome: 'failed', retryable: true },
    ]);
  });

  it('8.2.2-08: ignores provisional responses, with SDP or without', async () => {
    const { receipts, offer } = await scene.push([fileOf(CONTENT)]);
    for (const status of [100, 180, 183, 183]) offer.respond(status);
    offer.respond(183, [['Content-Type', 'application/sdp']], Buffer.from('v=0\r\nnot an answer'));
    offer.accept();
    await (await offer.connect()).receive();
    await scene.bye();
    expect(await receipts).toMatchObject([DELIVERED]);
  });

  it.each([
    [401, 'WWW-Authenticate', 'Authorization'],
    [407, 'Proxy-Authenticate', 'Proxy-Authorization'],
  ])('9-01a: answers a %i challenge, and sends the same offer again', async (status, challenge, header) => {
    const { receipts, offer } = await scene.push([fileOf(CONTENT)]);
    offer.respond(status, [
      [challenge, 'Digest realm="domain.test", nonce="n", qop="auth", algorithm=SHA-256'],
    ]);
    const again = await scene.offer();
    expect(again.invite.headers.get(header)).toMatch(/username="psa".*algorithm=SHA-256/);
    expect(Buffer.from(again.invite.body).equals(Buffer.from(offer.invite.body))).toBe(true);
    again.accept();
    await (await again.connect()).receive();
    expect(await receipts).toMatchObject([DELIVERED]);
  });
});

describe('8.2.2-09: aborted before its answer', () => {
  it('8.2.2-09: sends CANCEL after the core received the INVITE, and rejects with the reason of the signal', async () => {
    const aborter = new AbortController();
    const { receipts, offer } = await scene.push([fileOf(CONTENT)], {}, { signal: aborter.signal });
    offer.respond(180);
    aborter.abort(new Error('no longer wanted'));
    await expect(receipts).rejects.toThrow('no longer wanted');
    const { request: cancel, respond } = await scene.core.request('CANCEL');
    expect(cancel.uri).toBe(offer.invite.uri);
    for (const name of ['Call-ID', 'From', 'To']) {
      expect(cancel.headers.get(name)).toBe(offer.invite.headers.get(name));
    }
    expect(cancel.headers.get('CSeq')).toBe('1 CANCEL');
    respond(200);
    offer.respond(487);
    await scene.core.request('ACK');
  });

  it('8.2.2-09, 8.2.2-10: acknowledges a 200 that crossed the CANCEL, and ends its session', async () => {
    const aborter = new AbortController();
    const { receipts, offer } = await scene.push([fileOf(CONTENT)], {}, { signal: aborter.signal });
    offer.respond(180);
    aborter.abort(new Error('no longer wanted'));
    await expect(receipts).rejects.toThrow('no longer wanted');
    offer.accept();
    await scene.core.request('ACK');
    await scene.bye();
  });

  it('8.2.2-09: sends no INVITE if it is aborted before', async () => {
    const options = { signal: AbortSignal.abort(new Error('no longer wanted')) };
    const sent = scene.sender.send({ to: BOB, app: 'mms.ua', files: FILES, mode: 'session' }, options);
    await expect(sent).rejects.toThrow('no longer wanted');
    expect(scene.core.requests).toEqual([]);
  });
});

describe('a forked INVITE', () => {
  const both = async () => {
    const { receipts, offer } = await scene.push([fileOf(CONTENT)], { id: 'forked' });
    offer.accept([{}], { tag: 'phone', contact: PHONE });
    offer.accept([{}], { tag: 'tablet', contact: TABLET });
    return { receipts, offer };
  };

  it('8.2.2-08: sends a new INVITE to the second terminal that accepts, and reports a receipt for each', async () => {
    const { receipts, offer } = await both();
    // The second session cannot use the MSRP session of the first one.
    const ended = await scene.bye();
    expect(ended.headers.get('To')).toMatch(/;tag=tablet$/);
    await (await offer.connect()).receive();
    await scene.bye();
    const second = await scene.offer();
    expect(second.invite.uri).toBe(TABLET);
    expect(second.attribute('path')).not.toBe(offer.attribute('path'));
    expect(second.attribute('file-transfer-id')).toBe(offer.attribute('file-transfer-id'));
    second.accept([{}], { contact: TABLET });
    await (await second.connect()).receive();
    expect(await receipts).toMatchObject([
      { ...DELIVERED, to: BOB, terminal: PHONE },
      { ...DELIVERED, to: BOB, terminal: TABLET },
    ]);
  });

  it('8.2.2-08: reports the response of each terminal', async () => {
    scene.core.autoAnswered.add('BYE');
    const { receipts, offer } = await both();
    await (await offer.connect()).receive();
    (await scene.offer()).respond(486);
    expect(await receipts).toMatchObject([
      { ...DELIVERED, terminal: PHONE },
      { outcome: 'refused', status: 486, terminal: TABLET },
    ]);
  });

  it('8.2.2-10: ends the session of a terminal that cannot be distinguished from the others', async () => {
    const { receipts, offer } = await scene.push([fileOf(CONTENT)]);
    offer.accept([{}], { tag: 'phone', contact: PHONE });
    offer.accept([{}], { tag: 'twin', contact: PHONE });
    offer.accept([{}], { tag: 'old', contact: 'sip:bob@127.0.0.1:5099' });
    await (await offer.connect()).receive();
    const ended = [await scene.bye(), await scene.bye(), await scene.bye()];
    expect(ended.map(({ headers }) => headers.get('To')?.split('tag=')[1]).sort()).toEqual([
      'old',
      'phone',
      'twin',
    ]);
    expect(await receipts).toHaveLength(1);
  });

  it('8.2.2-08: treats a retransmitted 200 as the same session', async () => {
    const { receipts, offer } = await scene.push([fileOf(CONTENT)]);
    offer.accept();
    offer.accept();
    await scene.core.request('ACK');
    await scene.core.request('ACK');
    await (await offer.connect()).receive();
    expect(await receipts).toMatchObject([DELIVERED]);
    expect(scene.core.requests.filter(({ request }) => request.method === 'INVITE')).toHaveLength(1);
  });
});
