import { afterEach, expect, it, vi } from 'vitest';
import { TimeoutError } from '../../core/errors.js';
import { MsrpRefusedError } from '../../core/msrp/index.js';
import { bound, type Closing, Inbox, type Received } from '../support/msrp/sessions.js';

const closing: Closing = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const close of closing.splice(0).reverse()) await close();
});

async function receiving(prepare?: (message: Received) => void, limits = {}) {
  const inbox = new Inbox(prepare);
  return { inbox, ...(await bound(closing, { onMessage: inbox.onMessage }, limits)) };
}

/** A promise that the test settles. */
function gate() {
  let open = () => {};
  let fail: (error: Error) => void = () => {};
  const passed = new Promise<void>((resolve, reject) => {
    open = resolve;
    fail = reject;
  });
  return { passed, open, fail };
}

it('passes on the headers of the first chunk (RFC 4975 §7.3)', async () => {
  const { inbox, peer, route } = await receiving();
  const headers = {
    'Success-Report': 'yes',
    'Failure-Report': 'partial',
    'Content-Disposition': 'attachment; filename="a b"',
    'Content-Type': 'image/png',
  };
  peer.send({ ...route, messageId: 'm1', range: '1-3/7', headers, body: 'abc', flag: '+' });
  const { head } = await inbox.nextStarted();
  expect(head).toMatchObject({
    ...{ messageId: 'm1', contentType: 'image/png', size: 7, successReport: true, failureReport: 'partial' },
  });
  expect(head.headers.get('content-disposition')).toBe('attachment; filename="a b"');
  await peer.statusOf({ ...route, messageId: 'm2', body: 'x' });
  expect((await inbox.nextStarted()).head).toMatchObject({ successReport: false, failureReport: 'yes' });
});

it.each([
  ['in one chunk', [['1-6/6', 'abcdef', '$']]],
  ['in one chunk, without Byte-Range', [[undefined, 'abcdef', '$']]],
  ['of unknown end', [['1-*/6', 'abcdef', '$']]],
  [
    'of unknown total',
    [
      ['1-*/*', 'abc', '+'],
      ['4-*/*', 'def', '$'],
    ],
  ],
  [
    'ended by a chunk without bytes',
    [
      ['1-*/*', 'abcdef', '+'],
      ['7-6/6', '', '$'],
    ],
  ],
  [
    'in chunks',
    [
      ['1-2/6', 'ab', '+'],
      ['3-4/6', 'cd', '+'],
      ['5-6/6', 'ef', '$'],
    ],
  ],
  [
    'interrupted',
    [
      ['1-*/6', 'ab', '+'],
      ['3-*/6', 'cdef', '$'],
    ],
  ],
  [
    'out of order',
    [
      ['5-6/6', 'ef', '$'],
      ['1-2/6', 'ab', '+'],
      ['3-4/6', 'cd', '+'],
    ],
  ],
  [
    'with the last chunk first, and no total before',
    [
      ['4-6/*', 'def', '$'],
      ['1-3/*', 'abc', '+'],
    ],
  ],
  [
    'in overlapping chunks',
    [
      ['1-4/6', 'abcd', '+'],
      ['3-6/6', 'cdef', '$'],
    ],
  ],
  [
    'in repeated chunks',
    [
      ['1-3/6', 'abc', '+'],
      ['1-3/6', 'abc', '+'],
      ['4-6/6', 'def', '$'],
    ],
  ],
] as const)('7.3.1: a message %s', async (_how, chunks) => {
  const { inbox, peer, route } = await receiving();
  for (const [range, body, flag] of chunks) {
    expect(await peer.statusOf({ ...route, messageId: 'm', range, body, flag })).toBe(200);
  }
  const received = await inbox.nextEnded();
  expect(received.content.toString()).toBe('abcdef');
  expect(received.size).toBe(6);
});

it('writes bytes in the order of the sender, with their offset (RFC 4975 §7.3.1)', async () => {
  const { inbox, peer, route } = await receiving();
  await peer.statusOf({ ...route, messageId: 'm', range: '4-6/6', body: 'def', flag: '$' });
  expect(inbox.messages[0]?.hasEnded).toBe(false);
  await peer.statusOf({ ...route, messageId: 'm', range: '1-3/6', body: 'abc', flag: '+' });
  const { writes } = await inbox.nextEnded();
  expect(writes.map(({ offset, bytes }) => [offset, String(Buffer.from(bytes))])).toEqual([
    [3, 'def'],
    [0, 'abc'],
  ]);
});

it('accepts an empty message', async () => {
  const { inbox, peer, route } = await receiving();
  expect(await peer.statusOf({ ...route, messageId: 'm', range: '1-0/0', body: '' })).toBe(200);
  expect((await inbox.nextEnded()).size).toBe(0);
});

it('accepts interleaved messages (RFC 4975 §5.1)', async () => {
  const { inbox, peer, route } = await receiving();
  for (let at = 1; at <= 4; at++) {
    const flag = at === 4 ? '$' : '+';
    for (const messageId of ['m1', 'm2', 'm3']) {
      await peer.statusOf({ ...route, messageId, range: `${at}-${at}/4`, body: `${messageId[1]}`, flag });
    }
  }
  for (const content of ['1111', '2222', '3333']) {
    expect((await inbox.nextEnded()).content.toString()).toBe(content);
  }
});

it('answers chunks according to Failure-Report (RFC 4975 §7.1.1)', async () => {
  const { inbox, peer, route } = await receiving(({ head }) => {
    if (head.contentType === 'image/png') throw new MsrpRefusedError(415, 'no pictures');
  });
  const send = (messageId: string, failureReport: string, type: string) =>
    peer.send({
      ...{ ...route, messageId, body: 'x' },
      headers: { 'Failure-Report': failureReport, 'Content-Type': type },
    });
  send('m1', 'no', 'text/plain');
  send('m2', 'no', 'image/png');
  send('m3', 'partial', 'text/plain');
  const refused = send('m4', 'partial', 'image/png');
  expect(await peer.nextResponse()).toMatchObject({
    transactionId: refused,
    status: 415,
    comment: 'no pictures',
  });
  const accepted = send('m5', 'yes', 'text/plain');
  expect(await peer.nextResponse()).toMatchObject({ transactionId: accepted, status: 200 });
  expect(peer.frames.length).toBe(0);
  expect(inbox.messages.map(({ head }) => head.messageId)).toEqual(['m1', 'm3', 'm5']);
});

it('8.2.3-03: reports on the whole message along its path, for Success-Report (RFC 4975 §7.1.2)', async () => {
  const { inbox, peer, here, there } = await receiving();
  const from = `msrp://relay.test:2855/r;tcp ${there}`;
  const headers = { 'Success-Report': 'yes' };
  peer.send({ to: here, from, messageId: 'm', range: '1-3/6', headers, body: 'abc', flag: '+' });
  expect((await peer.nextResponse()).status).toBe(200);
  peer.send({ to: here, from, messageId: 'm', range: '4-6/6', headers, body: 'def' });
  expect((await peer.nextResponse()).status).toBe(200);
  const { reporter } = await inbox.nextEnded();
  reporter?.success();
  reporter?.failure(400);
  const report = await peer.nextRequest();
  expect(report).toMatchObject({ method: 'REPORT', toPath: from.split(' '), fromPath: [here], flag: '$' });
  expect([...report.headers.entries()]).toEqual([
    ['Message-ID', 'm'],
    ['Byte-Range', '1-6/6'],
    ['Status', '000 200 OK'],
  ]);
  expect(await peer.statusOf({ to: here, from, messageId: 'after' })).toBe(200);
});

it('sends success and failure REPORTs only on request (RFC 4975 §7.1.2)', async () => {
  const { inbox, peer, route } = await receiving();
  const send = async (messageId: string, headers: Record<string, string>) => {
    peer.send({ ...route, messageId, headers, body: 'x' });
    return (await inbox.nextEnded()).reporter;
  };
  (await send('m1', {}))?.success();
  (await send('m2', { 'Failure-Report': 'no', 'Success-Report': 'yes' }))?.failure(403);
  (await send('m3', { 'Failure-Report': 'partial' }))?.failure(403, 'not\r\nyours');
  expect((await peer.nextResponse()).status).toBe(200);
  const report = await peer.nextRequest();
  expect(report.headers.get('Message-ID')).toBe('m3');
  expect(report.headers.get('Status')).toBe('000 403 not yours');
  (await send('m4', { 'Failure-Report': 'no', 'Success-Report': 'yes' }))?.success();
  expect((await peer.nextRequest()).headers.get('Status')).toBe('000 200 OK');
});

it('never answers a REPORT (RFC 4975 §7.1.2)', async () => {
  const { peer, route } = await receiving();
  peer.send({ ...route, method: 'REPORT', messageId: 'm', headers: { Status: '000 200 OK' } });
  peer.send({ ...route, method: 'REPORT', messageId: 'm', headers: { Status: 'so so' } });
  peer.send({ ...route, method: 'REPORT', headers: { 'Byte-Range': 'malformed\r\nno header' } });
  peer.send({ to: `${route.to}x`, from: route.from, method: 'REPORT' });
  expect(await peer.statusOf({ ...route, messageId: 'after' })).toBe(200);
});

it.each([
  [403, new MsrpRefusedError(403, 'not from you')],
  [408, new MsrpRefusedError(408, 'too late')],
  [413, new MsrpRefusedError(413, 'too much')],
  [415, new MsrpRefusedError(415, 'no pictures')],
  [423, new MsrpRefusedError(423, 'out of bounds')],
  [400, new Error('a secret')],
])(
  'answers %i for an error of onMessage or write, and ends only that message (RFC 4975 §10)',
  async (status, error) => {
    const { inbox, peer, route } = await receiving((message) => {
      const { messageId } = message.head;
      if (messageId === 'm1') throw error;
      if (messageId === 'm2') {
        message.onWrite = () => {
          throw error;
        };
      }
      if (messageId === 'm3')
        message.onWrite = async (offset) => (offset > 0 ? Promise.reject(error) : undefined);
    });
    const chunk = (messageId: string, at: number, flag: '+' | '$' = '+') =>
      peer.statusOf({ ...route, messageId, range: `${at}-*/3`, body: 'x', flag });
    expect(await chunk('m1', 1)).toBe(status);
    expect(await chunk('m2', 1)).toBe(status);
    expect(await chunk('m3', 1)).toBe(200);
    expect(await chunk('m4', 1)).toBe(200);
    expect(await chunk('m3', 2)).toBe(status);
    for (const messageId of ['m1', 'm2', 'm3']) expect(await chunk(messageId, 3, '$')).toBe(status);
    expect(await chunk('m4', 2)).toBe(200);
    expect(await chunk('m4', 3, '$')).toBe(200);
    const [m2, m3, m4] = [await inbox.nextEnded(), await inbox.nextEnded(), await inbox.nextEnded()];
    expect(m2.aborted).toBe(error);
    expect(m3.aborted).toBe(error);
    expect(m4.content.toString()).toBe('xxx');
    expect(m2.writes.length).toBe(1);
  },
);

it('does not send the text of an internal error to the peer', async () => {
  const { peer, route } = await receiving(() => {
    throw new Error('a secret');
  });
  peer.send({ ...route, messageId: 'm', body: 'x' });
  expect((await peer.nextResponse()).comment).not.toContain('secret');
});

it('refuses before the end of the chunk (RFC 4975 §10.5)', async () => {
  const { peer, route } = await receiving((message) => {
    message.onWrite = () => {
      throw new MsrpRefusedError(413, 'too much');
    };
  });
  const { to, from } = route;
  const head = `To-Path: ${to}\r\nFrom-Path: ${from}\r\nMessage-ID: m\r\nByte-Range: 1-*/999999\r\n`;
  peer.write(`MSRP long1 SEND\r\n${head}Content-Type: text/plain\r\n\r\nbeginning`);
  expect(await peer.nextResponse()).toMatchObject({ transactionId: 'long1', status: 413 });
  peer.write('and more\r\n-------long1#\r\n');
  expect(await peer.statusOf({ ...route, messageId: 'after' })).toBe(200);
});

it('ends a message that the sender aborts (RFC 4975 §7.1)', async () => {
  const { inbox, peer, route } = await receiving();
  await peer.statusOf({ ...route, messageId: 'm', range: '1-*/9', body: 'abc', flag: '+' });
  expect(await peer.statusOf({ ...route, messageId: 'm', range: '4-*/9', body: 'd', flag: '#' })).toBe(200);
  const { aborted, size } = await inbox.nextEnded();
  expect(aborted?.message).toContain('aborted the message');
  expect(size).toBe(undefined);
  expect(await peer.statusOf({ ...route, messageId: 'm', range: '5-*/9', body: 'e' })).toBe(413);
  // Without a body, between two chunks.
  await peer.statusOf({ ...route, messageId: 'm2', range: '1-*/9', body: 'abc', flag: '+' });
  expect(await peer.statusOf({ ...route, messageId: 'm2', range: '4-3/9', flag: '#' })).toBe(200);
  expect((await inbox.nextEnded()).aborted).toBeDefined();
});

it('does not accept a complete message again', async () => {
  const { inbox, peer, route } = await receiving();
  for (let time = 0; time < 3; time++) {
    expect(await peer.statusOf({ ...route, messageId: 'm', body: 'abc' })).toBe(200);
  }
  expect(inbox.messages.length).toBe(1);
});

it.each([
  [
    'two sizes',
    [
      ['1-3/6', 'abc', '+'],
      ['4-6/7', 'def', '$'],
    ],
  ],
  ['more bytes than the range', [['1-2/6', 'abc', '+']]],
  ['more bytes than the message', [['5-*/6', 'abc', '$']]],
  ['a last chunk that is not the last', [['1-*/6', 'abc', '$']]],
  ['bytes beyond all numbers', [[`${Number.MAX_SAFE_INTEGER - 1}-*/*`, 'abc', '+']]],
] as const)('400: chunks that make no message: %s', async (_what, chunks) => {
  const { inbox, peer, route } = await receiving();
  const statuses = [];
  for (const [range, body, flag] of chunks) {
    statuses.push(await peer.statusOf({ ...route, messageId: 'm', range, body, flag }));
  }
  expect(statuses.at(-1)).toBe(400);
  expect((await inbox.nextEnded()).aborted).toBeInstanceOf(MsrpRefusedError);
  expect(await peer.statusOf({ ...route, messageId: 'after', body: 'x' })).toBe(200);
});

it('answers 413 beyond the limits of simultaneous messages and of separate parts', async () => {
  const { inbox, peer, route } = await receiving(undefined, { messages: 2, parts: 3 });
  const part = (messageId: string, at: number) =>
    peer.statusOf({ ...route, messageId, range: `${at}-${at}/99`, body: 'x', flag: '+' });
  expect([await part('m1', 1), await part('m2', 1), await part('m3', 1)]).toEqual([200, 200, 413]);
  expect([await part('m1', 3), await part('m1', 5), await part('m1', 7)]).toEqual([200, 200, 413]);
  expect((await inbox.nextEnded()).head.messageId).toBe('m1');
  expect(await part('m4', 1)).toBe(200);
});

it('answers a chunk when its sink has written it (RFC 4975 §7.1.1)', async () => {
  const gates = [gate(), gate()];
  const { inbox, peer, route } = await receiving((message) => {
    message.onWrite = (offset) => gates[offset]?.passed;
  });
  const first = peer.send({ ...route, messageId: 'm', range: '1-1/2', body: 'a', flag: '+' });
  const last = peer.send({ ...route, messageId: 'm', range: '2-2/2', body: 'b' });
  await inbox.nextStarted();
  // Answered in the order in which they were written.
  gates[1]?.open();
  expect((await peer.nextResponse()).transactionId).toBe(last);
  expect(inbox.messages[0]?.hasEnded).toBe(false);
  gates[0]?.open();
  expect((await peer.nextResponse()).transactionId).toBe(first);
  expect((await inbox.nextEnded()).size).toBe(2);
});

it('answers within 30 s although the sink is slow (RFC 4975 §7.1.1)', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const gates = Array.from({ length: 8 }, gate);
  const { inbox, peer, route } = await receiving((message) => {
    message.onWrite = (offset) => gates[offset]?.passed;
  });
  const ids = gates.map((_, at) =>
    peer.send({
      ...route,
      messageId: 'm',
      range: `${at + 1}-${at + 1}/8`,
      body: 'x',
      flag: at === 7 ? '$' : '+',
    }),
  );
  expect(await peer.statusOf({ ...route, messageId: 'bind' })).toBe(200);
  // It writes one in 8 s: the second check answers all, including those that are not written.
  await vi.advanceTimersByTimeAsync(8_000);
  gates[0]?.open();
  const answered = [(await peer.nextResponse()).transactionId];
  await vi.advanceTimersByTimeAsync(2_000);
  while (answered.length < ids.length) answered.push((await peer.nextResponse()).transactionId);
  expect(answered).toEqual(ids);
  for (const { open } of gates.slice(1)) {
    await vi.advanceTimersByTimeAsync(8_000);
    open();
  }
  expect((await inbox.nextEnded()).size).toBe(8);
  expect(peer.frames.length).toBe(0);
});

it('reports a failure after the answer to its chunk (RFC 4975 §7.1.2)', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const slow = gate();
  const { peer, route } = await receiving((message) => {
    message.onWrite = () => slow.passed;
  });
  peer.send({ ...route, messageId: 'm', range: '1-1/3', body: 'x', flag: '+' });
  await peer.statusOf({ ...route, messageId: 'bind' });
  await vi.advanceTimersByTimeAsync(10_000);
  expect((await peer.nextResponse()).status).toBe(200);
  const unanswered = peer.send({ ...route, messageId: 'm', range: '2-2/3', body: 'x', flag: '+' });
  await peer.statusOf({ ...route, messageId: 'bind2' });
  slow.fail(new MsrpRefusedError(413, 'the disk is full'));
  expect(await peer.nextResponse()).toMatchObject({ transactionId: unanswered, status: 413 });
  const { headers } = await peer.nextRequest();
  expect(headers.get('Status')).toBe('000 413 the disk is full');
  expect(headers.get('Byte-Range')).toBe('1-3/3');
});

it('ends the message of a sink that writes nothing for 30 s, without effect on others', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const { inbox, peer, route } = await receiving(
    (message) => {
      if (message.head.messageId === 'stuck') message.onWrite = () => new Promise(() => {});
    },
    { unresolvedBytes: 256 * 1024 },
  );
  // At the limit, the connection stops reading.
  peer.send({ ...route, messageId: 'stuck', range: '1-*/9999999', body: Buffer.alloc(999_999), flag: '+' });
  peer.send({ ...route, messageId: 'm', body: 'x' });
  await inbox.nextStarted();
  await vi.advanceTimersByTimeAsync(35_000);
  expect((await inbox.nextEnded()).aborted).toBeInstanceOf(TimeoutError);
  expect((await peer.nextResponse()).status).toBe(408);
  expect((await inbox.nextEnded()).content.toString()).toBe('x');
  expect((await peer.nextResponse()).status).toBe(200);
  await vi.advanceTimersByTimeAsync(300_000);
  expect(peer.frames.length).toBe(0);
});
