import fc from 'fast-check';
import { afterEach, expect, it } from 'vitest';
import { RawMsrp } from '../support/msrp/raw-msrp.js';
import { bound, type Closing, Inbox } from '../support/msrp/sessions.js';

const closing: Closing = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** The bytes of a hostile peer: valid frames, invalid frames, and other bytes. */
const offset = fc.oneof(fc.nat(50), fc.constantFrom(0, 1, 2 ** 31, Number.MAX_SAFE_INTEGER, 1e20));
const end = fc.oneof(offset.map(String), fc.constant('*'));
const range = fc.oneof(
  fc.tuple(offset, end, end).map(([from, to, total]) => `${from}-${to}/${total}`),
  fc.constantFrom('', '1-*/*', '-1-2/3', '1-2'),
);
const frame = fc.record({
  id: fc.constantFrom('id01', 'id02', 'id03', '-', 'x'.repeat(70)),
  method: fc.constantFrom(
    'SEND',
    'SEND',
    'SEND',
    'SEND',
    'REPORT',
    'AUTH',
    '200 OK',
    '413',
    'send',
    'SEND SEND',
  ),
  to: fc.constantFrom('here', 'here', 'here', 'here here', 'nowhere', ''),
  from: fc.constantFrom('there', 'there', 'there', 'relay there', 'elsewhere', ''),
  messageId: fc.constantFrom('m1', 'm2', 'm3', 'm4', ''),
  range,
  headers: fc.constantFrom(
    '',
    'Success-Report: yes\r\n',
    'Failure-Report: no\r\n',
    'Status: 000 200 OK\r\n',
    'Bad\r\n',
  ),
  type: fc.constantFrom('', 'Content-Type: text/plain\r\n'),
  body: fc.option(fc.constantFrom('', 'x', 'abcdef', '\r\n-------id01$\r\n', '\r\n-----'), {
    nil: undefined,
  }),
  flag: fc.constantFrom('$', '$', '+', '+', '#', '!', ''),
});
const written = fc.array(
  fc.oneof(
    { weight: 20, arbitrary: frame },
    {
      weight: 1,
      arbitrary: fc.constantFrom('\r\n\r\n', 'MSRP ', '-------', 'GET / HTTP/1.1\r\n\r\n', '\0\xff'),
    },
  ),
  { maxLength: 30 },
);

const WHOLE = {
  id: 'id01',
  method: 'SEND',
  to: 'here',
  from: 'there',
  messageId: 'm1',
  range: '1-1/1',
  headers: '',
  type: 'Content-Type: text/plain\r\n',
  body: 'x',
  flag: '$',
} as const;
const BROKEN_OFF = { ...WHOLE, id: 'id02', messageId: 'm2', range: '1-1/9', flag: '+' } as const;

it('ends every message once and serves other peers, whatever a peer writes', async () => {
  const inbox = new Inbox((message) => {
    const { messageId } = message.head;
    if (messageId === 'm2') message.onWrite = () => Promise.resolve();
    if (messageId === 'm3') message.onWrite = () => Promise.reject(new Error('refused'));
    if (messageId === 'm4') throw new Error('not begun');
  });
  const { listener, session, here, there } = await bound(closing, { onMessage: inbox.onMessage });
  session.close();
  const ends = new Set<string>();
  await fc.assert(
    fc.asyncProperty(written, async (items) => {
      const target = listener.expect({ localUri: here, remotePath: [there], onMessage: inbox.onMessage });
      const uris: Record<string, string> = {
        ...{ here, there, nowhere: `${here}x`, elsewhere: `${there}x`, relay: 'msrp://relay.test/r;tcp' },
      };
      const path = (names: string) => names.replace(/\w+/g, (name) => uris[name] ?? name);
      const text = items.map((item) => {
        if (typeof item === 'string') return item;
        const { id, method, to, from, messageId, headers, type, body, flag } = item;
        const lines = [
          `MSRP ${id} ${method}\r\nTo-Path: ${path(to)}\r\nFrom-Path: ${path(from)}\r\n`,
          `Message-ID: ${messageId}\r\nByte-Range: ${item.range}\r\n${headers}${type}`,
          body === undefined ? '' : `\r\n${body}\r\n`,
          `-------${id}${flag}\r\n`,
        ];
        return lines.join('');
      });
      const peer = await RawMsrp.connect(listener.address.port);
      peer.write(Buffer.from(text.join(''), 'latin1'));
      peer.socket.end();
      await peer.untilClosed();
      target.close();
      for (const message of inbox.messages.splice(0)) {
        expect(message.hasEnded).toBe(true);
        ends.add(message.aborted ? 'aborted' : 'ended');
      }

      const orderly = listener.expect({ localUri: here, remotePath: [there], onMessage: inbox.onMessage });
      const other = await RawMsrp.connect(listener.address.port);
      expect(await other.statusOf({ to: here, from: there, messageId: 'm1', body: 'x' })).toBe(200);
      orderly.close();
      other.close();
    }),
    // Cases that random input can miss: a complete and an incomplete message.
    { numRuns: 200, examples: [[[WHOLE, BROKEN_OFF]]] },
  );
  expect([...ends].sort()).toEqual(['aborted', 'ended']);
});

it('handles a connection that ends at any byte of a frame', async () => {
  const inbox = new Inbox();
  const { listener, session, here, there } = await bound(closing, { onMessage: inbox.onMessage });
  session.close();
  const frame = `MSRP id01 SEND\r\nTo-Path: ${here}\r\nFrom-Path: ${there}\r\nMessage-ID: m\r\nContent-Type: a/b\r\n\r\nabc\r\n-------id01$\r\n`;
  for (let length = 0; length < frame.length; length += 3) {
    const target = listener.expect({ localUri: here, remotePath: [there], onMessage: inbox.onMessage });
    const peer = await RawMsrp.connect(listener.address.port);
    peer.write(frame.slice(0, length));
    peer.socket.end();
    await peer.untilClosed();
    target.close();
    for (const message of inbox.messages.splice(0)) expect(message.aborted).toBeDefined();
  }
});
