/** How a sender interprets the answer to each line of its offer (TS 8.2.2, RFC 3264 §7, RFC 5547 §8.4). */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FileProgress } from '../../../core/sender/session/terminal-push.js';
import {
  bytesOf,
  fileOf,
  type LineAnswer,
  MediaPeer,
  PHONE,
  Scene,
} from '../../support/agents/scripted-receiver.js';
import { RawListener } from '../../support/msrp/raw-msrp.js';

let scene: Scene;
beforeEach(async () => {
  scene = await Scene.open();
});
afterEach(() => scene.close());

const CONTENT = bytesOf(3000);
/** The container of a file. */
const CONTAINER = [
  'From: <sip:anonymous@anonymous.invalid>',
  'To: <sip:anonymous@anonymous.invalid>',
  '',
  'Content-Type: application/octet-stream',
  'Content-Disposition: attachment',
  '',
  '',
].join('\r\n');
const FILES = ['a.bin', 'b.bin', 'c.bin'].map((name, index) => fileOf(bytesOf(1000 + index), { name }));
const DELIVERED = { mode: 'session', outcome: 'delivered', status: 200, retryable: false, reported: true };
const DECLINED = { mode: 'session', outcome: 'refused', status: 200, retryable: true, reported: false };

/** Methods of the requests that the core received. */
const methods = () => scene.core.requests.map(({ request }) => request.method);

describe('a 200', () => {
  it('8.2.2-08, 8.2.2-10, 8.2.3-01, SIPPUSH-PSA-S-003-O: sends each accepted file by MSRP in the session of its line', async () => {
    const { receipts, offer } = await scene.push(FILES);
    offer.accept();
    await scene.core.request('ACK');
    for (const line of [2, 0, 1]) {
      const media = await offer.connect(line);
      const { first, bytes } = await media.receive();
      expect(first.toPath).toEqual([offer.paths[line]]);
      expect(bytes.equals(bytesOf(1000 + line))).toBe(true);
    }
    await scene.bye();
    expect(await receipts).toMatchObject(
      FILES.map(({ name }, index) => ({
        ...DELIVERED,
        terminal: PHONE,
        fileName: name,
        bytes: 1000 + index,
      })),
    );
  });

  it('8.2.2-08: a line with port zero is a file that the receiver does not want now; the others are sent', async () => {
    const { receipts, offer } = await scene.push(FILES);
    offer.accept([{}, { port: 0 }, {}]);
    for (const line of [0, 2]) await (await offer.connect(line)).receive();
    await scene.bye();
    expect(await receipts).toMatchObject([
      DELIVERED,
      { ...DECLINED, fileName: 'b.bin', reason: expect.stringMatching(/port zero/) },
      DELIVERED,
    ]);
  });

  it('8.2.2-10: sends BYE at once if all lines have port zero', async () => {
    const { receipts, offer } = await scene.push(FILES);
    offer.accept(FILES.map(() => ({ port: 0 })));
    await scene.bye();
    expect(await receipts).toMatchObject([DECLINED, DECLINED, DECLINED]);
    expect(methods()).toEqual(['INVITE', 'ACK', 'BYE']);
  });

  it.each<[string, LineAnswer]>([
    ['a=inactive', { direction: 'inactive' }],
    ['a=setup:holdconn', { setup: 'holdconn' }],
  ])('8.2.2-08: treats %s as a rejected line', async (_title, answer) => {
    const { receipts, offer } = await scene.push([fileOf(CONTENT)]);
    offer.accept([answer]);
    await scene.bye();
    expect(await receipts).toMatchObject([DECLINED]);
  });

  it.each<[string, number, RegExp, LineAnswer]>([
    ['a max-size that is smaller', 413, /at most 2999 bytes/, { lines: ['a=max-size:2999'] }],
    [
      'a max-size without space for the container of the file',
      413,
      /at most 3000 bytes/,
      {
        acceptTypes: 'message/cpim',
        lines: ['a=accept-wrapped-types:application/*', 'a=max-size:3000'],
      },
    ],
    [
      'accept-types without the type of the file',
      415,
      /accepts image\/\*, text\/plain/,
      { acceptTypes: 'image/* text/plain' },
    ],
    [
      'the type of the file only inside other containers',
      415,
      /accepts multipart\/mixed/,
      { acceptTypes: 'multipart/mixed', lines: ['a=accept-wrapped-types:*'] },
    ],
    [
      'other types inside containers',
      415,
      /accepts message\/cpim/,
      { acceptTypes: 'message/cpim', lines: ['a=accept-wrapped-types:text/*'] },
    ],
  ])(
    '8.2.3-01: rejects a line with %s, and sends nothing, as for a %i',
    async (_title, status, reason, answer) => {
      const { receipts, offer } = await scene.push([fileOf(CONTENT)]);
      offer.accept([answer]);
      await scene.bye();
      expect(await receipts).toMatchObject([
        {
          mode: 'session',
          outcome: 'refused',
          status,
          retryable: false,
          reason: expect.stringMatching(reason),
        },
      ]);
    },
  );

  it.each<[string, LineAnswer]>([
    ['max-size equal to its size', { lines: ['a=max-size:3000'] }],
    ['its type, in capitals', { acceptTypes: 'APPLICATION/Octet-Stream' }],
    ['a range with its type', { acceptTypes: 'text/plain application/*' }],
    ['anything', { acceptTypes: '*' }],
    ['no accept-types', { acceptTypes: null }],
    ['no setup, and connects', { setup: null }],
    ['no direction of its own', { direction: 'sendrecv' }],
  ])('8.2.3-01: sends the file if the line has %s', async (_title, answer) => {
    const { receipts, offer } = await scene.push([fileOf(CONTENT)]);
    offer.accept([answer]);
    await (await offer.connect()).receive();
    await scene.bye();
    expect(await receipts).toMatchObject([DELIVERED]);
  });

  it('8.2.3-01: sends the file in a container if its type is accepted only there (RFC 4975 §8.6, RFC 3862)', async () => {
    const progress: number[] = [];
    const onProgress = ({ received }: FileProgress) => void progress.push(received);
    const file = fileOf(CONTENT, { disposition: 'attachment' });
    const { receipts, offer } = await scene.push([file], {}, { onProgress });
    offer.accept([
      {
        acceptTypes: 'message/cpim',
        lines: ['a=accept-wrapped-types:application/*', `a=max-size:${3000 + CONTAINER.length}`],
      },
    ]);
    const { first, bytes } = await (await offer.connect()).receive();
    await scene.bye();
    expect(first.headers.get('Content-Type')).toBe('message/cpim');
    const end = bytes.length - CONTENT.length;
    expect(bytes.subarray(end).equals(CONTENT)).toBe(true);
    expect(bytes.subarray(0, end).toString()).toBe(CONTAINER);
    expect(await receipts).toMatchObject([DELIVERED]);
    expect([progress[0], progress.at(-1)]).toEqual([0, 3000]);
  });

  it('8.2.3-01: sends the other files if one is rejected', async () => {
    const { receipts, offer } = await scene.push(FILES);
    offer.accept([{ acceptTypes: 'text/plain' }, {}, { lines: ['a=max-size:1'] }]);
    const media = await offer.connect(1);
    const { bytes } = await media.receive();
    expect(bytes.length).toBe(1001);
    expect((await receipts).map(({ status }) => status)).toEqual([415, 200, 413]);
  });

  it('8.2.3-01: connects to a receiver that waits for the connection', async () => {
    const { receipts, offer } = await scene.push([fileOf(CONTENT)]);
    const listener = await RawListener.open();
    scene.onClose(() => listener.close());
    offer.accept([{ setup: 'passive', port: listener.address.port }]);
    const raw = await listener.accept();
    scene.onClose(() => raw.close());
    const media = new MediaPeer(raw, offer.attribute('path') ?? '', offer.paths[0] ?? '');
    // RFC 4975 §5.4: the SEND names the session that the connection is for.
    const binding = await media.acknowledge();
    expect([binding.body.length, binding.toPath]).toEqual([0, [offer.paths[0]]]);
    expect((await media.receive()).bytes.equals(CONTENT)).toBe(true);
    await scene.bye();
    expect(await receipts).toMatchObject([DELIVERED]);
  });

  it('8.2.3-01: connects to the path of an answer without a=setup, which means passive (RFC 4145 §4, RFC 4975 §8.1)', async () => {
    const { receipts, offer } = await scene.push([fileOf(CONTENT)]);
    const listener = await RawListener.open();
    scene.onClose(() => listener.close());
    const { port } = listener.address;
    const path = `msrp://127.0.0.1:${port}/rfc4975;tcp`;
    offer.accept([{ setup: null, port, path }]);
    const raw = await listener.accept();
    scene.onClose(() => raw.close());
    const media = new MediaPeer(raw, offer.attribute('path') ?? '', path);
    const binding = await media.acknowledge();
    expect([binding.body.length, binding.toPath]).toEqual([0, [path]]);
    expect((await media.receive()).bytes.equals(CONTENT)).toBe(true);
    await scene.bye();
    expect(await receipts).toMatchObject([DELIVERED]);
  });

  it('reports the progress of each file from the first byte to the last', async () => {
    const progress: [index: number, received: number, size: number][] = [];
    const onProgress = ({ index, received, size }: FileProgress) =>
      void progress.push([index, received, size]);
    const { receipts, offer } = await scene.push(FILES, {}, { onProgress });
    offer.accept();
    for (const line of [0, 1, 2]) await (await offer.connect(line)).receive();
    await receipts;
    for (const line of [0, 1, 2]) {
      const of = progress.filter(([index]) => index === line);
      expect([of[0], of.at(-1)]).toEqual([
        [line, 0, 1000 + line],
        [line, 1000 + line, 1000 + line],
      ]);
    }
  });
});

describe('a 200 with an invalid answer', () => {
  const SESSION = 'v=0\r\no=- 7 7 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n';
  const PATH = 'a=path:msrp://127.0.0.1:9/x;tcp\r\n';
  it.each([
    ['nothing', ''],
    ['no SDP', 'hello'],
    ['no line', SESSION],
    ['a surplus line', `${SESSION}m=message 0 TCP/MSRP *\r\nm=message 0 TCP/MSRP *\r\n`],
    ['another protocol', `${SESSION}m=message 9 TCP/TLS/MSRP *\r\n${PATH}`],
    ['other media', `${SESSION}m=audio 9 RTP/AVP 0\r\n`],
    ['no path', `${SESSION}m=message 9 TCP/MSRP *\r\n`],
    ['an invalid path', `${SESSION}m=message 9 TCP/MSRP *\r\na=path:http://127.0.0.1/\r\n`],
    ['a line that is sendonly', `${SESSION}m=message 9 TCP/MSRP *\r\na=sendonly\r\n${PATH}`],
    ['a range beyond the end', `${SESSION}m=message 9 TCP/MSRP *\r\n${PATH}a=file-range:3001-*\r\n`],
  ])('8.2.2-10: ends the session with BYE for %s, and reports a permanent failure', async (_title, body) => {
    const { receipts, offer } = await scene.push([fileOf(CONTENT)]);
    offer.answer(body);
    await scene.core.request('ACK');
    await scene.bye();
    expect(await receipts).toMatchObject([
      {
        outcome: 'failed',
        retryable: false,
        reported: false,
        reason: expect.stringMatching(/./),
        bytes: 3000,
      },
    ]);
  });
});
