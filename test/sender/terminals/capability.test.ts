/** A sender learns the capabilities of terminals (TS 5.2, flow B.2), with a scripted core. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { memoryContent } from '../../../core/content/content.js';
import { writeProfile } from '../../../core/content/user-agent-profile.js';
import type { PushSenderAgent, PushSenderOptions } from '../../../core/sender/sender.js';
import { BOB, PSA, startSender } from '../../support/agents/agents.js';
import { TestHttpServer } from '../../support/pages/http-server.js';
import { request } from '../../support/sip/requests.js';
import { ScriptedCore } from '../../support/sip/scripted-core.js';
import { until } from '../../support/wait.js';

const INSTANCE = 'urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6';
const TEXT = { type: 'text/plain', parameters: {} };
const GRUU = `${BOB};gr=${INSTANCE}`;
const IDENTITY = `P-Asserted-Identity: <${BOB}>`;
const APPS = '+g.oma.pusheventapp="x-wap-application:mms.ua,wml.ua"';
const CONTACT = `Contact: <${GRUU}>;${APPS}`;

let core: ScriptedCore;
let sender: PushSenderAgent;
beforeEach(async () => {
  core = await ScriptedCore.tcp();
});
afterEach(async () => {
  await sender.stop();
  await core.close();
});

async function start(options: Partial<PushSenderOptions> = {}): Promise<void> {
  const connected = new Promise((resolve) => {
    const onConnected = () => resolve(undefined);
    void startSender({ servers: [core.uri], onConnected, ...options }).then((started) => {
      sender = started;
    });
  });
  await connected;
  // A scripted core can send to an agent only after the agent sent a request.
  const push = {
    to: 'sip:nobody@domain.test',
    app: 'a.ua',
    content: { url: 'http://a.test/', type: { type: 'a/b', parameters: {} } },
  };
  const greeting = sender.send(push);
  (await core.request('MESSAGE')).respond(404);
  await greeting;
}

const options = (lines: readonly string[], body?: string) =>
  core.exchange(request('OPTIONS', PSA, lines, body));

describe('the identity of an OPTIONS', () => {
  it.each([
    ['no sender', []],
    ['an identity of another domain', ['P-Asserted-Identity: <sip:bob@other.test>']],
  ])('5.2-01: is rejected with 403 for %s', async (_title, identity) => {
    await start();
    expect((await options([...identity, CONTACT])).status).toBe(403);
    expect(sender.directory.size).toBe(0);
  });

  it('5.2-01: is accepted if the configuration trusts it', async () => {
    await start({ trust: ['sip:*@other.test'] });
    const other = 'Contact: <sip:bob@other.test;gr=urn:uuid:1>';
    expect((await options(['P-Asserted-Identity: <sip:bob@other.test>', other])).status).toBe(200);
    expect((await options([IDENTITY, CONTACT])).status).toBe(403);
    expect(sender.directory.of('sip:bob@other.test')).toHaveLength(1);
  });

  it('is rejected with 403 if it is malformed; surplus values are ignored (RFC 5876 4.5)', async () => {
    await start();
    expect((await options(['P-Asserted-Identity: <sip:bob@>', CONTACT])).status).toBe(403);
    expect((await options([IDENTITY, IDENTITY, CONTACT])).status).toBe(200);
  });

  it('5.2-03: must match the user of the GRUU', async () => {
    await start();
    expect((await options([IDENTITY, `Contact: <sip:al@domain.test;gr=${INSTANCE}>;${APPS}`])).status).toBe(
      200,
    );
    expect(sender.directory.find(`sip:al@domain.test;gr=${INSTANCE}`)).toBeUndefined();
    expect(sender.directory.of('sip:al@domain.test')).toEqual([]);
  });
});

describe('the directory', () => {
  it('5.2-03, SIPPUSH-PSA-S-004-O: has the GRUU, applications, methods and product of the terminal', async () => {
    await start();
    const allow = 'Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, MESSAGE';
    await options([IDENTITY, CONTACT, allow, 'User-Agent: softphone Beta1.5']);
    expect(sender.directory.of(BOB)).toMatchObject([
      {
        user: BOB,
        gruu: GRUU,
        apps: ['mms.ua', 'wml.ua'],
        methods: ['INVITE', 'ACK', 'CANCEL', 'OPTIONS', 'BYE', 'MESSAGE'],
        product: 'softphone Beta1.5',
        registered: true,
      },
    ]);
  });

  it('5.2-03: provides the GRUU as Request-URI of later requests', async () => {
    await start();
    await options([IDENTITY, CONTACT]);
    const receipts = sender.send({
      ...{ to: BOB, app: 'mms.ua' },
      content: { url: 'http://a.test/', type: { type: 'a/b', parameters: {} } },
    });
    const { request, respond } = await core.request('MESSAGE');
    expect(request.uri).toBe(GRUU);
    respond(200);
    expect(await receipts).toMatchObject([{ to: BOB, terminal: GRUU, outcome: 'delivered' }]);
  });

  it('B.2: accepts the Contact of the sample flow, with gr outside the brackets', async () => {
    await start();
    await options([IDENTITY, `Contact: <${BOB}>;gr=${INSTANCE};${APPS}`]);
    expect(sender.directory.of(BOB)).toMatchObject([{ gruu: GRUU }]);
  });

  it('B.2: has the address of a terminal without a GRUU', async () => {
    await start();
    await options([IDENTITY, `Contact: <sip:bob@127.0.0.1:5080>;+sip.instance="<${INSTANCE}>";${APPS}`]);
    expect(sender.directory.of(BOB)).toMatchObject([
      { contact: 'sip:bob@127.0.0.1:5080', instanceId: INSTANCE, apps: ['mms.ua', 'wml.ua'] },
    ]);
  });

  it('has no methods without an Allow', async () => {
    await start();
    await options([IDENTITY, CONTACT]);
    const receipts = sender.send({
      to: BOB,
      app: 'mms.ua',
      content: memoryContent(TEXT, new Uint8Array(10)),
    });
    (await core.request('MESSAGE')).respond(200);
    expect(await receipts).toMatchObject([{ mode: 'pager', outcome: 'delivered' }]);
  });

  it('5.1-05: removes the applications that a terminal no longer lists', async () => {
    await start();
    await options([IDENTITY, CONTACT]);
    await options([IDENTITY, `Contact: <${GRUU}>`]);
    expect(sender.directory.of(BOB)).toMatchObject([{ apps: [] }]);
  });

  it('limits the facts of a terminal', async () => {
    await start();
    const many = Array.from({ length: 300 }, (_, index) => `X${index}`);
    const apps = many.map((name) => `${name}.ua`).join(',');
    const allow = `Allow: ${many.join(', ')}`;
    const product = `User-Agent: ${'phone/1 '.repeat(100)}`;
    const contact = `Contact: <${GRUU}>;+g.oma.pusheventapp="${apps}"`;
    expect((await options([IDENTITY, contact, allow, product])).status).toBe(200);
    const [known] = sender.directory.of(BOB);
    expect([known?.apps?.length, known?.methods?.length, known?.product?.length]).toEqual([256, 256, 256]);
    expect((await options([IDENTITY, `${contact};x="${'x'.repeat(4096)}"`])).status).toBe(400);
  });

  it('is updated by each OPTIONS', async () => {
    await start();
    await options([IDENTITY, CONTACT]);
    await options([IDENTITY, `Contact: <${GRUU}>;+g.oma.pusheventapp="dcd.ua"`]);
    expect(sender.directory.of(BOB)).toMatchObject([{ apps: ['dcd.ua'] }]);
  });
});

describe('5.2-02: a User Agent Profile', () => {
  const PROFILE = { applications: ['wml.ua'], mediaTypes: ['text/vnd.wap.si', 'image/*'], maxSize: 30_000 };
  let http: Awaited<ReturnType<typeof TestHttpServer.start>>;
  beforeEach(async () => {
    http = await TestHttpServer.start((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/rdf+xml', 'cache-control': 'max-age=60' });
      response.end(writeProfile(PROFILE));
    });
  });
  afterEach(() => http.close());

  /** @param contact with or without the facts of the terminal */
  const referring = (url: string, contact = CONTACT) =>
    options(
      [
        ...[IDENTITY, contact],
        `Content-Type: message/external-body; access-type="URL"; expiration="Sat, 5 July 2031 09:00:00 GMT"; URL="${url}"`,
      ],
      'Content-Type: application/rdf+xml\r\nContent-Disposition: attachment\r\nContent-ID: <profile@domain.test>\r\n\r\n',
    );

  it('is fetched once and merged with the OPTIONS', async () => {
    await start({ fetch: { allow: ['http://127.0.0.1:*'] } });
    expect((await referring(http.url('/phone.xml'))).status).toBe(200);
    await until(() =>
      expect(sender.directory.of(BOB)).toMatchObject([
        {
          ...{ gruu: GRUU, apps: ['mms.ua', 'wml.ua'], types: PROFILE.mediaTypes, maxSize: 30_000 },
          profile: http.url('/phone.xml'),
        },
      ]),
    );
    await referring(http.url('/phone.xml'));
    expect(http.requests).toEqual(['GET /phone.xml']);
  });

  it('provides the applications if the OPTIONS does not', async () => {
    await start({ fetch: { allow: ['http://127.0.0.1:*'] } });
    await referring(http.url(), `Contact: <${GRUU}>`);
    await until(() => expect(sender.directory.of(BOB)).toMatchObject([{ apps: ['wml.ua'] }]));
  });

  it('that cannot be fetched or parsed is reported, and the terminal stays known', async () => {
    const problems: string[] = [];
    await start({ onProblem: (error) => problems.push(error.message) });
    expect((await referring(http.url())).status).toBe(200);
    await until(() =>
      expect(problems).toEqual([
        expect.stringMatching(/^cannot fetch the profile http.*not-allowed.*fetch\.allow/),
      ]),
    );
    expect(sender.directory.of(BOB)).toMatchObject([{ gruu: GRUU }]);
    expect(http.requests).toEqual([]);
  });
});

describe('the response', () => {
  it('5.2-04, 5.2-05, 5.2-06, 5.2-07, 5.2-08: is 200 with the common applications', async () => {
    await start({ apps: ['mms.ua', 'dcd.ua'] });
    const { status, headers } = await options([IDENTITY, CONTACT]);
    expect(status).toBe(200);
    expect(headers.get('Contact')).toMatch(/^<sip:[^>]+>;\+g\.oma\.pusheventapp="mms\.ua"$/);
    expect(headers.getAll('Accept')).toEqual(
      expect.arrayContaining(['message/external-body', 'application/rdf+xml']),
    );
    expect(headers.getAll('Allow')).toEqual(expect.arrayContaining(['OPTIONS', 'INVITE', 'BYE', 'NOTIFY']));
    expect(headers.getAll('Supported')).toContain('gruu');
  });

  it('5.2-05: lists an application whose id differs in case, as the terminal writes it (RFC 3840 9)', async () => {
    await start({ apps: ['mms.ua'] });
    const contact = `Contact: <${GRUU}>;+g.oma.pusheventapp="MMS.ua,wml.ua,mms.UA"`;
    expect((await options([IDENTITY, contact])).headers.get('Contact')).toContain('="MMS.ua"');
  });

  it('5.2-05: lists all applications without a filter, and has no tag without a common one', async () => {
    await start();
    expect((await options([IDENTITY, CONTACT])).headers.get('Contact')).toContain('"mms.ua,wml.ua"');
    expect((await options([IDENTITY, `Contact: <${GRUU}>`])).headers.get('Contact')).not.toContain(
      'pusheventapp',
    );
  });

  it('is 400 without a Contact', async () => {
    await start();
    expect((await options([IDENTITY])).status).toBe(400);
  });
});
