/** Mode `auto`: the selected mode of a push (8.1.2-03, 8.2.2). */

import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { memoryContent } from '../../core/content/content.js';
import { ConfigurationError, LimitError } from '../../core/errors.js';
import type { PushSenderAgent, PushSenderOptions } from '../../core/sender/sender.js';
import { BOB, startSender } from '../support/agents/agents.js';
import { receiptOf } from '../support/agents/receipts.js';
import { ScriptedCore } from '../support/sip/scripted-core.js';

const TYPE = { type: 'application/vnd.wap.mms-message', parameters: {} };
const SDP: [string, string][] = [['Content-Type', 'application/sdp']];
const TERMINAL = `${BOB};gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6`;

let core: ScriptedCore;
const closing: (() => Promise<unknown>)[] = [];
beforeEach(async () => {
  core = await ScriptedCore.tcp();
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  await core.close();
});

async function sender(
  options: Partial<PushSenderOptions> = { publish: { host: '127.0.0.1', port: 0 } },
): Promise<PushSenderAgent> {
  const started = await startSender({ servers: [core.uri], ...options });
  closing.push(() => started.stop());
  return started;
}

const content = (bytes: number) => memoryContent(TYPE, new Uint8Array(bytes));
const push = (bytes: number, to = BOB) => ({ to, app: 'mms.ua', content: content(bytes) });
/** Capabilities of a terminal for calls. */
const AUDIO = Buffer.from(
  ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0', 'm=audio 0 RTP/AVP 0', ''].join(
    '\r\n',
  ),
);

describe('mode auto', () => {
  it('8.1.2-03, 8.2.0-01: selects MESSAGE or session by the size of the whole request', async () => {
    const agent = await sender();
    for (const [bytes, method] of [
      [300, 'MESSAGE'],
      // More than 1300 bytes with its headers.
      [1000, 'INVITE'],
      [1301, 'INVITE'],
    ] as const) {
      const receipt = receiptOf(agent.send(push(bytes)));
      const { respond } = await core.request(method);
      respond(403);
      expect(await receipt).toMatchObject({
        mode: method === 'MESSAGE' ? 'pager' : 'session',
        status: 403,
        bytes,
      });
    }
    const methods = core.requests.map(({ request }) => request.method).filter((method) => method !== 'ACK');
    expect(methods).toEqual(['MESSAGE', 'INVITE', 'INVITE']);
  });

  it.each([
    ['405: the method', 405, undefined],
    ['501: the method', 501, undefined],
    ['488: it accepts other media only', 488, AUDIO],
    ['606: it accepts other media only', 606, AUDIO],
  ] as const)(
    '8.1.2-03: sends a reference if the receiver does not support sessions, %s',
    async (_why, status, body) => {
      const agent = await sender();
      const receipt = receiptOf(agent.send(push(5000)));
      (await core.request('INVITE')).respond(status, body && SDP, body);
      const { request, respond } = await core.request('MESSAGE');
      expect(request.headers.get('Content-Type')).toMatch(/^message\/external-body/);
      respond(200);
      expect(await receipt).toMatchObject({ to: BOB, mode: 'indirect', outcome: 'delivered', bytes: 5000 });
    },
  );

  it.each([403, 404, 415, 480, 486, 488, 500, 503, 603])(
    'a %i is an answer in every mode',
    async (status) => {
      const agent = await sender();
      const receipt = receiptOf(agent.send(push(5000)));
      (await core.request('INVITE')).respond(status);
      expect(await receipt).toMatchObject({ mode: 'session', status });
      expect(core.requests.map(({ request }) => request.method)).not.toContain('MESSAGE');
    },
  );

  it('8.1.2-03: sends several files by reference, in one MESSAGE each', async () => {
    const agent = await sender();
    const files = [
      { content: content(5000), name: 'a.mms' },
      { content: content(6000), name: 'b.mms', disposition: 'attachment' },
    ];
    const receipts = agent.send({ to: TERMINAL, app: 'mms.ua', files, mode: 'auto' });
    (await core.request('INVITE')).respond(405);
    for (const status of [200, 415]) {
      const { request, respond } = await core.request('MESSAGE');
      expect(request.uri).toBe(TERMINAL);
      respond(status);
    }
    const shared = { to: TERMINAL, terminal: TERMINAL, mode: 'indirect' };
    expect(await receipts).toMatchObject([
      { ...shared, fileName: 'a.mms', bytes: 5000, outcome: 'delivered' },
      { ...shared, fileName: 'b.mms', bytes: 6000, outcome: 'refused', status: 415 },
    ]);
  });

  it('8.1.2-03: sends only the large one of several files by reference', async () => {
    const agent = await sender();
    const files = [{ content: content(100) }, { content: content(5000) }];
    const receipts = agent.send({ to: TERMINAL, app: 'mms.ua', files, mode: 'pager' });
    const types: (string | undefined)[] = [];
    for (let count = 0; count < 2; count++) {
      const { request, respond } = await core.request('MESSAGE');
      types.push(request.headers.get('Content-Type')?.split(';')[0]);
      respond(200);
    }
    expect(await receipts).toMatchObject([{ mode: 'pager' }, { mode: 'indirect' }]);
    expect(types).toEqual([TYPE.type, 'message/external-body']);
  });

  it('AD-5.3.1-7: does not send delivered files again when it retries the others', async () => {
    const agent = await sender();
    agent.directory.setRegistered(BOB, { gruu: TERMINAL });
    const files = ['a.mms', 'b.mms', 'c.mms'].map((name) => ({ content: content(5000), name }));
    const receipts = agent.send({ to: BOB, app: 'mms.ua', files, mode: 'indirect', ttl: 60 });
    for (const status of [200, 404, 415]) (await core.request('MESSAGE')).respond(status);
    // Before or after the sender reads the answer: it is older than this registration.
    agent.directory.setRegistered(BOB, { gruu: TERMINAL });
    (await core.request('MESSAGE')).respond(200);
    expect(await receipts).toMatchObject([
      { fileName: 'a.mms', outcome: 'delivered' },
      { fileName: 'c.mms', status: 415 },
      { fileName: 'b.mms', outcome: 'delivered' },
    ]);
    expect(core.requests).toHaveLength(4);
  });

  it('8.1.2-07, AD-5.3.1-3, AD-5.3.1-8, DR-4.1.2-04: does not send a media type that the profile of the terminal does not list', async () => {
    const agent = await sender();
    agent.directory.setRegistered(BOB, { gruu: TERMINAL, types: ['image/*'] });
    const unlisted = { outcome: 'refused', retryable: false, reason: expect.stringContaining(TYPE.type) };
    expect(await agent.send(push(100))).toMatchObject([unlisted]);
    expect(await agent.send(push(5000))).toMatchObject([unlisted]);
    const url = 'https://psa.domain.test/1';
    expect(await agent.send({ to: BOB, app: 'mms.ua', content: { url, type: TYPE } })).toMatchObject([
      { ...unlisted, mode: 'indirect' },
    ]);
    const picture = memoryContent({ type: 'image/png', parameters: {} }, new Uint8Array(5));
    const files = [
      { content: content(5), name: 'a.mms' },
      { content: picture, name: 'b.png' },
    ];
    const receipts = agent.send({ to: BOB, app: 'mms.ua', files, mode: 'indirect' });
    (await core.request('MESSAGE')).respond(200);
    expect(await receipts).toMatchObject([
      { ...unlisted, fileName: 'a.mms' },
      { outcome: 'delivered', fileName: 'b.png' },
    ]);
    expect(core.requests).toHaveLength(1);
  });

  it('9-04: retries after a 404 for a known terminal, and not after a 404 for another address', async () => {
    const agent = await sender();
    const unknown = receiptOf(agent.send({ ...push(100, TERMINAL), ttl: 60 }));
    (await core.request('MESSAGE')).respond(404);
    expect(await unknown).toMatchObject({ outcome: 'refused', status: 404, retryable: false });
    agent.directory.setRegistered(BOB, { gruu: TERMINAL });
    const known = receiptOf(agent.send({ ...push(100), ttl: 60 }));
    (await core.request('MESSAGE')).respond(404);
    // Before or after the sender reads the answer: it is older than this registration.
    agent.directory.setRegistered(BOB, { gruu: TERMINAL });
    (await core.request('MESSAGE')).respond(200);
    expect(await known).toMatchObject({ outcome: 'delivered' });
  });

  it('does not wait for a terminal when the sender stops', async () => {
    const agent = await sender();
    agent.directory.setRegistered(BOB, { gruu: TERMINAL });
    agent.directory.setUnregistered(BOB, { gruu: TERMINAL });
    const waiting = agent.send({ ...push(100), ttl: 3600 });
    // The wait has started.
    await setImmediate();
    await agent.stop();
    expect(await waiting).toMatchObject([{ outcome: 'failed', retryable: true }]);
  });

  it('rejects a push without files', async () => {
    const agent = await sender();
    await expect(agent.send({ to: BOB, app: 'mms.ua', files: [] })).rejects.toThrow(ConfigurationError);
  });

  it('reports the reason if no mode is possible', async () => {
    const agent = await sender({});
    const receipt = receiptOf(agent.send(push(5000)));
    (await core.request('INVITE')).respond(405);
    expect(await receipt).toMatchObject({
      ...{ mode: 'session', outcome: 'refused', status: 405, retryable: false },
      why: expect.stringMatching(
        /does not support sessions; set "publish" to the address where the sender can serve content/,
      ),
    });
  });

  it('sends compressed content without a session, because MSRP has no content codings', async () => {
    const agent = await sender({});
    const noise = Uint8Array.from(
      { length: 3000 },
      (_, index) => (index * index * 31 + (index >> 3) * 17) & 0xff,
    );
    const request = { ...push(0), content: memoryContent(TYPE, noise), encoding: 'gzip' as const };
    await expect(agent.send(request)).rejects.toThrow(LimitError);
    expect(core.requests).toEqual([]);
  });
});

describe('mode session', () => {
  it('returns the answer of a terminal without session support as the receipt', async () => {
    const agent = await sender();
    const receipt = receiptOf(agent.send({ ...push(5000), mode: 'session' }));
    (await core.request('INVITE')).respond(405);
    expect(await receipt).toEqual({
      ...{ to: BOB, mode: 'session', outcome: 'refused', status: 405, reason: 'Method Not Allowed' },
      ...{ retryable: false, reported: false, bytes: 5000, milliseconds: expect.any(Number) },
      why: expect.stringContaining('as requested; sent to'),
    });
  });
});
