/** The end of a session (TS 8.2.2.3): by the sender after its last file, by the receiver, or by an abort. */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  bytesOf,
  fileOf,
  type Offered,
  Scene,
  SEVERAL_CHUNKS,
} from '../../support/agents/scripted-receiver.js';

let scene: Scene;
beforeEach(async () => {
  scene = await Scene.open();
});
afterEach(async () => {
  vi.useRealTimers();
  await scene.close();
});

const LARGE = 5_000_000;
const FILES = ['a.bin', 'b.bin', 'c.bin'].map((name) => fileOf(bytesOf(SEVERAL_CHUNKS), { name }));
const ports = (offer: Offered) => offer.media.map((_, line) => offer.port(line));
const version = (offer: Offered) => offer.session[1]?.split(' ').slice(1, 3);

describe('an end by the sender', () => {
  it('8.2.2-10, 8.2.2-10a: sends BYE through the core to the terminal that answered, after its last file was delivered', async () => {
    const { receipts, offer } = await scene.push(FILES.slice(0, 1));
    offer.accept([{}], { contact: 'sip:bob@127.0.0.1:5099' });
    const media = await offer.connect();
    const { report } = await media.message();
    expect(scene.core.requests.map(({ request }) => request.method)).not.toContain('BYE');
    report();
    const bye = await scene.bye();
    expect(bye.uri).toBe('sip:bob@127.0.0.1:5099');
    expect(bye.headers.get('Call-ID')).toBe(offer.invite.headers.get('Call-ID'));
    expect(bye.headers.get('CSeq')).toBe('2 BYE');
    // A terminal without a GRUU has no further identification.
    expect((await receipts)[0]?.terminal).toBeUndefined();
  });

  it('8.2.2-10, 8.2.3-01: closes the line of a delivered file while others continue, and sends BYE after the last', async () => {
    const { receipts, offer } = await scene.push(FILES);
    offer.accept();
    const media = [await offer.connect(0), await offer.connect(1), await offer.connect(2)];
    const [id, first] = version(offer) ?? [];
    await media[1]?.receive();
    const second = await scene.offer();
    expect(second.invite.headers.get('To')).toMatch(/;tag=/);
    expect(ports(second)).toEqual([offer.port(), 0, offer.port()]);
    expect(version(second)).toEqual([id, String(Number(first) + 1)]);
    for (const line of [0, 1, 2]) expect(second.attribute('path', line)).toBe(offer.attribute('path', line));
    second.accept([{}, { port: 0 }, {}]);
    await media[0]?.receive();
    const third = await scene.offer();
    expect(ports(third)).toEqual([0, 0, offer.port()]);
    expect(version(third)).toEqual([id, String(Number(first) + 2)]);
    third.accept([{ port: 0 }, { port: 0 }, {}]);
    expect(scene.core.requests.map(({ request }) => request.method)).not.toContain('BYE');
    await media[2]?.receive();
    await scene.bye();
    expect((await receipts).map(({ outcome }) => outcome)).toEqual(['delivered', 'delivered', 'delivered']);
  });

  it.each([488, 500])('8.2.2-10: ignores a %i response to its re-INVITE', async (status) => {
    const { receipts, offer } = await scene.push(FILES.slice(0, 2));
    offer.accept();
    const media = [await offer.connect(0), await offer.connect(1)];
    await media[0]?.receive();
    (await scene.offer()).respond(status);
    await media[1]?.receive();
    await scene.bye();
    expect((await receipts).map(({ outcome }) => outcome)).toEqual(['delivered', 'delivered']);
  });

  it('8.2.2-10: does not wait for a receiver that leaves the BYE unanswered', async () => {
    const { receipts, offer } = await scene.push(FILES.slice(0, 1));
    offer.accept();
    await (await offer.connect()).receive();
    expect(await receipts).toMatchObject([{ outcome: 'delivered' }]);
    await scene.bye();
  });

  it('8.2.2-10, 8.2.3-01: aborts with `#`, BYE and the reason of the signal in the middle of a file', async () => {
    const aborter = new AbortController();
    const { receipts, offer } = await scene.push([fileOf(bytesOf(LARGE))], {}, { signal: aborter.signal });
    offer.accept();
    const media = await offer.connect();
    await media.acknowledge();
    aborter.abort(new Error('no longer wanted'));
    await expect(receipts).rejects.toThrow('no longer wanted');
    let last = await media.acknowledge();
    while (last.flag === '+') last = await media.acknowledge();
    expect(last.flag).toBe('#');
    await scene.bye();
  });

  it('8.2.2-10: sends BYE if it is aborted before the receiver connects', async () => {
    const aborter = new AbortController();
    const { receipts, offer } = await scene.push(FILES.slice(0, 1), {}, { signal: aborter.signal });
    offer.accept();
    await scene.core.request('ACK');
    aborter.abort(new Error('no longer wanted'));
    await expect(receipts).rejects.toThrow('no longer wanted');
    await scene.bye();
  });

  it('8.2.2-10: sends BYE when it stops, and unfinished pushes are retryable', async () => {
    scene.core.autoAnswered.add('BYE');
    const { receipts, offer } = await scene.push([fileOf(bytesOf(LARGE)), fileOf(bytesOf(10))]);
    offer.accept();
    const media = [await offer.connect(0), await offer.connect(1)];
    await media[1]?.receive();
    (await scene.offer()).accept([{}, { port: 0 }]);
    await media[0]?.acknowledge();
    await scene.sender.stop();
    await scene.core.request('BYE');
    expect(await receipts).toMatchObject([
      { outcome: 'failed', retryable: true, bytes: LARGE },
      { outcome: 'delivered', bytes: 10 },
    ]);
  });

  it('8.2.2-10: ends with a receipt at once if it stops before a retry of the offer', async () => {
    scene.core.autoAnswered.add('BYE');
    const { receipts, offer } = await scene.push([fileOf(bytesOf(LARGE))]);
    offer.accept();
    const media = await offer.connect();
    await media.acknowledge();
    media.raw.close();
    await scene.core.request('BYE');
    await scene.sender.stop();
    expect(await receipts).toMatchObject([{ outcome: 'failed', retryable: true }]);
    expect(scene.core.requests.filter(({ request }) => request.method === 'INVITE')).toHaveLength(1);
  });

  it('8.2.2-10: sends nothing after it stopped', async () => {
    await scene.sender.stop();
    const sent = scene.sender.send({
      to: 'sip:bob@domain.test',
      app: 'mms.ua',
      files: FILES,
      mode: 'session',
    });
    expect(await sent).toMatchObject([{ outcome: 'failed', retryable: true }]);
    expect(scene.core.requests).toEqual([]);
  });
});

describe('an end by the receiver', () => {
  it('8.2.2-10: its BYE in the middle of a file is answered, and the missing bytes are offered again', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { receipts, offer } = await scene.push([fileOf(bytesOf(LARGE))]);
    offer.accept();
    const media = await offer.connect();
    await media.acknowledge();
    const bye = offer.inDialog('BYE', 1);
    expect((await scene.core.exchange(bye)).status).toBe(200);
    await scene.pass(1_000);
    const again = await scene.offer();
    expect(again.invite.headers.get('Call-ID')).not.toBe(offer.invite.headers.get('Call-ID'));
    expect(scene.core.requests.map(({ request }) => request.method)).not.toContain('BYE');
    again.respond(403);
    expect(await receipts).toMatchObject([{ outcome: 'refused', status: 403, retryable: false }]);
  });

  it('8.2.2-10: its BYE after the last REPORT crosses the BYE of the sender', async () => {
    const { receipts, offer } = await scene.push(FILES.slice(0, 1));
    offer.accept();
    await (await offer.connect()).receive();
    expect(await receipts).toMatchObject([{ outcome: 'delivered' }]);
    // The session no longer exists.
    expect([405, 481]).toContain((await scene.core.exchange(offer.inDialog('BYE', 1))).status);
    await scene.bye();
  });

  it('8.2.2-08: its re-INVITE that closes a line in the middle of a file is a refusal; the others continue', async () => {
    const { receipts, offer } = await scene.push([fileOf(bytesOf(LARGE)), fileOf(bytesOf(10))]);
    offer.accept();
    const media = [await offer.connect(0), await offer.connect(1)];
    await media[0]?.acknowledge();
    const answer = await scene.core.exchange(offer.reinvite(1, [{ port: 0 }, {}]));
    expect(answer.status).toBe(200);
    expect(Buffer.from(answer.body).toString()).toMatch(
      /m=message 0 TCP\/MSRP \*[\s\S]*m=message [1-9]\d* TCP\/MSRP \*/,
    );
    scene.core.send(offer.inDialog('ACK', 1));
    scene.core.autoAnswered.add('BYE');
    await media[1]?.receive();
    expect(await receipts).toMatchObject([
      { outcome: 'refused', status: 200, retryable: true, reason: expect.stringMatching(/port zero/) },
      { outcome: 'delivered' },
    ]);
  });

  it('8.2.2-08: its re-INVITE without changes is accepted', async () => {
    const { receipts, offer } = await scene.push(FILES.slice(0, 1));
    offer.accept();
    const media = await offer.connect();
    const chunk = await media.chunk();
    const answer = await scene.core.exchange(offer.reinvite(1, [{}]));
    expect(answer.status).toBe(200);
    const text = Buffer.from(answer.body).toString();
    expect(text).toContain(`a=path:${offer.attribute('path')}\r\n`);
    expect(text).toContain(`m=message ${offer.port()} TCP/MSRP *\r\n`);
    scene.core.send(offer.inDialog('ACK', 1));
    media.raw.respond(chunk, 413);
    expect(await receipts).toMatchObject([{ outcome: 'refused', status: 413 }]);
  });

  it.each([
    ['no SDP', 'hello'],
    ['a surplus line', undefined],
  ])('8.2.2-08: its re-INVITE with %s is rejected, and changes nothing', async (_title, body) => {
    const { receipts, offer } = await scene.push(FILES.slice(0, 1));
    offer.accept();
    const media = await offer.connect();
    const answer = await scene.core.exchange(offer.reinvite(1, [{}, {}], body));
    expect(answer.status).toBe(488);
    await media.receive();
    await scene.bye();
    expect(await receipts).toMatchObject([{ outcome: 'delivered' }]);
  });
});

describe('an end without a BYE', () => {
  it('8.2.2-08: a receiver that accepts and does not connect gets BYE, and the file is offered again', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { receipts, offer } = await scene.push(FILES.slice(0, 1));
    offer.accept();
    await scene.core.request('ACK');
    await scene.pass(32_000);
    await scene.bye();
    await scene.pass(1_000);
    (await scene.offer()).respond(403);
    expect(await receipts).toMatchObject([{ outcome: 'refused', status: 403 }]);
  });

  it('8.2.3-01: a receiver that leaves a chunk unanswered for 30 s is disconnected', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { receipts, offer } = await scene.push([fileOf(bytesOf(0))]);
    offer.accept();
    await (await offer.connect()).chunk();
    await scene.pass(30_000);
    await scene.bye();
    await scene.pass(1_000);
    (await scene.offer()).respond(403);
    expect(await receipts).toMatchObject([{ outcome: 'refused', status: 403 }]);
  });
});
