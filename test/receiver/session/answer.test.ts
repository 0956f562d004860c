/** The answer to an accepted offer (TS 8.2.1.1; RFC 3264 §6, RFC 4975 §8, RFC 5547 §8.3). */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ReceiverOptions, SessionReceiver } from '../../support/agents/session-receiver.js';
import { attribute, bytes, descriptionOf, FILE, mediaOf, sha1Of } from '../../support/msrp/push-offers.js';

const AT = { port: 9999 };
const CONTENT = bytes(10);

let receiver: SessionReceiver;
const start = async (options: ReceiverOptions = {}) => {
  receiver = await SessionReceiver.start(options);
};
afterEach(() => receiver.stop());

describe('the answer to a described file', () => {
  const lines = ['a=file-disposition:render', 'a=file-date:creation:"Mon, 15 May 2006 15:01:31 +0300"'];
  const offer = descriptionOf([
    mediaOf(AT, { content: CONTENT, name: 'a b.bin', transferId: 'vBnG916bdberum2fFEABR1FR3ExZMUrd', lines }),
  ]);
  beforeEach(() => start({ definition: { maxSize: 5000 } }));

  it('8.2.1-05, 8.2.1-09a: is 200 OK with application/sdp', async () => {
    const { answer, sdp } = await receiver.invite(offer);
    expect(answer).toMatchObject({ status: 200, reason: 'OK' });
    expect(answer.headers.get('Content-Type')).toBe('application/sdp');
    expect(answer.headers.get('Contact')).toMatch(/^<sip:.*@127\.0\.0\.1:\d+/);
    expect(sdp.session).toEqual([
      'v=0',
      expect.stringMatching(/^o=- \d+ 0 IN IP4 127\.0\.0\.1$/),
      's=-',
      'c=IN IP4 127.0.0.1',
      't=0 0',
    ]);
    expect(sdp.media).toHaveLength(1);
  });

  it('8.2.1-06, 8.2.1-07, 8.2.1-08: has recvonly, the largest size of its application, and setup:active', async () => {
    const { sdp } = await receiver.invite(offer);
    expect(sdp.media[0]).toEqual([
      // RFC 4145 §5: the port of an end that only connects.
      'm=message 9 TCP/MSRP *',
      'a=recvonly',
      'a=setup:active',
      `a=accept-types:${FILE} text/plain`,
      'a=max-size:5000',
      expect.stringMatching(/^a=path:msrp:\/\/127\.0\.0\.1:9\/[A-Za-z0-9.~+=_-]{14,};tcp$/),
      `a=file-selector:name:"a b.bin" type:${FILE} size:10 hash:sha-1:${sha1Of(CONTENT)}`,
      'a=file-transfer-id:vBnG916bdberum2fFEABR1FR3ExZMUrd',
      'a=file-disposition:render',
    ]);
  });

  it('8.2.3-01: has a session identifier that cannot be guessed (RFC 4975 §14.1)', async () => {
    const first = await receiver.invite(offer);
    await first.bye();
    const second = await receiver.invite(offer);
    expect(attribute(second.sdp.media[0], 'path')).not.toBe(attribute(first.sdp.media[0], 'path'));
  });

  it('8.2.1-06: has recvonly for sendrecv', async () => {
    const { sdp } = await receiver.invite(offer.replace('a=sendonly', 'a=sendrecv'));
    expect(sdp.media[0]).toContain('a=recvonly');
    const { sdp: sendrecv } = await receiver.invite(
      offer.replace('a=sendonly\r\n', '').replace('vBnG', 'other'),
    );
    expect(sendrecv.media[0]).toContain('a=recvonly');
  });

  it.each(['a=setup:actpass', 'a=connection:new'])('8.2.1-08: has setup:active for %s', async (line) => {
    const { sdp } = await receiver.invite(offer.replace('a=setup:passive', line));
    expect(sdp.media[0]).toContain('a=setup:active');
  });
});

describe('max-size', () => {
  it('8.2.1-07: is that of the host if it is smaller', async () => {
    await start({ definition: { maxSize: 5000 }, limits: { transferSize: 4000 } });
    const { sdp } = await receiver.invite(descriptionOf([mediaOf(AT, { content: CONTENT })]));
    expect(attribute(sdp.media[0], 'max-size')).toBe('4000');
  });

  it('8.2.1-07: is the largest of several applications for messages of several types', async () => {
    await start({
      definition: { accepts: [FILE], maxSize: 5000 },
      apps: [
        {
          id: 'files.ua',
          accepts: ['text/plain'],
          delivery: 'direct',
          order: 'parallel',
          maxSize: 7000,
          start: () => ({ receive: () => {} }),
        },
      ],
    });
    const media = mediaOf(AT, { messages: true, acceptTypes: `${FILE} text/plain text/html` });
    const { sdp } = await receiver.invite(descriptionOf([media]));
    expect(attribute(sdp.media[0], 'max-size')).toBe('7000');
  });
});

describe('the answer to several lines', () => {
  it('8.2.1-04, 8.2.1-05: has one line and one session each, in order', async () => {
    await start();
    const files = ['a', 'b', 'c'].map((name) => mediaOf(AT, { content: CONTENT, name }));
    const { sdp } = await receiver.invite(descriptionOf(files));
    expect(sdp.media.map((media) => /name:"(.)"/.exec(attribute(media, 'file-selector') ?? '')?.[1])).toEqual(
      ['a', 'b', 'c'],
    );
    expect(new Set(sdp.media.map((media) => attribute(media, 'path'))).size).toBe(3);
  });

  it('8.2.1-05: applies attributes of the session to every line', async () => {
    await start();
    const offer = descriptionOf([mediaOf(AT, { content: CONTENT }).replace('a=setup:passive\r\n', '')]);
    const { sdp } = await receiver.invite(offer.replace('t=0 0', 't=0 0\r\na=setup:passive'));
    expect(sdp.media[0]).toContain('a=setup:active');
  });
});

it('8.2.3-00: answers a line without a file with the accepted types', async () => {
  await start();
  const { sdp } = await receiver.invite(
    descriptionOf([mediaOf(AT, { messages: true, acceptTypes: `${FILE} text/html` })]),
  );
  expect(sdp.media[0]).toEqual([
    'm=message 9 TCP/MSRP *',
    'a=recvonly',
    'a=setup:active',
    `a=accept-types:${FILE} text/plain`,
    expect.stringMatching(/^a=max-size:\d+$/),
    expect.stringMatching(/^a=path:msrp:/),
  ]);
});

it('answers `*` with the accepted types', async () => {
  await start();
  const { status } = await receiver.invite(
    descriptionOf([mediaOf(AT, { messages: true, acceptTypes: '*' })]),
  );
  expect(status).toBe(200);
});

it('copies Record-Route and adds its capabilities (RFC 3261 §12.1.1, §13.3.1.4)', async () => {
  await start();
  const { answer } = await receiver.invite(descriptionOf([mediaOf(AT, { content: CONTENT })]));
  expect(answer.headers.get('Accept')).toBe('application/sdp');
  expect(answer.headers.getAll('Allow')).toEqual(expect.arrayContaining(['INVITE', 'ACK', 'BYE', 'CANCEL']));
});

it('9-03: answers with an msrps URI over TLS', async () => {
  await start({ tls: {} });
  const secure = { content: CONTENT, protocol: 'TCP/TLS/MSRP', path: 'msrps://127.0.0.1:9999/abc;tcp' };
  const { sdp } = await receiver.invite(descriptionOf([mediaOf(AT, secure)]));
  expect(sdp.media[0]?.[0]).toBe('m=message 9 TCP/TLS/MSRP *');
  expect(attribute(sdp.media[0], 'path')).toMatch(/^msrps:\/\/127\.0\.0\.1:9\/.*;tcp$/);
});

it('8.2.1-05: answers an IPv6 offer over IPv6', async () => {
  receiver = await SessionReceiver.start({ host: '::1' });
  const { sdp } = await receiver.invite(descriptionOf([mediaOf(AT, { content: CONTENT })], '::1'));
  expect(sdp.session).toContain('c=IN IP6 ::1');
  expect(sdp.session[1]).toMatch(/IN IP6 ::1$/);
  expect(attribute(sdp.media[0], 'path')).toMatch(/^msrp:\/\/\[::1\]:9\//);
});
