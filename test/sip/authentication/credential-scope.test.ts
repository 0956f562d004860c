/** Credentials reach only the hop and the realm that asked for them (RFC 3261 §22.1 to §22.3), and no trace. */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { SipUserAgent } from '../../../core/sip/user-agent.js';
import { messageText } from '../../../sdk/cli/demo/message-text.js';
import { startNetwork } from '../../../sdk/network/index.js';
import { withoutCredentials } from '../../../sdk/trace/credentials.js';
import { TraceWriter } from '../../../sdk/trace/trace-writer.js';
import { RawSipPeer } from '../../support/sip/raw-sip.js';
import { openUdp } from '../../support/sip/raw-wire.js';
import { type Received, ScriptedCore } from '../../support/sip/scripted-core.js';
import { until } from '../../support/wait.js';

const BOB = 'sip:bob@domain.test';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const challenge = (realm: string) => `Digest realm="${realm}", nonce="n-${realm}", qop="auth"`;
const credentials = ({ request: { headers } }: Received) => [
  ...headers.getAll('Authorization'),
  ...headers.getAll('Proxy-Authorization'),
];

/** A sender that has registered after a 401 for these realms. */
async function registered(taps: Partial<TraceWriter['taps']> = {}, realms = ['domain.test']) {
  const core = await ScriptedCore.tcp();
  closing.push(() => core.close());
  const agent = new SipUserAgent({
    ...{
      identity: 'sip:psa@domain.test',
      servers: [core.uri],
      product: 'test/1',
      methods: [],
      accept: () => [],
    },
    ...{ credentials: { username: 'psa', password: 'secret' }, onRequest: () => {}, ...taps },
    registration: {
      ...{ instanceId: 'urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6', expires: 600 },
      ...{ headers: [], features: () => [] },
    },
  });
  closing.push(async () => {
    for (const method of ['REGISTER', 'BYE']) core.autoAnswered.add(method);
    await agent.stop();
  });
  await agent.start();
  const first = await core.request('REGISTER');
  first.respond(
    401,
    realms.map((realm) => ['WWW-Authenticate', challenge(realm)]),
  );
  const second = await core.request('REGISTER');
  expect(credentials(second)).toHaveLength(realms.length);
  second.respond(200, [['Contact', second.request.headers.get('Contact') ?? '']]);
  await until(() => expect(agent.registration?.state).toBeDefined());
  return { core, agent };
}

describe('a sender', () => {
  it('sends its answer to the registrar in REGISTER only', async () => {
    const { core, agent } = await registered();
    void agent.request({ method: 'MESSAGE', uri: BOB });
    const message = await core.request('MESSAGE');
    expect(credentials(message)).toEqual([]);
    message.respond(200);
    void agent.invite({ uri: BOB });
    const invite = await core.request('INVITE');
    expect(credentials(invite)).toEqual([]);
    invite.respond(486);
    agent.registration?.update();
    expect(credentials(await core.request('REGISTER'))).toEqual([expect.stringContaining('nc=00000002')]);
  });

  it.each([
    [401, 'WWW-Authenticate'],
    [407, 'Proxy-Authenticate'],
  ])('does not answer a %i of a receiver for a realm of its own', async (status, header) => {
    const { core, agent } = await registered();
    const answer = agent.request({ method: 'MESSAGE', uri: BOB });
    (await core.request('MESSAGE')).respond(status, [[header, challenge('phishing.test')]]);
    expect((await answer).status).toBe(status);
    expect(core.requests.filter(({ request }) => request.method === 'MESSAGE')).toHaveLength(1);
  });

  it('answers a proxy of its core in later requests to the same domain, and to no other one', async () => {
    const { core, agent } = await registered();
    const send = async (uri: string) => {
      const answer = agent.request({ method: 'MESSAGE', uri });
      const received = await core.request('MESSAGE');
      return { answer, received };
    };
    const first = await send(BOB);
    first.received.respond(407, [['Proxy-Authenticate', challenge('domain.test')]]);
    const again = await core.request('MESSAGE');
    expect(credentials(again)).toHaveLength(1);
    again.respond(200);
    await first.answer;
    for (const [uri, count] of [
      ['sip:alice@DOMAIN.test', 1],
      ['sip:mallory@elsewhere.test', 0],
    ] as const) {
      const { answer, received } = await send(uri);
      expect(credentials(received), uri).toHaveLength(count);
      received.respond(200);
      await answer;
    }
  });

  it('answers each proxy on the way with its realm (RFC 3261 22.3)', async () => {
    const realms = ['domain.test', 'visited.test'];
    const { core, agent } = await registered({}, realms);
    const answer = agent.request({ method: 'MESSAGE', uri: BOB });
    for (const [at, realm] of realms.entries()) {
      const message = await core.request('MESSAGE');
      expect(credentials(message)).toHaveLength(at);
      message.respond(407, [['Proxy-Authenticate', challenge(realm)]]);
    }
    const both = realms.map((realm) => expect.stringContaining(`realm="${realm}"`));
    const authorized = await core.request('MESSAGE');
    expect(credentials(authorized)).toEqual(both);
    authorized.respond(200);
    expect((await answer).status).toBe(200);

    const next = agent.request({ method: 'MESSAGE', uri: BOB });
    const known = await core.request('MESSAGE');
    expect(credentials(known)).toEqual(both);
    // A proxy with another nonce changes nothing for the other one.
    known.respond(407, [['Proxy-Authenticate', `${challenge('visited.test')}, stale=true`]]);
    const repeated = await core.request('MESSAGE');
    expect(credentials(repeated).sort()).toEqual(both);
    repeated.respond(407, [['Proxy-Authenticate', challenge('visited.test')]]);
    expect((await next).status).toBe(407);
  });

  it('does not answer a challenge on one line with that of a foreign realm', async () => {
    const { core, agent } = await registered();
    const answer = agent.request({ method: 'MESSAGE', uri: BOB });
    const line = `${challenge('domain.test')}, ${challenge('phishing.test')}`;
    (await core.request('MESSAGE')).respond(407, [['Proxy-Authenticate', line]]);
    expect((await answer).status).toBe(407);
  });
});

it('the embedded network removes credentials for its realm from an ACK (RFC 3261 22.3)', async () => {
  const network = await startNetwork({ listen: ['sip:127.0.0.1:0;transport=udp'] });
  closing.push(() => network.close());
  const port = Number(/:(\d+);/.exec(network.uris[0] ?? '')?.[1]);
  const bob = await RawSipPeer.open();
  closing.push(() => bob.close());
  const headers = [`Contact: ${bob.contact('bob')}`];
  const request = { method: 'REGISTER', uri: 'sip:domain.test', from: BOB, to: BOB, headers };
  expect((await bob.send(port, request)).status).toBe(200);
  const caller = await openUdp(() => {});
  closing.push(() => caller.close());
  const answerFor = (realm: string) =>
    `Proxy-Authorization: Digest username="psa", realm="${realm}", response="1"`;
  const ack = [
    `ACK ${BOB} SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:${caller.port};branch=z9hG4bK1`,
    ...[
      'Max-Forwards: 70',
      'From: <sip:psa@domain.test>;tag=1',
      `To: <${BOB}>;tag=2`,
      'Call-ID: 1',
      'CSeq: 1 ACK',
    ],
    ...[answerFor('domain.test'), answerFor('elsewhere.test'), 'Content-Length: 0', '', ''],
  ];
  caller.send(Buffer.from(ack.join('\r\n')), port);
  const forwarded = await bob.request();
  expect(forwarded.method).toBe('ACK');
  expect(forwarded.all('Proxy-Authorization')).toEqual([expect.stringContaining('elsewhere.test')]);
});

describe('traces', () => {
  it('a trace has no answer to a challenge', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sip-push-trace-'));
    closing.push(() => rm(folder, { recursive: true }));
    const file = join(folder, 'sender.trace');
    const trace = await TraceWriter.open(file);
    const { core } = await registered({ onWire: trace.taps.onWire });
    await trace.close();
    const written = (await readFile(file, 'utf8')).trim().split('\n');
    const messages = written.map((line) => Buffer.from(JSON.parse(line).bytes, 'base64').toString());
    const [, sent] = core.requests.filter(({ request }) => request.method === 'REGISTER');
    const masked = messages.find((message) => message.includes('\r\nAuthorization: '));
    expect(masked).toMatch(/username="\*\*\*", realm="domain.test", nonce="\*+".*response="\*{32}"/);
    // A capture of the trace stays correct.
    expect(masked?.length).toBe(sent?.bytes.length);
    const response = /response="(\w+)"/.exec(sent?.request.headers.get('Authorization') ?? '')?.[1] ?? '?';
    expect(messages.join()).not.toContain(response);
  });

  it.each([
    [
      'AUTHORIZATION : Digest  username = "a\\"b", realm="r",\r\n\tresponse="0f"',
      /^[^"]*"\**", realm="r",\r\n\tresponse="\*\*"$/,
    ],
    ['Proxy-Authorization: Digest response=abc, uri="sip:x"', /response=\*\*\*, uri="sip:x"$/],
    ['Proxy-Authorization: Bearer abc.def', /Bearer \*{7}$/],
    ['Authorization: Bearer\r\n abc', /Bearer\r\n \*{3}$/],
    ['Authorization: Digest response="abc', /response="\*{3}$/],
    [
      'Authentication-Info: nextnonce="n", rspauth="abc", qop=auth',
      /nextnonce="\*", rspauth="\*{3}", qop=auth$/,
    ],
  ])('masks %j', (line, expected) => {
    const head = (name: string) => `MESSAGE ${BOB} SIP/2.0\r\n${name}\r\nVia: x\r\n\r\nAuthorization: body`;
    const shown = Buffer.from(withoutCredentials(Buffer.from(head(line)))).toString();
    expect(shown.length).toBe(head(line).length);
    expect(shown.split(`SIP/2.0\r\n`)[1]?.split('\r\nVia')[0]).toMatch(expected);
    expect(shown.endsWith('\r\n\r\nAuthorization: body')).toBe(true);
    expect(messageText(Buffer.from(head(line)))).not.toMatch(/abc|0f/);
  });

  it('masks the REGISTER of a user in a third-party REGISTER', () => {
    const body = 'REGISTER sip:domain.test SIP/2.0\r\nAuthorization: Digest response="abc"\r\n\r\n';
    const message = `REGISTER sip:psa@domain.test SIP/2.0\r\nContent-Type: message/sip\r\n\r\n${body}`;
    expect(Buffer.from(withoutCredentials(Buffer.from(message))).toString()).toContain('response="***"');
  });
});
