/** Flow B.4, message by message and frame by frame. Where the sample is malformed, the test expects the corrected form. */

import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { memoryContent } from '../../core/content/content.js';
import { BOB, PSA } from '../support/agents/agents.js';
import { FlowScene, GRUU, SERVICE, SERVICE_FEATURE } from '../support/agents/flow-scene.js';
import type { ExpectedStep } from '../support/captures/ladder.js';
import { type TappedFrame, tapMsrp } from '../support/captures/msrp-tap.js';

const ENVELOPE = 'application/vnd.oma.push';
const FEATURES = `;${SERVICE_FEATURE};+g.oma.pusheventapp="wml.ua"`;
/** The first two chunks of an agent; the sample has chunks of another size. */
const CONTENT = Buffer.from(`Content-Type: text/vnd.wap.si\r\n\r\n${'0123456789abcdef'.repeat(1500)}`);
const HASH = createHash('sha1').update(CONTENT).digest('hex').toUpperCase().match(/../g)?.join(':');
const SELECTOR = `name:"pushid-a3cd20b8ae7f" type:${ENVELOPE} size:${CONTENT.length} hash:sha-1:${HASH}`;

let scene: FlowScene;
afterEach(async () => {
  vi.restoreAllMocks();
  await scene.close();
});

const from = expect.stringMatching(/^<sip:psa@domain\.test>;tag=\S+$/);
const toTagged = expect.stringMatching(/^<sip:bob@domain\.test[^>]*>;tag=\S+$/);
const toContact = expect.stringMatching(/^sip:[^@]+@127\.0\.0\.1:\d+;transport=tcp$/);

/** Each line of an SDP body once. */
const sdp = (...lines: (string | RegExp)[]) => ({
  asymmetricMatch: (body: unknown) => {
    const actual = String(body).split('\r\n');
    return lines.every((line) =>
      actual.some((each) => (typeof line === 'string' ? each === line : line.test(each))),
    );
  },
  toString: () => 'an SDP body',
  toAsymmetricMatcher: () => lines.join('\n'),
});

/** In the order of the sample; without its spaces after colons, which are not in RFC 4145, RFC 4975 and RFC 5547. */
const OFFER = sdp(
  'v=0',
  /^o=\S+ \d+ \d+ IN IP4 127\.0\.0\.1$/,
  's=-',
  'c=IN IP4 127.0.0.1',
  't=0 0',
  /^m=message \d+ TCP\/MSRP \*$/,
  'a=setup:passive',
  'a=sendonly',
  `a=accept-types:${ENVELOPE}`,
  /^a=path:msrp:\/\/127\.0\.0\.1:\d+\/\S+;tcp$/,
  /^a=file-transfer-id:\S+$/,
  `a=file-selector:${SELECTOR}`,
);
const ANSWER = sdp(
  's=-',
  'c=IN IP4 127.0.0.1',
  /^m=message [1-9]\d* TCP\/MSRP \*$/,
  'a=setup:active',
  'a=recvonly',
  /^a=accept-types:\S*application\/vnd\.oma\.push/,
  /^a=path:msrp:\/\/127\.0\.0\.1:\d+\/\S+;tcp$/,
  /^a=file-transfer-id:\S+$/,
  `a=file-selector:${SELECTOR}`,
);

/** Steps 1 and 2. */
const invited = {
  From: from,
  To: `<${GRUU}>`,
  'P-Asserted-Identity': `<${PSA}>`,
  'P-Asserted-Service': SERVICE,
  Supported: expect.stringMatching(/\bgruu\b/),
  Contact: expect.stringMatching(/^<sip:[^>]+>/),
  'Accept-Contact': `*;+g.oma.pusheventapp="wml.ua";require;explicit, *;${SERVICE_FEATURE}`,
  'Content-Type': 'application/sdp',
};
/** Steps 3 and 4. */
const accepted = {
  From: from,
  To: toTagged,
  Supported: expect.stringMatching(/\bgruu\b/),
  Contact: `<${GRUU}>${FEATURES}`,
  'Content-Type': 'application/sdp',
};
/** Later messages of the dialog. The response to the BYE of the sample has another CSeq than the BYE. */
const within = { From: from, To: toTagged, 'Content-Length': '0' };

const STEPS: readonly ExpectedStep[] = [
  { line: 'PSA → core: INVITE', uri: GRUU, headers: { ...invited, 'Max-Forwards': '70' }, body: OFFER },
  {
    line: 'core → PRA: INVITE',
    uri: toContact,
    headers: { ...invited, 'Max-Forwards': '69', 'P-Called-Party-ID': `<${GRUU}>` },
    body: OFFER,
  },
  { line: 'PRA → core: 200', headers: { ...accepted, 'P-Asserted-Identity': undefined }, body: ANSWER },
  { line: 'core → PSA: 200', headers: { ...accepted, 'P-Asserted-Identity': `<${BOB}>` }, body: ANSWER },
  { line: 'PSA → core: ACK', uri: GRUU, headers: within },
  { line: 'core → PRA: ACK', uri: toContact, headers: within },
  // Steps 12 to 15, after the MSRP steps.
  { line: 'PSA → core: BYE', uri: GRUU, headers: within },
  { line: 'core → PRA: BYE', uri: toContact, headers: within },
  { line: 'PRA → core: 200', headers: within },
  { line: 'core → PSA: 200', headers: within },
];

describe('B.4: push content in an MSRP session, set up by INVITE', () => {
  it('B.4, 8.2.3-00, 8.2.3-03, AD-5.3.1-5: a file is offered, sent in acknowledged chunks, reported, and the session ended', async () => {
    scene = await FlowScene.open({ apps: ['wml.ua'], accepts: [ENVELOPE] });
    const frames = tapMsrp();
    const device = await scene.register();
    const content = memoryContent({ type: ENVELOPE, parameters: {} }, CONTENT);
    const receipts = await scene.sender.send({
      ...{ to: GRUU, app: 'wml.ua', mode: 'session', report: true },
      files: [{ content, name: 'pushid-a3cd20b8ae7f' }],
    });
    const messages = await scene.ladder.expectSteps(['INVITE', 'ACK', 'BYE'], STEPS);
    const of = (name: string) => messages.map(({ headers }) => headers.get(name));
    expect(new Set(of('Call-ID')).size).toBe(1);
    expect(of('CSeq')).toEqual([
      ...Array(4).fill('1 INVITE'),
      ...Array(2).fill('1 ACK'),
      ...Array(4).fill('2 BYE'),
    ]);
    // Only the Contact: those of the INVITE and of its response in the ladder are the same at both ends.
    expect(of('Contact')[0]).toMatch(/^<sip:[^>]+>/);
    expect(of('Contact')[0]?.replace(/^<[^>]+>/, '')).toBe(FEATURES);

    const line = (index: number, name: string) =>
      new RegExp(`^a=${name}:(.*)$`, 'm')
        .exec(Buffer.from(messages[index]?.body ?? []).toString())?.[1]
        ?.trim();
    const [senderPath = '', receiverPath = ''] = [line(0, 'path'), line(2, 'path')];
    expect(line(2, 'file-transfer-id')).toBe(line(0, 'file-transfer-id'));
    checkFrames(frames, senderPath, receiverPath);
    expect(receipts).toMatchObject([
      { outcome: 'delivered', mode: 'session', reported: true, terminal: GRUU },
    ]);
    expect(device.of('push')).toMatchObject([{ app: 'wml.ua', mode: 'session', size: CONTENT.length }]);
  });
});

/**
 * Steps 7 to 11. In step 7 the sender opens the connection, against its own SDP (`setup:passive`) and 8.2.3-02. The
 * receiver opens it, and identifies itself by a SEND without a body (RFC 4975 §5.4).
 */
function checkFrames(frames: readonly TappedFrame[], senderPath: string, receiverPath: string): void {
  const sent = frames.filter(({ direction }) => direction === 'out');
  const theirs = frames.filter(({ direction }) => direction === 'in');
  for (const { direction, headers } of frames) {
    const [to, own] = direction === 'out' ? [senderPath, receiverPath] : [receiverPath, senderPath];
    expect([headers.get('To-Path'), headers.get('From-Path')]).toEqual([to, own]);
  }
  expect(sent.map(({ what, body }) => [what, body])).toEqual([
    ['SEND', ''],
    ['200', ''],
    ['200', ''],
    ['REPORT', ''],
  ]);
  expect(theirs.map(({ what }) => what)).toEqual(['200', 'SEND', 'SEND']);
  const [hello, ...answers] = sent;
  const [bindingSend, ...chunks] = theirs;
  expect(bindingSend?.transactionId).toBe(hello?.transactionId);

  const total = CONTENT.length;
  const first = chunks[0]?.body.length ?? 0;
  const messageId = chunks[0]?.headers.get('Message-ID');
  for (const { headers } of chunks) {
    expect(headers.get('Message-ID')).toBe(messageId);
    expect(headers.get('Success-Report')).toBe('yes');
    expect(headers.get('Content-Type')).toBe(ENVELOPE);
  }
  // RFC 4975 §7.1.1: chunks of more than 2048 bytes are interruptible, and do not contain their end.
  expect(chunks.map(({ headers, flag }) => [headers.get('Byte-Range'), flag])).toEqual([
    [`1-*/${total}`, '+'],
    [`${first + 1}-*/${total}`, '$'],
  ]);
  expect(Buffer.from(chunks.map(({ body }) => body).join(''), 'latin1').equals(CONTENT)).toBe(true);
  // Steps 8 and 10: each chunk is answered after it has arrived.
  for (const [index, chunk] of chunks.entries()) {
    const answer = answers[index];
    expect([answer?.what, answer?.transactionId]).toEqual(['200', chunk.transactionId]);
    expect(answer && frames.indexOf(answer)).toBeGreaterThan(frames.indexOf(chunk));
  }
  // Step 11. RFC 4975 §7.1.2: `000` is the namespace of SIP and MSRP codes; the comment is omitted.
  const report = sent.at(-1);
  expect(report?.headers.get('Message-ID')).toBe(messageId);
  expect(report?.headers.get('Byte-Range')).toBe(`1-${total}/${total}`);
  expect(report?.headers.get('Status')).toMatch(/^000 200( OK)?$/);
}
