/** Content by reference at the sender (TS 8.1.2 step 3, RFC 4483). */

import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { platform } from '#platform';
import { memoryContent } from '../../core/content/content.js';
import { type ExternalBody, parseExternalBody } from '../../core/content/external-body.js';
import { parseMediaType } from '../../core/content/media-type.js';
import { ConfigurationError, LimitError } from '../../core/errors.js';
import { MAX_PAGER_REQUEST } from '../../core/sender/pager.js';
import type { PushRequest } from '../../core/sender/push-request.js';
import type { PushSenderAgent, PushSenderOptions } from '../../core/sender/sender.js';
import type { SipRequest } from '../../core/sip/message/message.js';
import { BOB, startSender } from '../support/agents/agents.js';
import { receiptOf } from '../support/agents/receipts.js';
import { ScriptedCore } from '../support/sip/scripted-core.js';
import { PATIENCE_MS } from '../support/wait.js';

const TYPE = { type: 'application/vnd.wap.mms-message', parameters: {} };
const PUBLISH = { host: '127.0.0.1', port: 0 };
const LARGE = Buffer.alloc(100_000, 'content ');

let core: ScriptedCore;
const closing: (() => Promise<unknown>)[] = [];
beforeEach(async () => {
  core = await ScriptedCore.tcp();
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  await core.close();
});

async function sender(options: Partial<PushSenderOptions> = { publish: PUBLISH }): Promise<PushSenderAgent> {
  const started = await startSender({ servers: [core.uri], ...options });
  closing.push(() => started.stop());
  return started;
}

const push = (bytes: Uint8Array, more: Partial<PushRequest> = {}): PushRequest => ({
  to: BOB,
  app: 'mms.ua',
  mode: 'pager',
  content: memoryContent(TYPE, bytes),
  ...more,
});

function referenceIn({ headers, body }: SipRequest): ExternalBody {
  const type = parseMediaType(headers.get('Content-Type') ?? '');
  if (!type) throw new Error('no Content-Type');
  return parseExternalBody(type, body);
}

async function fetched(url: string): Promise<{ status: number; bytes: Buffer }> {
  const response = await platform.request({
    method: 'GET',
    url: new URL(url),
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  return { status: response.status, bytes: Buffer.from(await new Response(response.body).arrayBuffer()) };
}

describe('8.1.2-03: content by reference', () => {
  it.each(['pager', 'indirect'] as const)('8.1.2-03, 8.1.2-03a: mode %s, past 1300 bytes', async (mode) => {
    const agent = await sender();
    const before = Date.now();
    const receipt = receiptOf(agent.send(push(LARGE, { mode })));
    const { request, bytes, respond } = await core.request('MESSAGE');
    expect(bytes.length).toBeLessThanOrEqual(MAX_PAGER_REQUEST);
    expect(request.headers.getAll('Accept-Contact')[0]).toContain('+g.oma.pusheventapp="mms.ua"');
    const reference = referenceIn(request);
    expect(reference).toMatchObject({
      type: TYPE,
      size: LARGE.length,
      hash: platform.hash('sha-1', LARGE),
      headers: {
        'content-id': expect.stringMatching(/^<[0-9a-f]{32}@domain\.test>$/),
        'content-disposition': 'render',
      },
    });
    const date = Date.parse(request.headers.get('Date') ?? '');
    expect((reference.expiration ?? 0) - date).toBeGreaterThanOrEqual(3_599_000);
    // An hour, in whole seconds.
    expect(reference.expiration).toBeGreaterThan(before + 3_599_000);
    expect((await fetched(reference.url)).bytes.equals(LARGE)).toBe(true);
    respond(200);
    expect(await receipt).toMatchObject({ mode: 'indirect', outcome: 'delivered', bytes: LARGE.length });
  });

  it('8.1.2-03: is used if the whole request is too large, or if requested', async () => {
    const agent = await sender();
    const size = async (bytes: number, mode: PushRequest['mode'] = 'pager') => {
      void agent.send(push(new Uint8Array(bytes), { mode }));
      const { request, respond } = await core.request('MESSAGE');
      respond(200);
      return request.headers.get('Content-Type')?.split(';')[0];
    };
    expect(await size(300)).toBe(TYPE.type);
    expect(await size(1000)).toBe('message/external-body');
    expect(await size(300, 'indirect')).toBe('message/external-body');
  });

  it('8.1.2-03a: can be at a URL of the application', async () => {
    const agent = await sender({});
    const content = {
      url: 'https://content.operator.test/mms/1',
      type: TYPE,
      size: 5_000_000,
      hash: 'A9993E364706816ABA3E25717850C26C9CD0D89D',
      expiration: new Date(Date.UTC(2030, 0, 1)),
    };
    const receipt = receiptOf(agent.send(push(LARGE, { content, disposition: 'attachment' })));
    const { request, respond } = await core.request('MESSAGE');
    expect(referenceIn(request)).toEqual({
      ...content,
      hash: content.hash.toLowerCase(),
      expiration: content.expiration.getTime(),
      headers: { 'content-id': expect.any(String), 'content-disposition': 'attachment' },
    });
    respond(200);
    expect(await receipt).toMatchObject({ mode: 'indirect', outcome: 'delivered', bytes: 5_000_000 });
    expect(await agent.unfetched()).toBe(0);
  });

  it('8.1.2-03a: can be at a URL without size and hash', async () => {
    const agent = await sender({});
    const content = { url: 'https://content.operator.test/mms/1', type: TYPE };
    const receipt = receiptOf(agent.send(push(LARGE, { content })));
    const { request, respond } = await core.request('MESSAGE');
    const { size, hash, expiration } = referenceIn(request);
    expect([size, hash, expiration]).toEqual([undefined, undefined, undefined]);
    respond(200);
    expect((await receipt).bytes).toBe(0);
    const invalid = { url: 'nowhere', type: TYPE };
    await expect(agent.send(push(LARGE, { content: invalid }))).rejects.toThrow(ConfigurationError);
  });
});

describe('published content is available', () => {
  it('until terminals have retrieved it, after the MESSAGE was accepted', async () => {
    const agent = await sender();
    const receipt = receiptOf(agent.send(push(LARGE)));
    const { request, respond } = await core.request('MESSAGE');
    respond(200);
    await receipt;
    expect(await agent.unfetched()).toBe(1);
    const settled = agent.settled();
    const { url } = referenceIn(request);
    await fetched(url);
    await settled;
    expect(await agent.unfetched()).toBe(0);
    // Another terminal of the same user can still retrieve it.
    expect((await fetched(url)).status).toBe(200);
  });

  it.each([403, 415, 500])('until a %i rejects the MESSAGE', async (status) => {
    const agent = await sender();
    const receipt = receiptOf(agent.send(push(LARGE)));
    const { request, respond } = await core.request('MESSAGE');
    respond(status);
    await receipt;
    expect((await fetched(referenceIn(request).url)).status).toBe(404);
    expect(await agent.unfetched()).toBe(0);
  });

  it('at one URL for all attempts of a push, even if a later attempt is refused: an earlier one can be confirmed', async () => {
    const agent = await sender();
    const urls: string[] = [];
    for (const status of [408, 408, 500]) {
      const receipt = receiptOf(agent.send(push(LARGE, { id: 'push-1' })));
      const { request, respond } = await core.request('MESSAGE');
      urls.push(referenceIn(request).url);
      respond(status);
      await receipt;
    }
    expect(new Set(urls).size).toBe(1);
    expect(await agent.unfetched()).toBe(1);
    expect((await fetched(urls[0] ?? '')).status).toBe(200);
    void agent.send(push(LARGE, { id: 'push-2' }));
    const { request, respond } = await core.request('MESSAGE');
    expect(referenceIn(request).url).not.toBe(urls[0]);
    respond(200);
  });

  it('until the agent stops', async () => {
    const agent = await sender();
    const receipt = receiptOf(agent.send(push(LARGE)));
    const { request, respond } = await core.request('MESSAGE');
    respond(200);
    await receipt;
    await agent.stop();
    await expect(fetched(referenceIn(request).url)).rejects.toThrow(/ECONNREFUSED/);
  });

  it('only with the option publish', async () => {
    const agent = await sender({});
    await expect(agent.send(push(LARGE))).rejects.toThrow(LimitError);
    await expect(agent.send(push(LARGE, { mode: 'indirect' }))).rejects.toThrow(ConfigurationError);
  });
});

describe('compressed content', () => {
  it('fits a MESSAGE if the original did not', async () => {
    const agent = await sender();
    void agent.send(push(LARGE, { encoding: 'gzip' }));
    const { request, respond } = await core.request('MESSAGE');
    expect(request.headers.get('Content-Encoding')).toBe('gzip');
    expect(request.headers.get('Content-Type')).toBe(TYPE.type);
    expect(gunzipSync(request.body).equals(LARGE)).toBe(true);
    respond(200);
  });

  it('8.1.2-03: has a reference with its coding, and the size and hash of the compressed bytes', async () => {
    const agent = await sender();
    void agent.send(push(LARGE, { encoding: 'gzip', mode: 'indirect' }));
    const { request, respond } = await core.request('MESSAGE');
    expect(request.headers.has('Content-Encoding')).toBe(false);
    const { url, size, hash, headers } = referenceIn(request);
    expect(headers['content-encoding']).toBe('gzip');
    const { bytes } = await fetched(url);
    expect([bytes.length, platform.hash('sha-1', bytes)]).toEqual([size, hash]);
    expect(gunzipSync(bytes).equals(LARGE)).toBe(true);
    respond(200);
  });
});
