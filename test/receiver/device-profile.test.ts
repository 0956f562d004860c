/** The User Agent Profile to which a device refers its senders (TS 5.1 steps 10 and 11, RFC 4483). */

import { afterEach, describe, expect, it } from 'vitest';
import { parseExternalBody } from '../../core/content/external-body.js';
import { parseMediaType } from '../../core/content/media-type.js';
import { readProfile } from '../../core/content/user-agent-profile.js';
import type { ProfileOptions } from '../../core/receiver/device-profile.js';
import { PSA } from '../support/agents/agents.js';
import { freePort } from '../support/programs/ports.js';
import type { Received } from '../support/sip/scripted-core.js';
import { until } from '../support/wait.js';
import { agree, NegotiationScene } from './negotiation-scene.js';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function registered(profile?: ProfileOptions, senders: readonly string[] = [PSA]) {
  const opened = await NegotiationScene.open({ senders, profile });
  closing.push(() => opened.close());
  await opened.register();
  return opened;
}

function referenceOf({ request }: Received) {
  const type = parseMediaType(request.headers.get('Content-Type') ?? '');
  if (!type) throw new Error('no Content-Type');
  return { parameters: type.parameters, ...parseExternalBody(type, request.body) };
}

async function fetched(url: string) {
  const response = await fetch(url);
  return { response, profile: readProfile(new Uint8Array(await response.arrayBuffer())) };
}

describe('a profile at a URL', () => {
  const url = 'https://profiles.test/m1.xml';

  it('5.1-10: is referred to by message/external-body with access-type URL, expiration and URL', async () => {
    const before = Date.now();
    const { request } = await (await registered({ url })).options();
    expect(request.headers.get('Content-Type')).toMatch(
      /^message\/external-body;access-type=URL;expiration="[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT";URL="https:\/\/profiles\.test\/m1\.xml"$/,
    );
    // As long as the registration; dates have whole seconds.
    const { expiration = 0 } = referenceOf({ request, bytes: new Uint8Array(), respond: () => {} });
    expect(expiration).toBeGreaterThanOrEqual(before + 600_000 - 1000);
    expect(expiration).toBeLessThanOrEqual(Date.now() + 600_000);
  });

  it('5.1-11: is described by the body: application/rdf+xml, attachment, a Content-ID', async () => {
    const options = await (await registered({ url })).options();
    expect(new TextDecoder().decode(options.request.body)).toMatch(
      /^Content-Type: application\/rdf\+xml\r\nContent-Disposition: attachment\r\nContent-ID: <[0-9a-f]{32}@domain\.test>\r\n\r\n$/,
    );
    // The content at the URL is unknown.
    expect(referenceOf(options).size).toBeUndefined();
    expect(referenceOf(options).hash).toBeUndefined();
  });
});

describe('a profile on its own server', () => {
  it('5.1-10: is served with the loaded applications', async () => {
    const options = await (await registered({ vendor: 'Acme', model: 'M1' })).options();
    const { url, size, hash } = referenceOf(options);
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[0-9a-f]{32}$/);
    expect(hash).toMatch(/^[0-9a-f]{40}$/);
    const { response, profile } = await fetched(url);
    expect(response.headers.get('content-type')).toBe('application/rdf+xml');
    expect(response.headers.get('content-length')).toBe(String(size));
    expect(profile).toEqual({
      vendor: 'Acme',
      model: 'M1',
      applications: ['x-wap-application:mms.ua', 'x-wap-application:wml.ua'],
      mediaTypes: ['application/vnd.test.mms.ua', 'application/vnd.test.wml.ua'],
      maxSize: 300_000,
    });
  });

  it('has another URL when it changes; the older one stays available', async () => {
    const opened = await registered({});
    const first = await opened.options();
    agree(first, []);
    await opened.load('loc.ua');
    await opened.register();
    const second = await opened.options();
    expect(referenceOf(second).url).not.toBe(referenceOf(first).url);
    expect(referenceOf(second).headers['content-id']).not.toBe(referenceOf(first).headers['content-id']);
    expect((await fetched(referenceOf(second).url)).profile.applications).toContain(
      'x-wap-application:loc.ua',
    );
    expect((await fetched(referenceOf(first).url)).profile.applications).not.toContain(
      'x-wap-application:loc.ua',
    );
    agree(second, []);
    await opened.runtime.unload('loc.ua');
    await opened.register();
    expect(referenceOf(await opened.options()).url).toBe(referenceOf(first).url);
  });

  it('is served at the configured port with the configured URL', async () => {
    const port = await freePort();
    const options = await (
      await registered({ url: 'https://device.test/profiles/', host: '127.0.0.1', port })
    ).options();
    const { url } = referenceOf(options);
    expect(url).toMatch(/^https:\/\/device\.test\/profiles\/[0-9a-f]{32}$/);
    const name = url.slice(url.lastIndexOf('/'));
    expect((await fetched(`http://127.0.0.1:${port}/profiles${name}`)).profile.applications).toHaveLength(2);
  });

  it('supports conditional requests, and serves nothing else', async () => {
    const { url } = referenceOf(await (await registered({})).options());
    const { response } = await fetched(url);
    const etag = response.headers.get('etag') ?? '';
    expect((await fetch(url, { headers: { 'If-None-Match': etag } })).status).toBe(304);
    expect((await fetch(url, { method: 'HEAD' })).headers.get('etag')).toBe(etag);
    expect((await fetch(url, { method: 'POST' })).status).toBe(405);
    expect((await fetch(`${url}x`)).status).toBe(404);
    expect((await fetch(new URL('/', url))).status).toBe(404);
  });

  it('is shared by all senders', async () => {
    const port = await freePort();
    const senders = [1, 2, 3].map((number) => `sip:psa${number}@domain.test`);
    const opened = await registered({ host: '127.0.0.1', port }, senders);
    const urls = [];
    for (const _ of senders) urls.push(referenceOf(await opened.options()).url);
    expect(new Set(urls).size).toBe(1);
    expect(opened.of('negotiation-failed')).toEqual([]);
  });

  it('closes with the agent', async () => {
    const opened = await registered({});
    const { url } = referenceOf(await opened.options());
    opened.core.autoAnswered.add('REGISTER');
    await opened.agent.stop();
    await expect(fetch(url)).rejects.toThrow();
  });

  it('reports that it cannot be served, and retries', async () => {
    const port = await freePort();
    const { createServer } = await import('node:net');
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(port, '127.0.0.1', resolve));
    const opened = await registered({ host: '127.0.0.1', port });
    const [failure] = await opened.occurred('negotiation-failed');
    expect(failure?.reason).toMatch(/EADDRINUSE|in use/);
    expect(failure?.retryInSeconds).toBeGreaterThan(0);
    await new Promise((resolve) => other.close(resolve));
    await opened.load('loc.ua');
    await opened.register();
    await until(async () => expect(referenceOf(await opened.options()).url).toContain(`:${port}/`));
  });
});

it('5.1-10: sends no body without a profile', async () => {
  const { request } = await (await registered()).options();
  expect(request.headers.has('Content-Type')).toBe(false);
  expect(request.body).toHaveLength(0);
});
