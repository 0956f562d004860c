/** The checks of an INVITE (TS 8.2.1.1, steps 1 to 3). */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PSA } from '../../support/agents/agents.js';
import { IDENTITY, RESOURCE, SDP, SessionReceiver } from '../../support/agents/session-receiver.js';
import {
  attribute,
  bytes,
  descriptionOf,
  FILE,
  mediaOf,
  type Offered,
} from '../../support/msrp/push-offers.js';

const AT = { port: 9999 };
const MMS = 'application/vnd.wap.mms-message';
const OFFER = descriptionOf([mediaOf(AT, { content: bytes(10) })]);

let receiver: SessionReceiver;
let considered: string[];
beforeEach(async () => {
  receiver = await SessionReceiver.start({
    apps: [
      {
        id: 'mms.ua',
        accepts: [MMS],
        delivery: 'direct',
        order: 'parallel',
        start: () => ({ receive: () => {} }),
      },
    ],
  });
  considered = [];
  receiver.consider = ({ type }) => void considered.push(type);
});
afterEach(() => receiver.stop());

/** A multipart with a file icon before the SDP. */
function multipart(sdp: string, type = 'application/sdp'): string {
  return [
    '--edge',
    'Content-Type: image/png',
    'Content-ID: <icon@domain.test>',
    'Content-Disposition: icon',
    '',
    'icon',
    '--edge',
    `Content-Type: ${type}`,
    '',
    sdp,
    '--edge--',
    '',
  ].join('\r\n');
}

/** Nothing was opened, and the host received an event. */
function expectRefused(status: number): void {
  expect(considered).toEqual([]);
  expect(receiver.received).toEqual([]);
  expect(receiver.of('refused')).toMatchObject([{ method: 'INVITE', status, from: PSA }]);
}

describe('the push resource', () => {
  it.each([
    ['no Accept-Contact', []],
    ['an Accept-Contact without a push resource', ['Accept-Contact: *;+sip.message']],
    ['an unknown push resource', ['Accept-Contact: *;+g.oma.pusheventapp="ulp.ua"']],
    [
      'a push resource of another namespace',
      ['Accept-Contact: *;+g.oma.pusheventapp="x-wap-vodafone:files.ua"'],
    ],
    ['a negated push resource', ['Accept-Contact: *;+g.oma.pusheventapp="!files.ua"']],
  ])('8.2.1-02, 7.2-04: is answered 403 for %s', async (_title, lines) => {
    expect((await receiver.invite(OFFER, [...lines, IDENTITY, SDP])).status).toBe(403);
    expectRefused(403);
  });
});

describe('the sender', () => {
  it.each([
    ['no identity', []],
    ['an untrusted identity', ['P-Asserted-Identity: <sip:mallory@domain.test>']],
    [
      'a trusted identity only as the display name',
      [`P-Asserted-Identity: "${PSA}" <sip:mallory@domain.test>`],
    ],
    ['a preferred identity, which is not asserted', [`P-Preferred-Identity: <${PSA}>`]],
  ])('8.2.1-03, 9-01: is answered 403 for %s', async (_title, lines) => {
    expect((await receiver.invite(OFFER, [RESOURCE, SDP, ...lines])).status).toBe(403);
    expectRefused(403);
  });

  it('8.2.1-03: is answered 403 for a malformed P-Asserted-Identity', async () => {
    const malformed = 'P-Asserted-Identity: <sip:psa@>';
    expect((await receiver.invite(OFFER, [RESOURCE, SDP, malformed, IDENTITY])).status).toBe(403);
    expectRefused(403);
  });
});

describe('the offer', () => {
  it('8.2.1-01: of types that no application accepts is answered 488 with the types of the addressed resource', async () => {
    const offer = descriptionOf([mediaOf(AT, { type: 'text/html' })]);
    const { status, sdp, answer } = await receiver.invite(offer);
    expect(status).toBe(488);
    expect(answer.headers.get('Content-Type')).toBe('application/sdp');
    expect(sdp.media).toHaveLength(1);
    expect(sdp.media[0]?.[0]).toBe('m=message 0 TCP/MSRP *');
    expect(attribute(sdp.media[0], 'accept-types')).toBe(`${FILE} text/plain`);
    expectRefused(488);
    expect(receiver.of('refused')).toMatchObject([
      {
        apps: ['files.ua'],
        reason: expect.stringMatching(/^no application accepts text\/html; /),
      },
    ]);
  });

  it('8.2.1-01: of a type of another application is answered 488', async () => {
    const { status, sdp } = await receiver.invite(descriptionOf([mediaOf(AT, { type: MMS })]));
    expect(status).toBe(488);
    expect(attribute(sdp.media[0], 'accept-types')).toBe(`${FILE} text/plain`);
    expectRefused(488);
  });

  const WRAPPED = (type: string) => [`a=accept-wrapped-types:${type}`];
  it.each<[string, Offered]>([
    ['a file of another type than its accept-types', { acceptTypes: 'text/plain' }],
    ['a file whose accept-types have a container only', { acceptTypes: 'message/cpim' }],
    [
      'a file that its container must not have',
      { acceptTypes: 'message/cpim', lines: WRAPPED('text/plain') },
    ],
    ['a file with wrapped types, but no container', { acceptTypes: 'text/plain', lines: WRAPPED('*') }],
    [
      'a container with other types',
      { messages: true, acceptTypes: 'message/cpim', lines: WRAPPED('text/html') },
    ],
    ['a range of other types', { messages: true, acceptTypes: 'image/* video/*' }],
  ])('8.2.1-01: of %s is answered 488', async (_what, offered) => {
    const offer = descriptionOf([mediaOf(AT, { content: bytes(10), ...offered })]);
    const { status, sdp } = await receiver.invite(offer);
    expect(status).toBe(488);
    expect(attribute(sdp.media[0], 'accept-types')).toBe(`${FILE} text/plain`);
    expectRefused(488);
  });

  it.each<[string, Offered, string?]>([
    ['a file with `*`', { acceptTypes: '*' }],
    ['a file with a range', { acceptTypes: 'image/* application/*' }],
    ['a file in capitals', { acceptTypes: 'APPLICATION/OCTET-STREAM' }],
    [
      'a file in a container (RFC 5547 §9)',
      { acceptTypes: 'message/cpim', lines: WRAPPED('*') },
      `${FILE} text/plain`,
    ],
    [
      'messages in a container',
      { messages: true, acceptTypes: 'message/cpim', lines: WRAPPED('image/* text/*') },
      `${FILE} text/plain`,
    ],
    ['messages of a range', { messages: true, acceptTypes: 'text/*' }],
  ])('8.2.1-01: of %s is accepted', async (_what, offered, wrapped) => {
    const offer = descriptionOf([mediaOf(AT, { content: bytes(10), ...offered })]);
    const { status, sdp } = await receiver.invite(offer);
    expect(status).toBe(200);
    const container = wrapped ? ' message/cpim' : '';
    expect(attribute(sdp.media[0], 'accept-types')).toBe(`${FILE} text/plain${container}`);
    expect(attribute(sdp.media[0], 'accept-wrapped-types')).toBe(wrapped);
  });

  it('8.2.1-00, 8.2.1-01, 8.2.1-02, 8.2.1-03: is checked for types, then for the resource, then for the identity, then for files', async () => {
    const html = descriptionOf([mediaOf(AT, { type: 'text/html' })]);
    expect((await receiver.invite(html, [SDP])).status).toBe(488);
    expect((await receiver.invite(OFFER, [SDP])).status).toBe(403);
    expect((await receiver.invite(OFFER, [SDP, RESOURCE])).status).toBe(403);
    expect(receiver.of('refused').map(({ reason }) => reason)).toEqual([
      expect.stringMatching(/^no application accepts text\/html; accepted types: .*text\/plain/),
      'no push resource identifier in Accept-Contact',
      'the SIP/IP core asserts no identity of the sender',
    ]);
    expect(considered).toEqual([]);
    expect((await receiver.invite(OFFER)).status).toBe(200);
    expect(considered).toEqual([FILE]);
    expect(receiver.of('refused').map(({ apps }) => apps)).toEqual([undefined, undefined, undefined]);
  });

  it('for several resources is answered with the types of all', async () => {
    const several = 'Accept-Contact: *;+g.oma.pusheventapp="mms.ua,files.ua"';
    const html = descriptionOf([mediaOf(AT, { type: 'text/html' })]);
    const { sdp } = await receiver.invite(html, [several, IDENTITY, SDP]);
    expect(attribute(sdp.media[0], 'accept-types')?.split(' ').sort()).toEqual(
      [FILE, MMS, 'text/plain'].sort(),
    );
  });
});

describe('the session description', () => {
  it.each([
    ['resource', [IDENTITY]],
    ['identity', [RESOURCE]],
  ])('8.2.1-02, 8.2.1-03: that is missing does not change the check of the %s', async (_what, lines) => {
    expect((await receiver.invite('', lines)).status).toBe(403);
    expectRefused(403);
  });

  it.each(['multipart/mixed', 'multipart/related'])('can be in a %s (RFC 5621)', async (type) => {
    const { status, sdp } = await receiver.invite(multipart(OFFER), [
      RESOURCE,
      IDENTITY,
      `Content-Type: ${type};boundary=edge`,
    ]);
    expect(status).toBe(200);
    expect(attribute(sdp.media[0], 'file-selector')).toContain('size:10');
  });

  it('can be in a nested multipart', async () => {
    const inner = multipart(OFFER);
    const body = `--outer\r\nContent-Type: multipart/related;boundary=edge\r\n\r\n${inner}\r\n--outer--\r\n`;
    const lines = [RESOURCE, IDENTITY, 'Content-Type: multipart/mixed;boundary=outer'];
    expect((await receiver.invite(body, lines)).status).toBe(200);
  });

  it.each([
    ['has no SDP', multipart('hello', 'text/plain'), 415],
    ['has no end', multipart(OFFER).replace('--edge--', ''), 400],
  ])('in a multipart that %s is refused', async (_title, body, status) => {
    const lines = [RESOURCE, IDENTITY, 'Content-Type: multipart/mixed;boundary=edge'];
    expect((await receiver.invite(body, lines)).status).toBe(status);
    expectRefused(status);
  });

  it('of another type is answered 415 with Accept (RFC 3261 §8.2.3)', async () => {
    const { status, answer } = await receiver.invite('hello', [
      RESOURCE,
      IDENTITY,
      'Content-Type: text/plain',
    ]);
    expect(status).toBe(415);
    expect(answer.headers.get('Accept')).toBe('application/sdp');
    expectRefused(415);
  });

  it('with an encoding is answered 415 with Accept-Encoding', async () => {
    const lines = [RESOURCE, IDENTITY, SDP, 'Content-Encoding: br'];
    const { status, answer } = await receiver.invite(OFFER, lines);
    expect(status).toBe(415);
    expect(answer.headers.get('Accept-Encoding')).toBe('identity');
    expectRefused(415);
  });

  it.each([
    ['is not SDP', 'hello'],
    ['has no c= line', OFFER.replace(/c=.*\r\n/, '')],
    ['has no path', OFFER.replace(/a=path.*\r\n/, '')],
    ['has an invalid selector', OFFER.replace(/size:10/, 'size:many')],
    ['has 101 media lines', descriptionOf(Array.from({ length: 101 }, () => mediaOf(AT)))],
    ['has too many media lines to parse', descriptionOf(Array.from({ length: 200 }, () => mediaOf(AT)))],
  ])('that %s is answered 400', async (_title, body) => {
    expect((await receiver.invite(body)).status).toBe(400);
    expectRefused(400);
  });

  it.each([
    ['no media line', []],
    ['audio only', ['m=audio 4000 RTP/AVP 0']],
    ['MSRP over an unknown protocol', [mediaOf(AT, { protocol: 'SCTP/MSRP' })]],
    ['closed lines only', [mediaOf({ port: 0 })]],
    ['a recvonly line', [mediaOf(AT, { direction: 'recvonly' })]],
    ['an inactive line', [mediaOf(AT, { direction: 'inactive' })]],
    ['an active end (RFC 4145)', [mediaOf(AT, { setup: 'active' })]],
    ['an end with holdconn (RFC 4145)', [mediaOf(AT, { setup: 'holdconn' })]],
  ])('8.2.1-01: with %s is answered 488', async (_title, media) => {
    expect((await receiver.invite(descriptionOf(media))).status).toBe(488);
    expectRefused(488);
  });
});

it('answers 420 for an unsupported option tag (RFC 3261 §8.2.2.3)', async () => {
  const lines = [RESOURCE, IDENTITY, SDP, 'Require: recipient-list-invite'];
  const { status, answer } = await receiver.invite(OFFER, lines);
  expect(status).toBe(420);
  expect(answer.headers.get('Unsupported')).toBe('recipient-list-invite');
  expectRefused(420);
});
