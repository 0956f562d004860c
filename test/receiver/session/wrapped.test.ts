/** Content in a container (message/cpim, RFC 3862) over MSRP (RFC 4975 §8.6). */

import { expect, it } from 'vitest';
import { SessionReceiver } from '../../support/agents/session-receiver.js';
import { bytes, FILE, type Offered } from '../../support/msrp/push-offers.js';
import { reported, type SenderEnd } from '../../support/msrp/sender-end.js';
import { until } from '../../support/wait.js';
import { sessionScene } from './scene.js';

const CONTENT = bytes(1000);
const CPIM = 'message/cpim';
const OF_MESSAGE =
  'From: <sip:psa@domain.test>\r\nTo: <sip:bob@domain.test>\r\nDateTime: 2026-01-01T00:00:00Z\r\n';

const scene = sessionScene();

function wrap(content: Uint8Array, headers = `Content-Type: ${FILE}\r\n`): Buffer {
  return Buffer.concat([Buffer.from(`${OF_MESSAGE}\r\n${headers}\r\n`), content]);
}

async function bound(offered: Offered): Promise<SenderEnd> {
  const lines = ['a=accept-wrapped-types:*'];
  const { session, end } = await scene.bound({ acceptTypes: CPIM, lines, ...offered });
  expect(session.status).toBe(200);
  return end;
}

it('8.2.3-01, 8.2.1-01: a file in a container reaches its application without it', async () => {
  const end = await bound({ content: CONTENT, name: 'a.bin' });
  expect(await end.send(wrap(CONTENT), { type: CPIM })).toBe(200);
  expect(await reported(end)).toMatch('000 200');
  expect(scene.receiver.committed).toEqual([Buffer.from(CONTENT)]);
  await until(() => expect(scene.receiver.of('push')).toMatchObject([{ contentType: FILE, size: 1000 }]));
});

it('8.2.3-01: a file is unwrapped however its container is cut', async () => {
  const whole = wrap(CONTENT);
  const end = await bound({ content: CONTENT });
  const cuts = [0, 1, 60, whole.length - 1001, whole.length - 1000, whole.length - 999, whole.length];
  for (const [index, start] of cuts.slice(0, -1).entries()) {
    const next = cuts[index + 1] ?? 0;
    const part = {
      type: CPIM,
      start: start + 1,
      total: whole.length,
      flag: next === whole.length ? '$' : '+',
    } as const;
    expect(await end.send(whole.subarray(start, next), part)).toBe(200);
  }
  expect(await reported(end)).toMatch('000 200');
  expect(scene.receiver.committed).toEqual([Buffer.from(CONTENT)]);
});

it('8.2.3-01: the type and the headers of a message are those of its content', async () => {
  const end = await bound({ messages: true });
  const headers = 'content-type: text/plain; charset=utf-8\r\nContent-Disposition: attachment\r\n';
  expect(await end.send(wrap(Buffer.from('hello'), headers), { type: CPIM })).toBe(200);
  expect(await reported(end)).toMatch('000 200');
  expect(scene.receiver.committed).toEqual([Buffer.from('hello')]);
  expect(scene.receiver.received[0]?.push).toMatchObject({
    headers: { 'content-disposition': 'attachment' },
  });
});

it.each<[string, Buffer, number]>([
  ['content of a type that no application accepts', wrap(CONTENT, 'Content-Type: text/html\r\n'), 415],
  ['an invalid Content-Type', wrap(CONTENT, 'Content-Type: text\r\n'), 400],
  [
    'a transfer encoding',
    wrap(CONTENT, `Content-Type: ${FILE}\r\nContent-Transfer-Encoding: base64\r\n`),
    400,
  ],
  ['headers of 16 KiB', Buffer.from(`From: ${'x'.repeat(16_384)}`), 400],
])('8.2.3-01: %s is refused, and the session continues', async (_what, body, status) => {
  const end = await bound({ messages: true });
  expect(await end.send(body, { type: CPIM, messageId: 'refused' })).toBe(status);
  expect(await end.send(wrap(CONTENT), { type: CPIM, messageId: 'next' })).toBe(200);
  expect(await reported(end)).toMatch('000 200');
  expect(scene.receiver.committed).toEqual([Buffer.from(CONTENT)]);
});

it('8.2.3-01: a container that ends within its headers is refused', async () => {
  const end = await bound({ messages: true });
  expect(await end.send('From: <sip:psa@domain.test>\r\n', { type: CPIM })).toBe(200);
  expect(await reported(end)).toMatch('000 400');
});

it('8.2.3-01: an application that accepts message/cpim receives the container', async () => {
  await scene.receiver.stop();
  scene.receiver = await SessionReceiver.start({ definition: { accepts: [CPIM] } });
  const end = await bound({ messages: true });
  expect(await end.send(wrap(CONTENT), { type: CPIM })).toBe(200);
  expect(await reported(end)).toMatch('000 200');
  expect(scene.receiver.committed).toEqual([wrap(CONTENT)]);
});
