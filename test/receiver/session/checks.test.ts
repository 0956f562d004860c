/** What an INVITE must show before a session is set up (TS 8.2.1.1, steps 1 to 3). */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PSA } from '../../support/agents.js';
import { attribute, bytes, descriptionOf, FILE, mediaOf } from '../../support/push-offers.js';
import { IDENTITY, RESOURCE, SDP, SessionReceiver } from '../../support/session-receiver.js';

const AT = { port: 9999 };
const MMS = 'application/vnd.wap.mms-message';
const OFFER = descriptionOf([mediaOf(AT, { content: bytes(10) })]);

let receiver: SessionReceiver;
let considered: string[];
beforeEach(async () => {
  receiver = await SessionReceiver.start({
    apps: [{ id: 'mms.ua', accepts: [MMS], start: () => ({ receive: () => {} }) }],
  });
  considered = [];
  receiver.consider = ({ type }) => void considered.push(type);
});
afterEach(() => receiver.stop());

/** Nothing was opened for it, and the host was told. */
function expectRefused(status: number): void {
  expect(considered).toEqual([]);
  expect(receiver.taken).toEqual([]);
  expect(receiver.of('refused')).toMatchObject([{ method: 'INVITE', status, from: PSA }]);
}

describe('the push resource', () => {
  it.each([
    ['no Accept-Contact', []],
    ['an Accept-Contact without push resource', ['Accept-Contact: *;+sip.message']],
    ['an unknown push resource', ['Accept-Contact: *;+g.oma.pusheventapp="ulp.ua"']],
    ["another's of the same name", ['Accept-Contact: *;+g.oma.pusheventapp="x-wap-vodafone:files.ua"']],
    ['one that is negated', ['Accept-Contact: *;+g.oma.pusheventapp="!files.ua"']],
  ])('8.2.1-02, 7.2-04: %s: 403', async (_title, lines) => {
    expect((await receiver.invite(OFFER, [...lines, IDENTITY, SDP])).status).toBe(403);
    expectRefused(403);
  });
});

describe('the sender', () => {
  it.each([
    ['no identity', []],
    ['one that is not trusted', ['P-Asserted-Identity: <sip:mallory@domain.test>']],
    ['a trusted one as display name only', [`P-Asserted-Identity: "${PSA}" <sip:mallory@domain.test>`]],
    ['a preferred identity, which nobody asserts', [`P-Preferred-Identity: <${PSA}>`]],
  ])('8.2.1-03, 9-01: %s: 403', async (_title, lines) => {
    expect((await receiver.invite(OFFER, [RESOURCE, SDP, ...lines])).status).toBe(403);
    expectRefused(403);
  });

  it('8.2.1-03: a P-Asserted-Identity that RFC 3325 forbids is malformed: 400', async () => {
    expect((await receiver.invite(OFFER, [RESOURCE, SDP, IDENTITY, IDENTITY])).status).toBe(400);
    expectRefused(400);
  });
});

describe('what is offered', () => {
  it('8.2.1-01: of types that no application takes: 488 with those of the resource that is addressed', async () => {
    const offer = descriptionOf([mediaOf(AT, { type: 'text/html' })]);
    const { status, sdp, answer } = await receiver.invite(offer);
    expect(status).toBe(488);
    expect(answer.headers.get('Content-Type')).toBe('application/sdp');
    expect(sdp.media).toHaveLength(1);
    expect(sdp.media[0]?.[0]).toBe('m=message 0 TCP/MSRP *');
    expect(attribute(sdp.media[0], 'accept-types')).toBe(`${FILE} text/plain`);
    expectRefused(488);
  });

  it("8.2.1-01: of another application's type: 488 all the same", async () => {
    const { status, sdp } = await receiver.invite(descriptionOf([mediaOf(AT, { type: MMS })]));
    expect(status).toBe(488);
    expect(attribute(sdp.media[0], 'accept-types')).toBe(`${FILE} text/plain`);
    expectRefused(488);
  });

  it('8.2.1-01: types inside a container that nobody opens: 488', async () => {
    const wrapped = { messages: true, type: 'message/cpim', lines: [`a=accept-wrapped-types:${FILE}`] };
    expect((await receiver.invite(descriptionOf([mediaOf(AT, wrapped)]))).status).toBe(488);
    expectRefused(488);
  });

  it('8.2.1-01, 8.2.1-02, 8.2.1-03: types come before the resource, the resource before the identity', async () => {
    const html = descriptionOf([mediaOf(AT, { type: 'text/html' })]);
    expect((await receiver.invite(html, [SDP])).status).toBe(488);
    await receiver.invite(OFFER, [SDP]);
    await receiver.invite(OFFER, [SDP, RESOURCE]);
    expect(receiver.of('refused').map(({ reason }) => reason)).toEqual([
      'no application accepts text/html',
      'no push resource identifier in Accept-Contact',
      'the SIP/IP core asserts no identity of the sender',
    ]);
  });

  it('of several resources, the types of all', async () => {
    const several = 'Accept-Contact: *;+g.oma.pusheventapp="mms.ua,files.ua"';
    const html = descriptionOf([mediaOf(AT, { type: 'text/html' })]);
    const { sdp } = await receiver.invite(html, [several, IDENTITY, SDP]);
    expect(attribute(sdp.media[0], 'accept-types')?.split(' ').sort()).toEqual(
      [FILE, MMS, 'text/plain'].sort(),
    );
  });
});

describe('its session description', () => {
  it('that is not there: 488, for this end does not offer', async () => {
    const { status, sdp } = await receiver.invite('', [RESOURCE, IDENTITY]);
    expect(status).toBe(488);
    expect(attribute(sdp.media[0], 'accept-types')).toBe(`${FILE} text/plain`);
    expectRefused(488);
  });

  it('that is something else: 415 with Accept (RFC 3261 8.2.3)', async () => {
    const { status, answer } = await receiver.invite('hello', [
      RESOURCE,
      IDENTITY,
      'Content-Type: text/plain',
    ]);
    expect(status).toBe(415);
    expect(answer.headers.get('Accept')).toBe('application/sdp');
    expectRefused(415);
  });

  it('that is encoded as nobody undoes: 415 with Accept-Encoding', async () => {
    const lines = [RESOURCE, IDENTITY, SDP, 'Content-Encoding: br'];
    const { status, answer } = await receiver.invite(OFFER, lines);
    expect(status).toBe(415);
    expect(answer.headers.get('Accept-Encoding')).toBe('identity');
    expectRefused(415);
  });

  it.each([
    ['is no SDP', 'hello'],
    ['has no c= line', OFFER.replace(/c=.*\r\n/, '')],
    ['has no path', OFFER.replace(/a=path.*\r\n/, '')],
    ['has a selector that cannot be read', OFFER.replace(/size:10/, 'size:many')],
    ['has 101 media lines', descriptionOf(Array.from({ length: 101 }, () => mediaOf(AT)))],
    ['has more than SDP may have', descriptionOf(Array.from({ length: 200 }, () => mediaOf(AT)))],
  ])('that %s: 400', async (_title, body) => {
    expect((await receiver.invite(body)).status).toBe(400);
    expectRefused(400);
  });

  it.each([
    ['no media line', []],
    ['audio only', ['m=audio 4000 RTP/AVP 0']],
    ['MSRP over something unknown', [mediaOf(AT, { protocol: 'SCTP/MSRP' })]],
    ['closed lines only', [mediaOf({ port: 0 })]],
    ['a line that receives only', [mediaOf(AT, { direction: 'recvonly' })]],
    ['a line that is inactive', [mediaOf(AT, { direction: 'inactive' })]],
    ['an end that connects itself (RFC 4145)', [mediaOf(AT, { setup: 'active' })]],
    ['an end that holds its connection (RFC 4145)', [mediaOf(AT, { setup: 'holdconn' })]],
  ])('8.2.1-01: with %s: 488', async (_title, media) => {
    expect((await receiver.invite(descriptionOf(media))).status).toBe(488);
    expectRefused(488);
  });
});

it('what it requires of SIP and nobody knows: 420 (RFC 3261 8.2.2.3)', async () => {
  const lines = [RESOURCE, IDENTITY, SDP, 'Require: recipient-list-invite'];
  const { status, answer } = await receiver.invite(OFFER, lines);
  expect(status).toBe(420);
  expect(answer.headers.get('Unsupported')).toBe('recipient-list-invite');
  expectRefused(420);
});
