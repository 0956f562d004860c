/** Files that are refused by their application or for lack of resources, and the answer to the INVITE. */

import { refuse } from 'sip-push/sdk';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RefusalKind } from '../../../core/errors.js';
import { PSA } from '../../support/agents/agents.js';
import { type ReceiverOptions, SessionReceiver } from '../../support/agents/session-receiver.js';
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

let receiver: SessionReceiver;
let listener: RawListener;
beforeEach(async () => {
  listener = await RawListener.open();
});
afterEach(async () => {
  await receiver.stop();
  listener.close();
});

const start = async (options: ReceiverOptions = {}) => {
  receiver = await SessionReceiver.start(options);
};
const offering = (...files: Offered[]) =>
  receiver.invite(descriptionOf(files.map((file) => mediaOf(listener.address, file))));
const ports = ({ media }: { media: string[][] }) => media.map(([line = '']) => line.split(' ')[1]);
const REFUSED = /^m=message 0 TCP\/MSRP \*$/;

describe('a refusal of the only file', () => {
  beforeEach(() => start());

  it.each<[RefusalKind, number, string | undefined]>([
    ['forbidden', 403, undefined],
    ['type', 488, undefined],
    ['size', 488, undefined],
    ['busy', 486, '7'],
    ['resources', 500, '7'],
    ['failed', 500, undefined],
  ])('8.2.1-04: as %s is answered %i, Retry-After %s', async (kind, status, retryAfter) => {
    receiver.consider = () => {
      throw refuse(kind, 'as configured', retryAfter ? { retryAfter: Number(retryAfter) } : {});
    };
    const { answer } = await offering({ content: bytes(10) });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('Retry-After')).toBe(retryAfter);
    expect(answer.headers.has('Content-Type')).toBe(status === 488);
    expect(receiver.received).toEqual([]);
    expect(receiver.of('refused')).toEqual([
      { event: 'refused', method: 'INVITE', status, reason: 'as configured', from: PSA, apps: ['files.ua'] },
    ]);
    // RFC 3261 §20.43
    expect(answer.headers.get('Warning')).toBe(kind === 'type' ? '399 sip-push "as configured"' : undefined);
  });

  it('8.2.1-04: as declined is answered 200 with port zero (B.4 step 3)', async () => {
    receiver.consider = () => {
      throw refuse('declined', 'no films, please');
    };
    const session = await offering({ content: bytes(10) });
    expect(session.status).toBe(200);
    expect(session.sdp.media).toHaveLength(1);
    expect(session.sdp.media[0]?.[0]).toMatch(REFUSED);
    expect(receiver.of('refused')).toMatchObject([{ status: 200, reason: 'file 1: no films, please' }]);
    expect((await session.bye()).status).toBe(200);
  });

  it('leads to a BYE, because the session has no files, if the sender sends none', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    try {
      receiver.consider = () => {
        throw refuse('declined', 'no films, please');
      };
      const session = await offering({ content: bytes(10) });
      await vi.advanceTimersByTimeAsync(60_000);
      await session.hungUp();
    } finally {
      vi.useRealTimers();
    }
  });

  it('is answered 500 for any other error in the application, which receives the next file', async () => {
    receiver.consider = () => {
      throw undefined;
    };
    expect((await offering({ content: bytes(10) })).status).toBe(500);
    receiver.consider = () => {};
    expect((await offering({ content: bytes(10) })).status).toBe(200);
  });

  it('is answered 500 if the application does not answer within 3 s', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    try {
      let considered = false;
      receiver.consider = () => {
        considered = true;
        return new Promise<void>(() => {});
      };
      const answered = offering({ content: bytes(10) });
      await until(() => expect(considered).toBe(true));
      await vi.advanceTimersByTimeAsync(3_000);
      expect((await answered).status).toBe(500);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('the offer to an application', () => {
  beforeEach(() => start({ definition: { maxSize: 1000 } }));

  it('8.2.1-04: contains sender, type, size and name', async () => {
    const offers: unknown[] = [];
    receiver.consider = (offer) => {
      offers.push(offer);
      if (offer.fileName === 'film.mp4') throw refuse('declined', 'no films');
    };
    const content = bytes(10);
    const { sdp } = await offering(
      { content, name: 'film.mp4' },
      { content, name: 'letter.txt', type: 'text/plain' },
      { size: null, sha1: null },
    );
    expect(ports(sdp)).toEqual(['0', '9', '9']);
    expect(offers).toEqual([
      { from: PSA, type: FILE, size: 10, fileName: 'film.mp4' },
      { from: PSA, type: 'text/plain', size: 10, fileName: 'letter.txt' },
      { from: PSA, type: FILE },
    ]);
  });

  it('8.2.1-04, 8.2.1-07: is not made for a file that is too large: 488 with max-size', async () => {
    let considered = 0;
    receiver.consider = () => void considered++;
    const { status, sdp } = await offering({ size: 1001 });
    expect(status).toBe(488);
    expect(attribute(sdp.media[0], 'max-size')).toBe('1000');
    expect(considered).toBe(0);
    expect((await offering({ size: 1000 })).status).toBe(200);
  });
});

describe('a refusal of one of several files', () => {
  it.each<RefusalKind>(['forbidden', 'type', 'size', 'declined', 'busy', 'resources', 'failed'])(
    '8.2.1-04: %s: port zero, and the others are received',
    async (kind) => {
      await start();
      receiver.consider = ({ fileName }) => {
        if (fileName === 'not-this') throw refuse(kind, 'as configured');
      };
      const content = bytes(10);
      const { status, sdp } = await offering({ content, name: 'not-this' }, { content, name: 'this' });
      expect(status).toBe(200);
      expect(ports(sdp)).toEqual(['0', '9']);
      expect(receiver.of('refused')).toMatchObject([{ status: 200, reason: 'file 1: as configured' }]);
      const end = await SenderEnd.bound(listener);
      expect(await end.send(content)).toBe(200);
      await until(() => expect(receiver.committed).toEqual([Buffer.from(content)]));
    },
  );

  it('8.2.1-01, 8.2.1-04: closes lines of other types or protocols', async () => {
    await start();
    const offer = descriptionOf([
      'm=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000',
      mediaOf(listener.address, { type: 'text/html' }),
      mediaOf(listener.address, { content: bytes(10) }),
      'm=message 0 TCP/MSRP *',
    ]);
    const { status, sdp } = await receiver.invite(offer);
    expect(status).toBe(200);
    expect(sdp.media.map(([line]) => line)).toEqual([
      'm=audio 0 RTP/AVP 0',
      'm=message 0 TCP/MSRP *',
      'm=message 9 TCP/MSRP *',
      'm=message 0 TCP/MSRP *',
    ]);
  });

  it('8.2.1-04: keeps a file closed that is offered with port zero, and does not ask its application', async () => {
    await start();
    const considered: (string | undefined)[] = [];
    receiver.consider = ({ fileName }) => void considered.push(fileName);
    const content = bytes(10);
    const { status, sdp } = await offering({ content, name: 'closed', port: 0 }, { content, name: 'open' });
    expect(status).toBe(200);
    expect(ports(sdp)).toEqual(['0', '9']);
    expect(sdp.media[0]).toEqual(['m=message 0 TCP/MSRP *']);
    expect(considered).toEqual(['open']);
    const end = await SenderEnd.bound(listener);
    expect(await end.send(content)).toBe(200);
    await until(() => expect(receiver.committed).toEqual([Buffer.from(content)]));
    expect(receiver.received.map(({ push }) => push.fileName)).toEqual(['open']);
    expect(receiver.of('refused')).toEqual([]);
  });

  it('8.2.1-01, 8.2.1-04: rejects with 488 an INVITE in which every file is offered with port zero', async () => {
    await start();
    const considered: unknown[] = [];
    receiver.consider = (offer) => void considered.push(offer);
    const { status } = await offering({ content: bytes(10), port: 0 }, { content: bytes(20), port: 0 });
    expect(status).toBe(488);
    expect(considered).toEqual([]);
    expect(receiver.received).toEqual([]);
  });

  it('answers as for the first file that is not declined, if all are refused', async () => {
    await start();
    receiver.consider = ({ fileName = '' }) => {
      throw refuse(fileName === 'first' ? 'declined' : 'busy', fileName, { retryAfter: 9 });
    };
    const content = bytes(10);
    const { status, answer } = await offering({ content, name: 'first' }, { content, name: 'second' });
    expect(status).toBe(486);
    expect(answer.headers.get('Retry-After')).toBe('9');
  });
});

describe('a lack of resources', () => {
  it('for more sessions is answered 486 with Retry-After, before any work', async () => {
    await start({ sessions: 1 });
    const content = bytes(10);
    const first = await offering({ content });
    let considered = 0;
    receiver.consider = () => void considered++;
    const { status, answer } = await offering({ content });
    expect(status).toBe(486);
    expect(answer.headers.get('Retry-After')).toBe('30');
    expect(considered).toBe(0);
    expect(receiver.received).toHaveLength(1);
    await first.bye();
    expect((await offering({ content })).status).toBe(200);
  });

  it('for more sessions counts unanswered INVITEs', async () => {
    await start({ sessions: 1 });
    let pass = () => {};
    receiver.consider = () =>
      new Promise<void>((resolve) => {
        pass = resolve;
      });
    const first = offering({ content: bytes(10) });
    const second = offering({ content: bytes(10) });
    expect((await second).status).toBe(486);
    pass();
    expect((await first).status).toBe(200);
  });

  it('for more transfers is answered 486', async () => {
    await start({ limits: { transfers: 1 } });
    expect((await offering({ content: bytes(10) })).status).toBe(200);
    const { status, answer } = await offering({ content: bytes(10) });
    expect(status).toBe(486);
    expect(answer.headers.get('Retry-After')).toBe('5');
  });

  it('for the content is answered 500 with Retry-After', async () => {
    await start({ limits: { transferBytes: 2000 } });
    expect((await offering({ size: 600 })).status).toBe(200);
    const { status, answer } = await offering({ size: 600 });
    expect(status).toBe(500);
    expect(answer.headers.get('Retry-After')).toBe('60');
    expect(receiver.of('refused')).toMatchObject([
      { status: 500, reason: expect.stringContaining('no disk space') },
    ]);
  });

  it('for the same file twice is answered 486', async () => {
    await start();
    const file = { content: bytes(10), transferId: 'the-same' };
    expect((await offering(file)).status).toBe(200);
    expect((await offering(file)).status).toBe(486);
  });
});
