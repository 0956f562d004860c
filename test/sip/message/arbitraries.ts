/** Whole messages for property tests. */

import fc from 'fast-check';
import { SipHeaders, type SipMessage } from '../../../core/sip/message/message.js';

const word = fc.stringMatching(/^[A-Za-z0-9.-]{1,12}$/);
const method = fc.constantFrom('MESSAGE', 'REGISTER', 'OPTIONS', 'INVITE', 'foo');

/** Any text that is valid in a header line: without CR, LF and surrounding white space, which is not part of the value. */
const text = fc
  .string({ unit: 'grapheme' })
  .map((value) => value.replace(/[\r\n]/g, '').replace(/^[ \t]+|[ \t]+$/g, ''));

const start = fc.oneof(
  fc.record({ method, uri: word.map((user) => `sip:${user}@domain.test`) }),
  fc.record({ status: fc.integer({ min: 100, max: 699 }), reason: text }),
);

export const messages: fc.Arbitrary<SipMessage> = fc
  .record({
    start,
    callId: word,
    number: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
    extra: fc.array(fc.tuple(fc.constantFrom('Subject', 'X-Unknown', 'User-Agent', 'Supported'), text), {
      maxLength: 8,
    }),
    body: fc.uint8Array({ maxLength: 200 }),
  })
  .map(({ start: startLine, callId, number, extra, body }) => {
    const headers = new SipHeaders()
      .append('Via', `SIP/2.0/TCP h${callId}x.test;branch=z9hG4bK${callId}`)
      .append('From', '"A \\" B" <sip:a@b>;tag=1')
      .append('To', '<sip:c@d>')
      .append('Call-ID', callId)
      .append('CSeq', `${number} ${'method' in startLine ? startLine.method : 'MESSAGE'}`);
    for (const [name, value] of extra) headers.append(name, value);
    return { ...startLine, headers, body };
  });
