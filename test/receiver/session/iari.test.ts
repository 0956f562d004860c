/** The IARI in Accept-Contact selects one of several instances of an application (TS appendix D). */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { IDENTITY, SDP, SessionReceiver } from '../../support/agents/session-receiver.js';
import {
  attribute,
  bytes,
  descriptionOf,
  FILE,
  mediaOf,
  type Offered,
} from '../../support/msrp/push-offers.js';
import { RawListener } from '../../support/msrp/raw-msrp.js';
import { SenderEnd } from '../../support/msrp/sender-end.js';
import { until } from '../../support/wait.js';

const iari = (name: string) => `urn:urn-7:3gpp-application.ims.iari.${name}`;
const feature = (name: string) => `+g.3gpp.iari-ref="urn%3Aurn-7%3A3gpp-application.ims.iari.${name}"`;
const CONTENT = bytes(10);

let receiver: SessionReceiver;
let listener: RawListener;
/** The instance that received each push. */
let received: string[];
beforeEach(async () => {
  received = [];
  listener = await RawListener.open();
  const instance = (name: string, accepts: string[], size: number) => ({
    ...{ id: 'twin.ua', iari: iari(name), accepts, maxSize: size },
    start: () => ({ receive: () => void received.push(name) }),
  });
  receiver = await SessionReceiver.start({
    apps: [instance('work', [FILE, 'text/plain'], 200), instance('home', [FILE, 'image/png'], 100)],
  });
});
afterEach(async () => {
  await receiver.stop();
  listener.close();
});

/** A session for the instance with this name, or for any. */
function inviting(offered: Offered, name?: string) {
  const resource = ['Accept-Contact: *;+g.oma.pusheventapp="twin.ua";require;explicit'];
  if (name !== undefined) resource.push(`Accept-Contact: *;${feature(name)}`);
  return receiver.invite(descriptionOf([mediaOf(listener.address, offered)]), [...resource, IDENTITY, SDP]);
}

describe.each([
  ['work', 200, `${FILE} text/plain`],
  ['home', 100, `${FILE} image/png`],
])('D-01, 8.2.1-02: a session for %s', (name, size, types) => {
  it.each([
    ['a file', { content: CONTENT }],
    ['a message that the offer does not describe', { messages: true }],
  ])('delivers %s to that instance', async (_what, offered) => {
    const { status, sdp, answer } = await inviting(offered, name);
    expect(status).toBe(200);
    expect(attribute(sdp.media[0], 'max-size')).toBe(String(size));
    expect(attribute(sdp.media[0], 'accept-types')).toBe(types);
    expect(answer.headers.get('Contact')).toContain(feature(name));
    const end = await SenderEnd.bound(listener);
    expect(await end.send(CONTENT)).toBe(200);
    await until(() => expect(received).toEqual([name]));
  });

  it('refuses a file that is too large for that instance', async () => {
    const { status, sdp } = await inviting({ size: size + 1 }, name);
    expect(status).toBe(488);
    expect(attribute(sdp.media[0], 'max-size')).toBe(String(size));
  });
});

it.each([
  ['a file', { content: CONTENT, type: 'text/plain' }],
  ['messages', { messages: true, type: 'text/plain' }],
])('D-01, 8.2.1-01: rejects %s of a type of the other instance with 488', async (_what, offered) => {
  const { status, sdp } = await inviting(offered, 'home');
  expect(status).toBe(488);
  expect(attribute(sdp.media[0], 'accept-types')).toBe(`${FILE} image/png`);
});

it('D-01, 8.2.1-02: rejects a session for an instance that is not loaded with 403', async () => {
  expect((await inviting({ content: CONTENT }, 'school')).status).toBe(403);
});

it('D-01: delivers to the first instance that accepts the type without an IARI', async () => {
  const { status, answer } = await inviting({ content: CONTENT });
  expect(status).toBe(200);
  expect(answer.headers.get('Contact')).not.toContain('iari');
  const end = await SenderEnd.bound(listener);
  expect(await end.send(CONTENT)).toBe(200);
  await until(() => expect(received).toEqual(['work']));
});
