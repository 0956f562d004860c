/** Content in a container (message/cpim, RFC 3862) over MSRP (RFC 4975 §8.6). */

import { describe, expect, it } from 'vitest';
import { SessionReceiver } from '../../support/agents/session-receiver.js';
import { bytes, descriptionOf, FILE, type Offered } from '../../support/msrp/push-offers.js';
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

function headersOf(encoding: string): string {
  return `Content-Type: ${FILE}\r\nContent-Transfer-Encoding: ${encoding}\r\n`;
}

/** Base64 with lines of 76 characters (RFC 2045 §6.8). */
function base64(content: Uint8Array): Buffer {
  return Buffer.from(Buffer.from(content).toString('base64').replace(/.{76}/g, '$&\r\n'));
}

function quotedPrintable(content: Uint8Array): Buffer {
  const octets = Array.from(content, (octet) => `=${octet.toString(16).toUpperCase().padStart(2, '0')}`);
  return Buffer.from(octets.join('').replace(/.{75}/g, '$&=\r\n'));
}

const ENCODED: [encoding: string, body: Buffer][] = [
  ['base64', wrap(base64(CONTENT), headersOf('base64'))],
  ['quoted-printable', wrap(quotedPrintable(CONTENT), headersOf('Quoted-Printable'))],
  ['8bit', wrap(CONTENT, headersOf('8bit'))],
];

/** Sends the parts of a message between these offsets. */
async function sendCut(end: SenderEnd, whole: Buffer, cuts: readonly number[]): Promise<void> {
  for (const [index, start] of cuts.slice(0, -1).entries()) {
    const next = cuts[index + 1] ?? 0;
    const flag = next === whole.length ? '$' : '+';
    const part = { type: CPIM, start: start + 1, total: whole.length, flag } as const;
    expect(await end.send(whole.subarray(start, next), part)).toBe(200);
  }
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
  await sendCut(end, whole, cuts);
  expect(await reported(end)).toMatch('000 200');
  expect(scene.receiver.committed).toEqual([Buffer.from(CONTENT)]);
});

describe.each(ENCODED)('8.2.3-01: content in %s (RFC 2045 §6)', (_encoding, body) => {
  it('is decoded, however it is cut', async () => {
    const end = await bound({ content: CONTENT, name: 'a.bin' });
    const cuts = [0, 1, 200, 301, 302, 303, body.length - 2, body.length];
    await sendCut(end, body, cuts);
    expect(await reported(end)).toMatch('000 200');
    expect(scene.receiver.committed).toEqual([Buffer.from(CONTENT)]);
    await until(() => expect(scene.receiver.of('push')).toMatchObject([{ size: 1000 }]));
  });

  it('is decoded in a message that no offer describes, which its application receives without the encoding', async () => {
    const end = await bound({ messages: true });
    expect(await end.send(body, { type: CPIM })).toBe(200);
    expect(await reported(end)).toMatch('000 200');
    expect(scene.receiver.committed).toEqual([Buffer.from(CONTENT)]);
  });
});

it('8.2.3-01: an encoded file outside of a container is decoded, and the application receives no encoding', async () => {
  const end = await bound({ content: CONTENT, acceptTypes: FILE, lines: [] });
  const headers = { 'Content-Transfer-Encoding': 'base64' };
  expect(await end.send(base64(CONTENT), { headers })).toBe(200);
  expect(await reported(end)).toMatch('000 200');
  expect(scene.receiver.committed).toEqual([Buffer.from(CONTENT)]);
  expect(scene.receiver.received[0]?.push.headers).not.toHaveProperty('content-transfer-encoding');
});

it('8.2.3-01: a part of an encoded message that is repeated is decoded once, and one that is missing refuses it', async () => {
  const [, body] = ENCODED[0] ?? [];
  const whole = body ?? Buffer.alloc(0);
  const end = await bound({ messages: true });
  const options = { type: CPIM, total: whole.length };
  expect(await end.send(whole.subarray(0, 600), { ...options, flag: '+' })).toBe(200);
  expect(await end.send(whole.subarray(400), { ...options, start: 401 })).toBe(200);
  expect(await reported(end)).toMatch('000 200');
  expect(scene.receiver.committed).toEqual([Buffer.from(CONTENT)]);
  const other = { ...options, messageId: 'other' };
  expect(await end.send(whole.subarray(0, 600), { ...other, flag: '+' })).toBe(200);
  expect(await end.send(whole.subarray(700), { ...other, start: 701 })).toBe(400);
});

it('8.2.1-07: the max-size of a line for containers has space for their headers (RFC 4975 §8.6)', async () => {
  const maxSizeOf = async (offered: Offered) => {
    const media = scene.media({ content: CONTENT, ...offered });
    const { answer } = await scene.receiver.invite(descriptionOf([media]));
    return Number(/^a=max-size:(\d+)/m.exec(Buffer.from(answer.body).toString())?.[1]);
  };
  const direct = await maxSizeOf({});
  expect(direct).toBeGreaterThan(0);
  const lines = ['a=accept-wrapped-types:*'];
  expect(await maxSizeOf({ acceptTypes: CPIM, lines })).toBe(direct + 16_384);
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
  ['an unknown transfer encoding', wrap(CONTENT, headersOf('x-uuencode')), 415],
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
