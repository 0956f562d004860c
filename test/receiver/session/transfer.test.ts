/** Content over MSRP, up to its application (TS 8.2.3; RFC 4975, RFC 5547). */

import { describe, expect, it } from 'vitest';
import { platform } from '#platform';
import { PSA } from '../../support/agents/agents.js';
import { attribute, bytes, descriptionOf, FILE, mediaOf } from '../../support/msrp/push-offers.js';
import { RawListener } from '../../support/msrp/raw-msrp.js';
import { reported, SenderEnd } from '../../support/msrp/sender-end.js';
import { until } from '../../support/wait.js';
import { sessionScene } from './scene.js';

const CONTENT = bytes(1000);

const scene = sessionScene();

const OUTCOMES = '000 200';

it.each([
  ['repeated', `${FILE};x=1;x=2`],
  ['without a value', `${FILE};x=`],
])(
  '8.2.1-05: a file whose type has a parameter that is %s is still the described file',
  async (_what, type) => {
    const { end } = await scene.bound({ content: CONTENT, name: 'a.bin', type, acceptTypes: FILE });
    expect(await end.send(bytes(1000, 17))).toBe(200);
    // The digest of the offer is that of other content.
    expect(await reported(end)).toMatch('000 400');
    expect(scene.receiver.committed).toEqual([]);
  },
);

describe('the connection', () => {
  it('8.2.3-02: goes to the c= address and the m= port, not to the path', async () => {
    const path = 'msrp://192.0.2.1:7394/2s93i93idj;tcp';
    await scene.offering({ content: CONTENT, path: path });
    const peer = await scene.listener.accept();
    const binding = await peer.nextRequest();
    expect(binding.toPath).toEqual([path]);
  });

  it('8.2.3-02: goes to the c= line of the media if there is one', async () => {
    const own = scene.media({ content: CONTENT }).replace('\r\n', '\r\nc=IN IP4 127.0.0.1\r\n');
    expect((await scene.receiver.invite(descriptionOf([own], '192.0.2.1'))).status).toBe(200);
    await SenderEnd.bound(scene.listener);
  });

  it('8.2.3-02: goes to an IPv6 address', async () => {
    const ipv6 = await RawListener.open('::1');
    const path = 'msrp://[::1]:2855/sender;tcp';
    await scene.receiver.invite(descriptionOf([mediaOf(ipv6.address, { content: CONTENT, path })], '::1'));
    const end = await SenderEnd.bound(ipv6);
    expect(await end.send(CONTENT)).toBe(200);
    expect(await reported(end)).toMatch(OUTCOMES);
    ipv6.close();
  });

  it('8.2.1-09, 8.2.3-01: is bound at once by a SEND without content (RFC 4975 §5.4)', async () => {
    const { sdp } = await scene.offering({ content: CONTENT });
    const peer = await scene.listener.accept();
    const binding = await peer.nextRequest();
    expect(binding).toMatchObject({ method: 'SEND', flag: '$', body: Buffer.alloc(0) });
    expect(binding.fromPath).toEqual([attribute(sdp.media[0], 'path')]);
    expect(binding.headers.has('Content-Type')).toBe(false);
  });

  it('8.2.3-01: serves every file with the same address (RFC 4975 §5.4)', async () => {
    await scene.offering({ content: CONTENT }, { content: bytes(500) });
    const peer = await scene.listener.accept();
    const ends = [await SenderEnd.of(peer), await SenderEnd.of(peer)];
    expect(new Set(ends.map(({ route }) => route.from)).size).toBe(2);
  });
});

describe('a file', () => {
  it('8.2.1-09, SIPPUSH-PRA-C-004-O: reaches its application unchanged', async () => {
    const file = { content: CONTENT, name: 'a.bin', lines: ['a=file-disposition:render'] };
    const media = `${scene.media(file)}`.replace('\r\n', '\r\ni=A file of bytes\r\n');
    await scene.receiver.invite(descriptionOf([media]));
    const end = await SenderEnd.bound(scene.listener);
    expect(await end.send(CONTENT)).toBe(200);
    expect(await reported(end)).toMatch(`REPORT ${OUTCOMES}`);
    expect(scene.receiver.committed).toEqual([Buffer.from(CONTENT)]);
    const [{ push } = { push: undefined }] = scene.receiver.received;
    expect(push).toMatchObject({
      app: 'files.ua',
      from: PSA,
      mode: 'session',
      fileName: 'a.bin',
      attempt: 1,
    });
    expect(push?.headers).toEqual({
      'content-type': FILE,
      'content-disposition': 'render',
      'content-description': 'A file of bytes',
    });
    await until(() =>
      expect(scene.receiver.of('push')).toEqual([
        {
          event: 'push',
          id: push?.id,
          app: 'files.ua',
          mode: 'session',
          from: PSA,
          contentType: FILE,
          size: 1000,
          sha256: platform.hash('sha-256', CONTENT),
          fileName: 'a.bin',
          outcome: 'accepted',
          status: 200,
        },
      ]),
    );
  });

  it('8.2.3-01: reaches its application while it arrives', async () => {
    const { end } = await scene.bound({ content: CONTENT });
    const received = await scene.receiver.progress.take();
    expect(await end.send(CONTENT.subarray(0, 400), { flag: '+', total: 1000 })).toBe(200);
    await scene.receiver.progress.take();
    expect(Buffer.concat(received.read)).toEqual(Buffer.from(CONTENT.subarray(0, 400)));
    expect(received.committed).toBe(false);
    expect(await end.send(CONTENT.subarray(400), { start: 401, total: 1000 })).toBe(200);
    expect(await reported(end)).toMatch(OUTCOMES);
    expect(received.committed).toBe(true);
  });

  it('8.2.3-03: is reported after its application has accepted it', async () => {
    let accept = () => {};
    const deciding = new Promise<void>((resolve) => {
      scene.receiver.decide = () => {
        resolve();
        return new Promise<void>((resolveDecision) => {
          accept = resolveDecision;
        });
      };
    });
    const { end } = await scene.bound({ content: CONTENT });
    expect(await end.send(CONTENT)).toBe(200);
    await deciding;
    // A later request on the connection is answered before the REPORT.
    expect(await end.send('another', { messageId: 'another' })).toBe(413);
    expect(scene.receiver.committed).toEqual([]);
    accept();
    expect(await reported(end)).toMatch(OUTCOMES);
    expect(scene.receiver.committed).toHaveLength(1);
  });

  it('8.2.3-03: is not reported to a sender that does not request it', async () => {
    const { session, end } = await scene.bound({ content: CONTENT });
    expect(await end.send(CONTENT, { headers: { 'Success-Report': 'no' } })).toBe(200);
    await until(() => expect(scene.receiver.committed).toHaveLength(1));
    await session.bye();
    await end.peer.untilClosed();
    expect(end.peer.frames).toHaveLength(0);
  });

  it('8.2.3-01: is assembled from chunks in any order, repeated or overlapping (RFC 4975 §7.3.1)', async () => {
    const { end } = await scene.bound({ content: CONTENT });
    const part = (start: number, last: number, flag: '+' | '$' = '+') =>
      end.send(CONTENT.subarray(start - 1, last), { start, total: 1000, flag });
    for (const [start, last] of [[301, 600] as const, [1, 300], [1, 300], [501, 800]]) {
      expect(await part(start, last)).toBe(200);
    }
    expect(await part(701, 1000, '$')).toBe(200);
    expect(await reported(end)).toMatch(OUTCOMES);
    expect(scene.receiver.committed).toEqual([Buffer.from(CONTENT)]);
  });

  it('8.2.3-01: of unknown size and digest ends with its message', async () => {
    const { end } = await scene.bound({ size: null, sha1: null });
    expect(await end.send(CONTENT.subarray(0, 400), { flag: '+', range: '1-*/*' })).toBe(200);
    expect(await end.send(CONTENT.subarray(400), { range: '401-1000/*' })).toBe(200);
    expect(await reported(end)).toMatch(OUTCOMES);
    expect(scene.receiver.committed).toEqual([Buffer.from(CONTENT)]);
  });

  it('8.2.3-01: can be empty', async () => {
    const { end } = await scene.bound({ content: new Uint8Array() });
    expect(await end.send('', { range: '1-0/0' })).toBe(200);
    expect(await reported(end)).toMatch(OUTCOMES);
    expect(scene.receiver.committed).toEqual([Buffer.alloc(0)]);
  });

  it('8.2.3-01: that is offered in part consists of that part (RFC 5547 §6)', async () => {
    const { session, end } = await scene.bound({ content: CONTENT, range: '201-500' });
    expect(attribute(session.sdp.media[0], 'file-range')).toBe('201-500');
    // RFC 5547 §8.1: Byte-Range counts in the message.
    expect(await end.send(CONTENT.subarray(200, 500))).toBe(200);
    expect(await reported(end)).toMatch(OUTCOMES);
    expect(scene.receiver.committed).toEqual([Buffer.from(CONTENT.subarray(200, 500))]);
  });

  it('8.2.3-01: is the only message of its line: another message is refused', async () => {
    const { end } = await scene.bound({ content: CONTENT });
    expect(await end.send(CONTENT)).toBe(200);
    expect(await reported(end)).toMatch(OUTCOMES);
    expect(await end.send(CONTENT, { messageId: 'once-more' })).toBe(413);
    expect(scene.receiver.committed).toHaveLength(1);
  });
});

it('8.2.1-04, 8.2.3-01: receives two files on one connection with interleaved chunks', async () => {
  const contents = [bytes(1000, 3), bytes(1000, 5)];
  await scene.offering(...contents.map((content) => ({ content })));
  const peer = await scene.listener.accept();
  const ends = [await SenderEnd.of(peer), await SenderEnd.of(peer)];
  for (let start = 1; start < 1000; start += 250) {
    for (const [index, end] of ends.entries()) {
      const part = contents[index]?.subarray(start - 1, start + 249) ?? '';
      const flag = start === 751 ? '$' : '+';
      end.write(part, { messageId: `file-${index}`, start, total: 1000, flag });
    }
  }
  await until(() => expect(scene.receiver.committed).toHaveLength(2));
  expect(scene.receiver.committed).toEqual(
    expect.arrayContaining(contents.map((content) => Buffer.from(content))),
  );
});

describe('messages of a line without a file', () => {
  const messages = { messages: true, acceptTypes: `${FILE} text/plain` };

  it('8.2.1-09, 8.2.3-01: are one push each, with their describing headers', async () => {
    const { end } = await scene.bound(messages);
    const headers = {
      'Content-Disposition': 'attachment; filename="a.txt"',
      'Content-Description': 'A text',
    };
    expect(await end.send('hello', { messageId: 'one', type: 'text/plain;charset=utf-8', headers })).toBe(
      200,
    );
    expect(await reported(end)).toMatch(OUTCOMES);
    expect(await end.send(CONTENT, { messageId: 'two' })).toBe(200);
    expect(await reported(end)).toMatch(OUTCOMES);
    expect(scene.receiver.committed).toEqual([Buffer.from('hello'), Buffer.from(CONTENT)]);
    expect(scene.receiver.received[0]?.push.headers).toEqual({
      'content-type': 'text/plain;charset=utf-8',
      'content-disposition': 'attachment; filename="a.txt"',
      'content-description': 'A text',
    });
    expect(new Set(scene.receiver.received.map(({ push }) => push.id)).size).toBe(2);
  });

  it('8.2.3-01: arrive at the same time', async () => {
    const { end } = await scene.bound(messages);
    end.write(CONTENT.subarray(0, 500), { messageId: 'one', total: 1000, flag: '+' });
    end.write('hello', { messageId: 'two', type: 'text/plain' });
    end.write(CONTENT.subarray(500), { messageId: 'one', start: 501, total: 1000 });
    await until(() => expect(scene.receiver.committed).toHaveLength(2));
    expect(scene.receiver.committed).toEqual(
      expect.arrayContaining([Buffer.from('hello'), Buffer.from(CONTENT)]),
    );
  });
});
