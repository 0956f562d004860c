/** The steps of the ladder on the demo's page. */

import { expect, it } from 'vitest';
import { writeMessage } from '../../core/sip/message/writer.js';
import type { SipFlow } from '../../core/sip/transport/flow.js';
import { ladderStep } from '../../sdk/cli/demo/ladder.js';
import { request } from '../support/sip/requests.js';

const BOB = 'sip:bob@domain.test';
const AUTHORIZATION = 'Proxy-Authorization: Digest username="psa"';
const MMS = 'Accept-Contact: *;+g.oma.pusheventapp="mms.ua";require;explicit';
const FLOW: SipFlow = {
  transport: 'TCP',
  reliable: true,
  local: { host: '127.0.0.1', port: 5080 },
  remote: { host: '127.0.0.1', port: 5060 },
  closed: false,
  send() {},
};

it.each([
  ['REGISTER', ['Contact: <sip:bob@127.0.0.1>;+g.oma.pusheventapp="mms.ua"'], '', 'with mms.ua'],
  [
    'REGISTER',
    ['Contact: <sip:bob@127.0.0.1>;expires=0', 'Authorization: Digest x="y"'],
    '',
    'de-registers, with credentials',
  ],
  ['MESSAGE', [MMS, 'Content-Type: text/plain'], 'hello', 'content of 5 bytes, for mms.ua'],
  [
    'INVITE',
    [MMS, 'Content-Type: application/sdp', AUTHORIZATION],
    'v=0\r\n',
    'offer of 5 bytes, for mms.ua, with credentials',
  ],
  ['OPTIONS', [AUTHORIZATION], '', 'with credentials'],
  ['ACK', [AUTHORIZATION], '', ''],
  ['BYE', [AUTHORIZATION], '', ''],
])('describes a %s with %j', (method, headers, body, note) => {
  const bytes = writeMessage(request(method, BOB, headers, body));
  expect(ladderStep('sender', 'out', bytes, FLOW)).toMatchObject({ label: method, note });
});
