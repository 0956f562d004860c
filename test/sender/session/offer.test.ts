/** The INVITE and its offer (TS 8.2.2.1). */

import { afterEach, describe, expect, it } from 'vitest';
import { memoryContent } from '../../../core/content/content.js';
import { ConfigurationError } from '../../../core/errors.js';
import type { PushSenderOptions } from '../../../core/sender/sender.js';
import { parseAcceptContact } from '../../../core/sip/values/accept-contact.js';
import { BOB, PSA } from '../../support/agents/agents.js';
import { bytesOf, fileOf, PHONE, Scene } from '../../support/agents/scripted-receiver.js';
import { makeCertificates } from '../../support/certificates.js';
import { sha1Of } from '../../support/msrp/push-offers.js';

const scenes: Scene[] = [];
afterEach(async () => {
  for (const scene of scenes.splice(0)) await scene.close();
});

async function open(options?: Partial<PushSenderOptions>): Promise<Scene> {
  const scene = await Scene.open(options);
  scenes.push(scene);
  return scene;
}

const CONTENT = bytesOf(5000);

describe('the INVITE', () => {
  it('8.2.2-01, 7.2-04: has the push resource in Accept-Contact, required, in its short form', async () => {
    const scene = await open();
    const { offer } = await scene.push([fileOf(CONTENT)], { app: 'x-wap-application:mms.ua' });
    const values = offer.invite.headers.getAll('Accept-Contact');
    expect(values[0]).toBe('*;+g.oma.pusheventapp="mms.ua";require;explicit');
    expect(parseAcceptContact(values)).toHaveLength(2);
  });

  it.each([
    ['a public identity', BOB],
    ['a public GRUU', PHONE],
    ['a temporary GRUU', 'sip:tgruu.7hs==jd7vnzga5w7fajsc7-ajd6fabz0f8g5@domain.test;gr'],
  ])('8.2.2-02: the Request-URI is %s', async (_title, to) => {
    const scene = await open();
    const { offer } = await scene.push([fileOf(CONTENT)], { to });
    expect(offer.invite.uri).toBe(to);
    expect(offer.invite.headers.get('To')).toBe(`<${to}>`);
  });

  it('8.2.2-03: has P-Asserted-Identity unless assertIdentity is false', async () => {
    const asserting = await open();
    const first = await asserting.push([fileOf(CONTENT)]);
    expect(first.offer.invite.headers.getAll('P-Asserted-Identity')).toEqual([`<${PSA}>`]);
    const silent = await open({ assertIdentity: false });
    const second = await silent.push([fileOf(CONTENT)]);
    expect(second.offer.invite.headers.has('P-Asserted-Identity')).toBe(false);
  });

  it('8.2.2-07a, AD-5.3.1-4: goes to the SIP/IP core with the headers of a dialog and an offer as its body', async () => {
    const scene = await open();
    const { offer } = await scene.push([fileOf(CONTENT)]);
    const { headers } = offer.invite;
    expect(headers.get('From')).toMatch(/^<sip:psa@domain\.test>;tag=/);
    expect(headers.get('Contact')).toMatch(
      /^<sip:[^>]+>;\+g\.3gpp\.icsi-ref="\S+";\+g\.oma\.pusheventapp="[^"]+"$/,
    );
    expect(headers.get('Content-Type')).toBe('application/sdp');
    expect(headers.getAll('Allow')).toEqual(expect.arrayContaining(['INVITE', 'ACK', 'CANCEL', 'BYE']));
  });

  it('D-01, 7.2-04: has an IARI as a preference in Accept-Contact, and in Contact', async () => {
    const scene = await open();
    const iari = 'urn:urn-7:3gpp-application.ims.iari.home';
    const { offer } = await scene.push([fileOf(CONTENT)], { iari });
    const { headers } = offer.invite;
    const feature = '+g.3gpp.iari-ref="urn%3Aurn-7%3A3gpp-application.ims.iari.home"';
    expect(headers.getAll('Accept-Contact')).toEqual([
      '*;+g.oma.pusheventapp="mms.ua";require;explicit',
      `*;+g.3gpp.icsi-ref="urn%3Aurn-7%3A3gpp-service.ims.icsi.omapush";${feature}`,
    ]);
    expect(headers.get('Contact')).toContain(feature);
    const other = await scene.push([fileOf(CONTENT)]);
    expect(other.offer.invite.headers.get('Contact')).not.toContain('iari');
  });

  it.each([
    ['bob', 'mms.ua'],
    [BOB, 'mms ua'],
    [BOB, ''],
  ])('to %j for %j is rejected with an error, and nothing is sent', async (to, app) => {
    const scene = await open();
    const sent = scene.sender.send({ to, app, files: [fileOf(CONTENT)], mode: 'session' });
    await expect(sent).rejects.toThrow(ConfigurationError);
    expect(scene.core.requests).toEqual([]);
  });
});

describe('the offer', () => {
  it('8.2.2-04, 8.2.2-07: has a sendonly line for each file, and waits for a connection', async () => {
    const scene = await open();
    const { offer } = await scene.push([fileOf(CONTENT)]);
    expect(offer.session).toEqual([
      'v=0',
      expect.stringMatching(/^o=- \d+ \d+ IN IP4 127\.0\.0\.1$/),
      's=-',
      'c=IN IP4 127.0.0.1',
      't=0 0',
    ]);
    expect(offer.media).toHaveLength(1);
    expect(offer.media[0]).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^m=message [1-9]\d* TCP\/MSRP \*$/),
        'a=sendonly',
        'a=setup:passive',
        'a=accept-types:application/octet-stream',
      ]),
    );
    expect(offer.attribute('path')).toMatch(
      new RegExp(`^msrp://127\\.0\\.0\\.1:${offer.port()}/[!-~]{16,};tcp$`),
    );
  });

  it('8.2.2-05, AD-5.2-6: has the attributes of RFC 5547: selector, disposition and date', async () => {
    const scene = await open();
    const date = {
      creation: new Date(Date.UTC(2026, 0, 2, 3, 4, 5)),
      modification: new Date(Date.UTC(2026, 5, 7)),
    };
    const file = fileOf(CONTENT, {
      name: 'film.bin',
      disposition: 'attachment',
      description: 'A film',
      date,
    });
    const { offer } = await scene.push([file]);
    expect(offer.attribute('file-selector')).toBe(
      `name:"film.bin" type:application/octet-stream size:5000 hash:sha-1:${sha1Of(CONTENT)}`,
    );
    expect(offer.attribute('file-transfer-id')).toMatch(/^[0-9a-f]{32}$/);
    expect(offer.attribute('file-disposition')).toBe('attachment');
    expect(offer.attribute('file-date')).toBe(
      'creation:"Fri, 02 Jan 2026 03:04:05 +0000" modification:"Sun, 07 Jun 2026 00:00:00 +0000"',
    );
    // RFC 5547 §6: the whole file.
    expect(offer.attribute('file-range')).toBeUndefined();
    expect(offer.media[0]).toContain('i=A film');
  });

  it.each([
    ['quotes and percent signs', 'a "b" 100%', 'a %22b%22 100%25'],
    ['line breaks and NUL', 'a\r\na=sendrecv\0', 'a%0D%0Aa=sendrecv%00'],
    ['other scripts', 'Füße 東京.bin', 'Füße 東京.bin'],
    ['paths', '../../etc/passwd', '../../etc/passwd'],
  ])('8.2.2-05: escapes a name with %s', async (_what, name, written) => {
    const scene = await open();
    const { offer } = await scene.push([fileOf(CONTENT, { name })]);
    expect(offer.attribute('file-selector')).toMatch(/^name:"/);
    expect(offer.attribute('file-selector')?.startsWith(`name:"${written}" `)).toBe(true);
    expect(offer.media[0]).not.toContain('a=sendrecv');
  });

  it('8.2.2-05: rejects a name of thousands of characters with an error', async () => {
    const scene = await open();
    const file = fileOf(CONTENT, { name: 'x'.repeat(20_000) });
    const sent = scene.sender.send({ to: BOB, app: 'mms.ua', files: [file], mode: 'session' });
    await expect(sent).rejects.toThrow(/shorten the file's name/);
    expect(scene.core.requests).toEqual([]);
  });

  it('8.2.2-05: has parameters of a type in the selector, not in accept-types', async () => {
    const scene = await open();
    const type = { type: 'text/plain', parameters: { charset: 'utf-8' } };
    const { offer } = await scene.push([{ content: memoryContent(type, CONTENT) }]);
    expect(offer.attribute('file-selector')).toContain('type:text/plain;charset="utf-8" ');
    expect(offer.attribute('accept-types')).toBe('text/plain');
  });

  it('8.2.2-06: has a line for each file, all with one port, each with a session of its own', async () => {
    const scene = await open();
    const names = ['a.bin', 'b.bin', 'c.bin'];
    const { offer } = await scene.push(names.map((name, index) => fileOf(bytesOf(index + 1), { name })));
    expect(offer.media).toHaveLength(3);
    for (const [line, name] of names.entries()) {
      expect(offer.attribute('file-selector', line)).toContain(`name:"${name}" `);
      expect(offer.attribute('file-selector', line)).toContain(` size:${line + 1} `);
      expect(offer.port(line)).toBe(offer.port(0));
    }
    for (const name of ['path', 'file-transfer-id']) {
      expect(new Set(names.map((_, line) => offer.attribute(name, line))).size).toBe(3);
    }
  });

  it('8.2.2-07: uses one port for every session of a sender', async () => {
    const scene = await open();
    const first = await scene.push([fileOf(CONTENT)]);
    const second = await scene.push([fileOf(CONTENT)], { to: PHONE });
    expect(second.offer.port()).toBe(first.offer.port());
    expect(second.offer.attribute('path')).not.toBe(first.offer.attribute('path'));
  });

  it('8.2.2-05: has a transfer id for each push, and the same one in every retry', async () => {
    const scene = await open();
    const id = async (more: { id?: string }) =>
      (await scene.push([fileOf(CONTENT)], more)).offer.attribute('file-transfer-id');
    const [first, second, named, repeated] = [
      await id({}),
      await id({}),
      await id({ id: 'x' }),
      await id({ id: 'x' }),
    ];
    expect(repeated).toBe(named);
    expect(new Set([first, second, named]).size).toBe(3);
  });

  it.each([
    ['127.0.0.1', 'IP4 127.0.0.1', '127.0.0.1'],
    ['::1', 'IP6 ::1', '[::1]'],
  ])('8.2.2-04: has the address %s in c= and in the path', async (host, connection, inPath) => {
    const scene = await open({ media: { host } });
    const { offer } = await scene.push([fileOf(CONTENT)]);
    expect(offer.session).toContain(`c=IN ${connection}`);
    expect(offer.attribute('path')).toContain(`//${inPath}:${offer.port()}/`);
  });

  it('8.2.2-04: uses a port of the configured range', async () => {
    const first = await open({ media: { ports: [42_310, 42_330] } });
    const second = await open({ media: { ports: [42_310, 42_330] } });
    const ports = [];
    for (const scene of [first, second]) ports.push((await scene.push([fileOf(CONTENT)])).offer.port());
    expect(new Set(ports).size).toBe(2);
    for (const port of ports) expect(port >= 42_310 && port <= 42_330).toBe(true);
  });

  it('8.2.3-01: uses TLS, with the fingerprint of the certificate of the sender', async () => {
    const { cert, key, remove } = await makeCertificates();
    const scene = await open({ media: { tls: { cert, key } } });
    scene.onClose(remove);
    const { offer } = await scene.push([fileOf(CONTENT)]);
    expect(offer.media[0]?.[0]).toBe(`m=message ${offer.port()} TCP/TLS/MSRP *`);
    expect(offer.attribute('path')).toMatch(/^msrps:\/\/127\.0\.0\.1:\d+\/[!-~]+;tcp$/);
    expect(offer.attribute('fingerprint')).toMatch(/^sha-256 (?:[0-9A-F]{2}:){31}[0-9A-F]{2}$/);
  });

  it.each([
    ['ws', false, /^msrp:\/\/127\.0\.0\.1:\d+\/[!-~]+;ws$/, 'TCP/MSRP'],
    ['wss', true, /^msrps:\/\/127\.0\.0\.1:\d+\/[!-~]+;ws$/, 'TCP/TLS/MSRP'],
  ])('over %s, for receivers in browsers (RFC 7977)', async (_title, secure, path, protocol) => {
    const { cert, key, remove } = await makeCertificates();
    const scene = await open({ media: { transport: 'ws', tls: secure ? { cert, key } : undefined } });
    scene.onClose(remove);
    const { offer } = await scene.push([fileOf(CONTENT)]);
    expect(offer.media[0]?.[0]).toBe(`m=message ${offer.port()} ${protocol} *`);
    expect(offer.attribute('path')).toMatch(path);
  });

  it('8.2.2-05: offers an empty file', async () => {
    const scene = await open();
    const { offer } = await scene.push([fileOf(new Uint8Array(0))]);
    expect(offer.attribute('file-selector')).toContain(` size:0 hash:sha-1:${sha1Of(new Uint8Array(0))}`);
  });
});
