import { afterEach, expect, it, vi } from 'vitest';
import { ConfigurationError, MalformedError, TimeoutError, TransportError } from '../../core/errors.js';
import { Mailbox } from '../support/mailbox.js';
import type { RawMsrp } from '../support/msrp/raw-msrp.js';
import { bound, type Closing, message, streamOf } from '../support/msrp/sessions.js';

const closing: Closing = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const close of closing.splice(0).reverse()) await close();
});

const fakeTimers = () => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });

const KIB = 1024;

/** A stream that the test feeds. */
function feed() {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const cancelled = new Mailbox<{ reason: unknown }>('the cancellation');
  const stream = new ReadableStream<Uint8Array>({
    start(started) {
      controller = started;
    },
    cancel: (reason) => cancelled.put({ reason }),
  });
  return {
    stream,
    cancelled,
    write: (text: string) => controller?.enqueue(Buffer.from(text)),
    end: () => controller?.close(),
    fail: (error: Error) => controller?.error(error),
  };
}

/** Receives a whole message and answers each chunk. @returns the requests. */
async function receiveAll(peer: RawMsrp) {
  const requests = [];
  for (;;) {
    const request = await peer.nextRequest();
    requests.push(request);
    peer.respond(request, 200, 'OK');
    if (request.flag !== '+') return requests;
  }
}

it('sends a short message as one chunk with all its headers (RFC 4975 §7.1.1)', async () => {
  const { session, peer, here, there } = await bound(closing);
  const onProgress = vi.fn();
  const sent = session.send({
    ...message('abc'),
    contentType: 'image/png',
    headers: [['Content-Disposition', 'attachment; filename="x"']],
    successReport: true,
    onProgress,
  });
  const request = await peer.nextRequest();
  const { method, toPath, fromPath, headers, body, flag } = request;
  expect({ method, toPath, fromPath, flag, body: String(body) }).toEqual({
    ...{ method: 'SEND', toPath: [there], fromPath: [here], flag: '$', body: 'abc' },
  });
  expect([...headers.entries()]).toEqual([
    ['Message-ID', expect.stringMatching(/^[0-9a-f]{32}$/)],
    ['Byte-Range', '1-3/3'],
    ['Success-Report', 'yes'],
    ['Content-Disposition', 'attachment; filename="x"'],
    ['Content-Type', 'image/png'],
  ]);
  peer.respond(request, 200, 'OK');
  peer.report(request, '1-3/3');
  expect(await sent).toEqual({ status: 200, comment: 'OK', reported: true, bytes: 3 });
  expect(onProgress.mock.calls).toEqual([[3]]);
});

it('8.2.3-01: sends a long message in interruptible chunks, in order and unchanged (RFC 4975 §5.1)', async () => {
  const { session, peer } = await bound(closing);
  const content = Buffer.from(Array.from({ length: 500_000 }, (_, at) => (at * 7) % 251));
  const onProgress = vi.fn();
  const sent = session.send({
    ...message(content.subarray(0, 70_001), content.subarray(70_001)),
    onProgress,
  });
  const requests = await receiveAll(peer);
  expect(await sent).toEqual({ status: 200, comment: 'OK', reported: false, bytes: 500_000 });
  expect(Buffer.concat(requests.map(({ body }) => body)).equals(content)).toBe(true);
  let at = 1;
  for (const { headers, body, flag } of requests) {
    // Only a chunk of up to 2048 octets declares its end.
    expect(headers.get('Byte-Range')).toBe(`${at}-*/500000`);
    at += body.length;
    expect(flag).toBe(at > 500_000 ? '$' : '+');
    expect(body.length).toBeLessThanOrEqual(64 * KIB);
  }
  expect(new Set(requests.map(({ headers }) => headers.get('Message-ID'))).size).toBe(1);
  expect(new Set(requests.map(({ transactionId }) => transactionId)).size).toBe(requests.length);
  expect(onProgress.mock.lastCall).toEqual([500_000]);
});

it('limits the size of chunks if a relay is in the path', async () => {
  const { session, peer, there } = await bound(closing);
  session.remotePath = ['msrp://relay.domain.test:2855/one;tcp', there];
  const sent = session.send(message(Buffer.alloc(100 * KIB)));
  const requests = await receiveAll(peer);
  await sent;
  expect(requests.map(({ body }) => body.length)).toEqual([
    ...Array.from({ length: 12 }, () => 8 * KIB),
    4 * KIB,
  ]);
});

it('declares the total size in the last chunk if it is unknown before', async () => {
  const { session, peer } = await bound(closing);
  const { stream, write, end } = feed();
  const sent = session.send({ contentType: 'text/plain', open: () => stream, successReport: false });
  const ranges = [];
  for (const text of ['abc', 'de']) {
    write(text);
    const request = await peer.nextRequest();
    ranges.push([request.headers.get('Byte-Range'), String(request.body), request.flag]);
    peer.respond(request, 200);
  }
  end();
  const last = await peer.nextRequest();
  ranges.push([last.headers.get('Byte-Range'), String(last.body), last.flag]);
  peer.respond(last, 200);
  expect(ranges).toEqual([
    ['1-3/*', 'abc', '+'],
    ['4-5/*', 'de', '+'],
    ['6-5/5', '', '$'],
  ]);
  expect(await sent).toMatchObject({ status: 200, bytes: 5 });
});

it('sends an empty message, of known and of unknown size', async () => {
  const { session, peer } = await bound(closing);
  for (const size of [0, undefined]) {
    const sent = session.send({
      ...{ contentType: 'text/plain', open: () => streamOf(), successReport: true },
      size,
    });
    const request = await peer.nextRequest();
    expect(request.headers.get('Byte-Range')).toBe('1-0/0');
    expect(request.headers.get('Content-Type')).toBe('text/plain');
    peer.report(request, '1-0/0');
    expect(await sent).toMatchObject({ status: 200, bytes: 0, reported: true });
  }
});

it.each([400, 403, 408, 413, 415, 423, 481, 501, 506])(
  '10: a response of %i ends the message with its reason',
  async (status) => {
    const { session, peer } = await bound(closing, {}, { chunkBytes: KIB });
    const { stream, write, cancelled } = feed();
    const sent = session.send({ contentType: 'a/b', size: 9999, open: () => stream, successReport: true });
    write('abc');
    peer.respond(await peer.nextRequest(), 200);
    write('def');
    peer.respond(await peer.nextRequest(), status, 'not so');
    expect(await sent).toEqual({ status, comment: 'not so', reported: false, bytes: 3 });
    await cancelled.take();
    // Its transfer ends, and the next one begins.
    const next = session.send(message('x'));
    const request = await peer.nextRequest();
    expect(String(request.body)).toBe('x');
    peer.respond(request, 200);
    expect(await next).toMatchObject({ status: 200 });
  },
);

it('ends a message by a failure REPORT, and accepts success REPORTs of parts in any order (RFC 4975 §7.1.2)', async () => {
  const { session, peer } = await bound(closing, {}, { chunkBytes: KIB });
  const failing = session.send({ ...message(Buffer.alloc(4 * KIB)), successReport: true });
  const [first] = await receiveAll(peer);
  if (!first) throw new Error('no chunk');
  peer.report(first, '1-4096/4096', '000 413 the disk is full');
  expect(await failing).toEqual({ status: 413, comment: 'the disk is full', reported: true, bytes: 4096 });

  const succeeding = session.send({ ...message(Buffer.alloc(4 * KIB)), successReport: true });
  const [second] = await receiveAll(peer);
  if (!second) throw new Error('no chunk');
  let settled = false;
  void succeeding.then(() => {
    settled = true;
  });
  peer.report(second, '1025-4096/4096');
  peer.report(second, '1-1000/4096');
  // Invalid REPORTs, and REPORTs on other messages, have no effect.
  peer.report(second, '0-4096/4096');
  peer.report(second, '1-4096/4096', '001 200 OK');
  peer.report(first, '1-4096/4096');
  peer.send({ to: second.fromPath.join(' '), from: second.toPath.join(' '), messageId: 'sync' });
  await peer.nextResponse();
  expect(settled).toBe(false);
  peer.report(second, '1001-1024/4096');
  expect(await succeeding).toEqual({ status: 200, comment: 'OK', reported: true, bytes: 4096 });
});

it('ignores a REPORT on unsent bytes (RFC 4975 §7.1.2)', async () => {
  const { session, peer } = await bound(closing);
  const { stream, write, end } = feed();
  const sent = session.send({ contentType: 'a/b', size: 6, open: () => stream, successReport: true });
  write('abc');
  const first = await peer.nextRequest();
  peer.report(first, '1-6/6');
  peer.respond(first, 200);
  write('def');
  end();
  const second = await peer.nextRequest();
  peer.respond(second, 200);
  peer.report(second, '4-6/6');
  expect(await sent).toMatchObject({ status: 200, reported: true, bytes: 6 });
});

it('sends the last chunk when its content ends, because the content may be longer than its size', async () => {
  const { session, peer } = await bound(closing);
  const { stream, write } = feed();
  const sent = session.send({ contentType: 'a/b', size: 6, open: () => stream, successReport: false });
  const refused = expect(sent).rejects.toThrow('the content has more than its declared 6 bytes');
  write('abc');
  peer.respond(await peer.nextRequest(), 200);
  write('def');
  // After a round trip, nothing more was sent.
  const other = session.send(message('another'));
  peer.respond(await peer.nextRequest(), 200);
  await other;
  write('g');
  expect((await peer.nextRequest()).flag).toBe('#');
  await refused;
});

it('does not wait for answers with Failure-Report: no (RFC 4975 §7.1.1)', async () => {
  const { session, peer } = await bound(closing);
  const onProgress = vi.fn();
  const sent = session.send({ ...message('abc'), failureReport: 'no', onProgress });
  expect(await sent).toEqual({ status: 200, comment: 'OK', reported: false, bytes: 3 });
  expect(onProgress.mock.calls).toEqual([[3]]);
  expect((await peer.nextRequest()).headers.get('Failure-Report')).toBe('no');
  // With Success-Report: yes, it waits for the REPORT only.
  const reported = session.send({ ...message('abc'), failureReport: 'no', successReport: true });
  peer.report(await peer.nextRequest(), '1-3/3');
  expect(await reported).toMatchObject({ status: 200, reported: true });
});

it('counts 30 s without a response as success with Failure-Report: partial (RFC 4975 §7.1.1)', async () => {
  fakeTimers();
  const { session, peer } = await bound(closing);
  const silent = session.send({ ...message('abc'), failureReport: 'partial' });
  expect((await peer.nextRequest()).headers.get('Failure-Report')).toBe('partial');
  await vi.advanceTimersByTimeAsync(30_000);
  expect(await silent).toEqual({ status: 200, comment: 'OK', reported: false, bytes: 3 });
  const refused = session.send({ ...message('abc'), failureReport: 'partial' });
  peer.respond(await peer.nextRequest(), 415);
  expect(await refused).toMatchObject({ status: 415, reported: false });
  await vi.advanceTimersByTimeAsync(300_000);
  expect(peer.frames.length).toBe(0);
});

it('throws TimeoutError and aborts the message without an answer within 30 s (RFC 4975 §7.1.1)', async () => {
  fakeTimers();
  const { session, peer } = await bound(closing);
  const { stream, write, cancelled } = feed();
  const sent = session.send({ contentType: 'a/b', size: 9, open: () => stream, successReport: false });
  const rejected = expect(sent).rejects.toBeInstanceOf(TimeoutError);
  write('abc');
  const first = await peer.nextRequest();
  await vi.advanceTimersByTimeAsync(20_000);
  write('def');
  const second = await peer.nextRequest();
  await vi.advanceTimersByTimeAsync(9_999);
  // An answer to one shows that the peer still reads.
  peer.respond(first, 200);
  peer.send({ to: second.fromPath.join(' '), from: second.toPath.join(' '), messageId: 'sync' });
  await peer.nextResponse();
  await vi.advanceTimersByTimeAsync(29_999);
  expect(peer.frames.length).toBe(0);
  await vi.advanceTimersByTimeAsync(1);
  await rejected;
  const { flag, headers, body } = await peer.nextRequest();
  expect({ flag, range: headers.get('Byte-Range'), body: body.length }).toEqual({
    flag: '#',
    range: '7-6/9',
    body: 0,
  });
  await cancelled.take();
  await vi.advanceTimersByTimeAsync(300_000);
  expect(peer.frames.length).toBe(0);
});

it('throws TimeoutError without the success REPORT in time', async () => {
  fakeTimers();
  const { session, peer } = await bound(closing, {}, { reportTimeout: 60_000 });
  const sent = session.send({ ...message('abc'), successReport: true });
  const rejected = expect(sent).rejects.toBeInstanceOf(TimeoutError);
  const request = await peer.nextRequest();
  peer.respond(request, 200);
  peer.send({ to: request.fromPath.join(' '), from: request.toPath.join(' '), messageId: 'sync' });
  await peer.nextResponse();
  await vi.advanceTimersByTimeAsync(60_000);
  await rejected;
  // All bytes have arrived: there is nothing to abort.
  expect(peer.frames.length).toBe(0);
  peer.report(request, '1-3/3');
  await vi.advanceTimersByTimeAsync(300_000);
  expect(peer.frames.length).toBe(0);
});

it('aborts a message with # by its signal, at any time (RFC 4975 §7.1)', async () => {
  const { session, peer } = await bound(closing);
  const reason = new Error('cancelled');
  const { stream, write, cancelled } = feed();
  const aborting = new AbortController();
  const sent = session.send({
    ...{ contentType: 'a/b', size: 9, open: () => stream, successReport: false, signal: aborting.signal },
  });
  write('abc');
  const { headers } = await peer.nextRequest();
  aborting.abort(reason);
  await expect(sent).rejects.toBe(reason);
  expect(await cancelled.take()).toEqual({ reason });
  const end = await peer.nextRequest();
  expect(end.flag).toBe('#');
  expect(end.headers.get('Message-ID')).toBe(headers.get('Message-ID'));
  expect(end.headers.get('Byte-Range')).toBe('4-3/9');
  const opened = vi.fn(() => streamOf('abc'));
  await expect(session.send({ ...message('abc'), open: opened, signal: aborting.signal })).rejects.toBe(
    reason,
  );
  expect(opened).not.toHaveBeenCalled();
  // After the last chunk, there is nothing to abort.
  const late = new AbortController();
  const whole = session.send({ ...message('abc'), signal: late.signal });
  await peer.nextRequest();
  late.abort(reason);
  await expect(whole).rejects.toBe(reason);
  const next = session.send(message('x'));
  const request = await peer.nextRequest();
  expect(String(request.body)).toBe('x');
  peer.respond(request, 200);
  await next;
});

it('aborts a message whose content fails or does not have its declared size', async () => {
  const { session, peer } = await bound(closing);
  const error = new Error('the disk failed');
  const { stream, write, fail } = feed();
  const broken = session.send({ contentType: 'a/b', size: 9, open: () => stream, successReport: false });
  write('abc');
  await peer.nextRequest();
  fail(error);
  await expect(broken).rejects.toBe(error);
  expect((await peer.nextRequest()).flag).toBe('#');
  const short = session.send({ ...message('abc'), size: 9 });
  await expect(short).rejects.toBeInstanceOf(MalformedError);
  await peer.nextRequest();
  expect((await peer.nextRequest()).flag).toBe('#');
  await expect(session.send({ ...message('abc'), size: 2 })).rejects.toBeInstanceOf(MalformedError);
  const none = () => {
    throw error;
  };
  await expect(session.send({ ...message('abc'), open: none })).rejects.toBe(error);
  expect(peer.frames.length).toBe(0);
});

it('throws for an invalid message, without effect on others', async () => {
  const { session, peer, there } = await bound(closing);
  await expect(session.send({ ...message('a'), contentType: 'a\r\nb: c' })).rejects.toBeInstanceOf(
    MalformedError,
  );
  await expect(session.send({ ...message('a'), headers: [['a b', 'c']] })).rejects.toBeInstanceOf(
    MalformedError,
  );
  session.remotePath = ['msrp://a b;tcp'];
  await expect(session.send(message('a'))).rejects.toBeInstanceOf(MalformedError);
  session.remotePath = [];
  await expect(session.send(message('a'))).rejects.toBeInstanceOf(ConfigurationError);
  session.remotePath = [there];
  const throwing = session.send({
    ...message('a'),
    onProgress() {
      throw new Error('thrown by the application');
    },
  });
  peer.respond(await peer.nextRequest(), 200);
  await expect(throwing).rejects.toThrow('thrown by the application');
  const valid = session.send(message('a'));
  peer.respond(await peer.nextRequest(), 200);
  expect(await valid).toMatchObject({ status: 200 });
});

it('sends a second message before the end of a long one (RFC 4975 §5.1)', async () => {
  const { session, peer } = await bound(closing);
  const long = session.send(message(...Array.from({ length: 1024 }, () => Buffer.alloc(64 * KIB))));
  const first = await peer.nextRequest();
  const short = session.send(message('x'));
  peer.respond(first, 200);
  let others = 0;
  for (;;) {
    const request = await peer.nextRequest();
    peer.respond(request, 200);
    if (request.body.length === 1) break;
    others++;
  }
  expect(await short).toMatchObject({ status: 200 });
  // Only the bytes in the network are ahead of it.
  expect(others).toBeLessThan(256);
  await receiveAll(peer);
  expect(await long).toMatchObject({ status: 200, bytes: 1024 * 64 * KIB });
});

it('does not open the content of messages beyond the limit until another message ends', async () => {
  const { session, peer } = await bound(closing, {}, { messages: 2 });
  const opened: number[] = [];
  const sent = [0, 1, 2, 3].map((index) =>
    session.send({
      ...message(`${index}`),
      open: () => {
        opened.push(index);
        return streamOf(`${index}`);
      },
    }),
  );
  expect(opened).toEqual([0, 1]);
  const requests = [await peer.nextRequest(), await peer.nextRequest()];
  for (const request of requests) peer.respond(request, 200);
  for (let more = 0; more < 2; more++) peer.respond(await peer.nextRequest(), 200);
  await Promise.all(sent);
  expect(opened).toEqual([0, 1, 2, 3]);
});

it('limits the chunks in flight by number and bytes', async () => {
  const { session, peer } = await bound(
    closing,
    {},
    { chunkBytes: KIB, chunksInFlight: 4, bytesInFlight: 1 << 20 },
  );
  const sent = session.send(message(Buffer.alloc(10 * KIB)));
  const window = [];
  for (let count = 0; count < 4; count++) window.push(await peer.nextRequest());
  const [first] = window;
  if (!first) throw new Error('no chunk');
  peer.send({ to: first.fromPath.join(' '), from: first.toPath.join(' '), messageId: 'sync' });
  await peer.nextResponse();
  expect(peer.frames.length).toBe(0);
  for (const request of window) peer.respond(request, 200);
  await receiveAll(peer);
  expect(await sent).toMatchObject({ status: 200 });
});

it('ignores responses to unknown or answered requests', async () => {
  const { session, peer, here, there } = await bound(closing);
  const sent = session.send(message('abc'));
  const request = await peer.nextRequest();
  peer.respond({ ...request, transactionId: 'unknown1' }, 200);
  peer.respond(request, 200);
  peer.respond(request, 413);
  expect(await sent).toMatchObject({ status: 200 });
  expect(await peer.statusOf({ to: here, from: there, messageId: 'after' })).toBe(200);
});

it('does not end a chunk at an end-line in its content', async () => {
  const { session, peer } = await bound(closing);
  const lines = Array.from(
    { length: 50 },
    (_, at) => `\r\n-------${at.toString(16).padStart(16, '0')}$\r\n`,
  ).join('');
  const sent = session.send(message(lines));
  const [request] = await receiveAll(peer);
  expect(String(request?.body)).toBe(lines);
  await sent;
});

it('closes the connection to a peer that reads nothing for 30 s', async () => {
  fakeTimers();
  const { session, peer } = await bound(closing);
  peer.socket.pause();
  const sent = session.send({
    ...message(...Array.from({ length: 512 }, () => Buffer.alloc(64 * KIB))),
    failureReport: 'no',
  });
  const rejected = expect(sent).rejects.toSatisfy(
    (error) => error instanceof TimeoutError || error instanceof TransportError,
  );
  for (let seconds = 0; !session.closed; seconds++) {
    if (seconds > 200) throw new Error('the message was not aborted');
    await vi.advanceTimersByTimeAsync(1000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await rejected;
});
