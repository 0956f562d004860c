/** Recordings: reading pushes from the wire, omitting secrets, and comparing events. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { definePushApp } from '../../sdk/index.js';
import { difference } from '../../sdk/record/difference.js';
import { withRecordedTimes } from '../../sdk/record/events.js';
import { readRecording } from '../../sdk/record/recording.js';
import { withoutSecrets } from '../../sdk/record/secrets.js';
import { replay, startTestHost } from '../../sdk/testing/index.js';

const AT = Date.parse('2026-11-21T12:00:00Z');
const HERE = { host: '127.0.0.1', port: 5060 };
const THERE = { host: '127.0.0.1', port: 40_000 };

/** A line of a recording, this number of seconds after noon. */
const line = (seconds: number, fields: object) =>
  `${JSON.stringify({ time: new Date(AT + seconds * 1000).toISOString(), ...fields })}\n`;
const message = (seconds: number, direction: 'in' | 'out', text: string, protocol = 'SIP') =>
  line(seconds, {
    ...{ direction, transport: 'TCP', local: HERE, remote: THERE, protocol },
    bytes: Buffer.from(text).toString('base64'),
  });

function request(method: string, call: string, headers: readonly string[], body: string): string {
  return [
    `${method} sip:bob@127.0.0.1 SIP/2.0`,
    `Via: SIP/2.0/TCP 127.0.0.1:40000;branch=z9hG4bK${call}`,
    'Max-Forwards: 70',
    'From: <sip:psa@domain.test>;tag=1',
    'To: <sip:bob@domain.test>',
    `Call-ID: ${call}`,
    `CSeq: 1 ${method}`,
    'Contact: <sip:psa@127.0.0.1:40000;transport=tcp>',
    'P-Asserted-Identity: <sip:psa@domain.test>',
    'Accept-Contact: *;+g.oma.pusheventapp="weather.ua"',
    ...headers,
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n');
}

function response(method: string, call: string, status: number, headers: readonly string[] = [], body = '') {
  return [
    `SIP/2.0 ${status} Word`,
    `Via: SIP/2.0/TCP 127.0.0.1:40000;branch=z9hG4bK${call}`,
    'From: <sip:psa@domain.test>;tag=1',
    'To: <sip:bob@domain.test>;tag=2',
    `Call-ID: ${call}`,
    `CSeq: 1 ${method}`,
    ...headers,
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n');
}

const SENT = request('MESSAGE', 'a', ['Content-Type: text/plain'], 'rain');
const REFERENCE = request(
  'MESSAGE',
  'b',
  ['Content-Type: message/external-body;access-type="URL";URL="http://127.0.0.1:1/x"'],
  'Content-Type: text/plain\r\n\r\n',
);
const sdp = (port: number, uri: string, direction: string) =>
  [
    ...['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0'],
    ...[`m=message ${port} TCP/MSRP *`, `a=${direction}`, 'a=accept-types:text/plain', `a=path:${uri}`],
    'a=file-selector:name:"a.txt" type:text/plain size:10',
    ...['a=file-transfer-id:1', ''],
  ].join('\r\n');
const SDP = ['Content-Type: application/sdp'];
const [PEER, OWN] = ['msrp://127.0.0.1:2855/p;tcp', 'msrp://127.0.0.1:9/o;tcp'];
const chunk = (id: string, range: string, text: string, flag: string) =>
  [
    `MSRP ${id} SEND`,
    ...[`To-Path: ${OWN}`, `From-Path: ${PEER}`, 'Message-ID: m', `Byte-Range: ${range}/10`],
    ...['Content-Type: text/plain', '', text, `-------${id}${flag}`, ''],
  ].join('\r\n');
const push = (fields: object) => ({
  event: {
    ...{ event: 'push', id: 'x', app: 'weather.ua', from: 'sip:psa@domain.test', contentType: 'text/plain' },
    ...{ outcome: 'accepted', status: 200, ...fields },
  },
});
const sha256 = 'e5d66ce22ee65bd26a8dfbf6e5b1b34d19a1e4a01ee9b1a3d3f0c6bd1ec6e6f6';

describe('a recording', () => {
  let folder: string;
  const write = async (...lines: string[]) => {
    const file = join(folder, 'recording');
    await writeFile(file, lines.join(''));
    return file;
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sip-push-record-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('counts a repeated push once, and omits indirect pushes with their events', async () => {
    const { pushes, skipped, events, apps, trust } = await readRecording(
      await write(
        line(0, {
          event: { event: 'registered', identity: 'sip:bob@domain.test', apps: ['weather.ua'], expires: 60 },
        }),
        message(1, 'in', SENT),
        message(2, 'in', SENT),
        message(3, 'out', response('MESSAGE', 'a', 200)),
        line(3, push({ mode: 'pager', size: 4, sha256 })),
        message(4, 'in', REFERENCE),
        line(5, push({ id: 'y', mode: 'indirect', size: 9, sha256 })),
        message(5, 'out', response('MESSAGE', 'b', 200)),
        line(6, { event: { event: 'receiving', id: 'z' } }),
      ),
    );
    expect(pushes).toEqual([
      {
        at: AT + 1000,
        push: {
          ...{ app: 'weather.ua', from: 'sip:psa@domain.test', mode: 'pager', type: 'text/plain' },
          body: new TextEncoder().encode('rain'),
        },
      },
    ]);
    expect(skipped).toMatchObject([{ app: 'weather.ua', why: expect.stringContaining('is a reference') }]);
    expect(events.map(({ event, mode }) => [event, mode])).toEqual([['push', 'pager']]);
    expect({ apps, trust }).toEqual({ apps: ['weather.ua'], trust: ['sip:psa@domain.test'] });
  });

  it('reassembles a file from its chunks, even out of order', async () => {
    const { pushes, skipped } = await readRecording(
      await write(
        message(1, 'in', request('INVITE', 'c', SDP, sdp(2855, PEER, 'sendonly'))),
        message(2, 'out', response('INVITE', 'c', 200, SDP, sdp(9, OWN, 'recvonly'))),
        message(3, 'in', chunk('abcd', '5-10', 'EFGHIJ', '$'), 'MSRP'),
        message(4, 'in', chunk('efgh', '1-4', 'ABCD', '+'), 'MSRP'),
      ),
    );
    expect(skipped).toEqual([]);
    expect(pushes[0]?.push).toMatchObject({ mode: 'session', fileName: 'a.txt', type: 'text/plain' });
    expect(Buffer.from(pushes[0]?.push.body as Uint8Array).toString()).toBe('ABCDEFGHIJ');
  });

  it('separates the contents of several files, even after a refused file', async () => {
    const offer = sdp(2855, PEER, 'sendonly');
    const line = offer.slice(offer.indexOf('m='));
    const two = offer + line.replace('a.txt', 'b.txt').replace('file-transfer-id:1', 'file-transfer-id:2');
    const answer = sdp(9, OWN, 'recvonly').replace('m=', 'm=message 0 TCP/MSRP *\r\nm=');
    const { pushes } = await readRecording(
      await write(
        message(1, 'in', request('INVITE', 'c', SDP, two)),
        message(2, 'out', response('INVITE', 'c', 200, SDP, answer)),
        message(3, 'in', chunk('abcd', '1-10', 'ABCDEFGHIJ', '$'), 'MSRP'),
      ),
    );
    const contents = pushes.map(({ push }) => [
      push.fileName,
      Buffer.from(push.body as Uint8Array).toString(),
    ]);
    expect(contents).toEqual([
      ['a.txt', '\0'.repeat(10)],
      ['b.txt', 'ABCDEFGHIJ'],
    ]);
  });

  it('omits an interrupted file, and keeps the size of a refused file', async () => {
    const invite = message(1, 'in', request('INVITE', 'c', SDP, sdp(2855, PEER, 'sendonly')));
    const broken = await readRecording(
      await write(
        invite,
        message(2, 'out', response('INVITE', 'c', 200, SDP, sdp(9, OWN, 'recvonly'))),
        message(3, 'in', chunk('abcd', '1-4', 'ABCD', '+'), 'MSRP'),
      ),
    );
    expect(broken).toMatchObject({ pushes: [], skipped: [{ why: expect.stringContaining('incomplete') }] });
    const refused = await readRecording(await write(invite, message(2, 'out', response('INVITE', 'c', 488))));
    expect(refused.pushes[0]?.push.body).toEqual(new Uint8Array(10));
  });

  it('is replayed in a test with its timing, and reports differences', async () => {
    const times: number[] = [];
    const app = definePushApp({
      id: 'weather.ua',
      accepts: ['text/plain'],
      delivery: 'direct',
      order: 'parallel',
      needs: ['clock'],
      events: { rain: true },
      start: ({ clock, emit }) => ({
        receive() {
          times.push(Number(clock.now()));
          emit('rain', { number: times.length });
        },
      }),
    });
    const content = { size: 4, sha256: '31fac51c5b6bd3f2b5b4ff2bd3d1b8bb0d2ff3e6cd3a2a3c0d9c4f1a1b2c3d4e' };
    const appEvent = (id: string, number: number) => [
      line(3, push({ id, mode: 'pager', ...content })),
      line(3, { event: { event: 'app', app: 'weather.ua', kind: 'rain', number } }),
    ];
    const file = await write(
      message(1, 'in', SENT),
      message(1, 'out', response('MESSAGE', 'a', 200)),
      ...appEvent('x', 1),
      message(3601, 'in', SENT.replaceAll('Call-ID: a', 'Call-ID: later')),
      message(3601, 'out', response('MESSAGE', 'later', 200)),
      ...appEvent('y', 3),
    );
    await using host = await startTestHost({ apps: [app], trust: ['sip:psa@domain.test'] });
    const { pushes, skipped, differences } = await replay(file, host, { ignore: ['sha256'] });
    expect({ pushes, skipped }).toEqual({ pushes: 2, skipped: [] });
    expect(differences.filter((each) => !each.startsWith(' '))).toEqual([
      '- {"event":"app","app":"weather.ua","kind":"rain","number":3}',
      '+ {"event":"app","app":"weather.ua","kind":"rain","number":2}',
    ]);
    const [first = 0, second = 0] = times;
    expect(second - first).toBeGreaterThanOrEqual(3600 * 1000);
  });
});

describe('times in events', () => {
  it('match the nearest recorded time within a tolerance', () => {
    const at = (milliseconds: number) => `{"at":"${new Date(AT + milliseconds).toISOString()}"}`;
    const recorded = [at(100), at(900), at(1500)];
    expect(withRecordedTimes([at(101), at(899), at(1600)], recorded)).toEqual(recorded);
    expect(withRecordedTimes([at(3000), '{"at":"2026-99-99T00:00:00.000Z"}'], recorded)).toEqual([
      at(3000),
      '{"at":"2026-99-99T00:00:00.000Z"}',
    ]);
  });
});

describe('a secret', () => {
  it('is removed from a message with its continuation lines; the body remains', () => {
    const secret =
      'Authorization: Digest username="bob",\r\n nonce="1"\r\nWWW-Authenticate: Digest realm="a"\r\n';
    const message = (headers: string) =>
      `REGISTER sip:a SIP/2.0\r\nVia: x\r\n${headers}CSeq: 1\r\n\r\nAuthorization: ÿ`;
    const cleaned = withoutSecrets(Buffer.from(message(secret), 'latin1'));
    expect(Buffer.from(cleaned).toString('latin1')).toBe(message(''));
  });

  it('is removed from malformed messages: lines that end in LF, and leading line breaks', () => {
    const cleaned = (text: string) => Buffer.from(withoutSecrets(Buffer.from(text))).toString();
    expect(cleaned('\r\n\r\nSIP/2.0 401 No\r\nWWW-Authenticate: Digest nonce="1"\r\n\r\nbody')).toBe(
      '\r\n\r\nSIP/2.0 401 No\r\n\r\nbody',
    );
    expect(cleaned('SIP/2.0 401 No\nWWW-Authenticate: Digest\n nonce="1"\nCSeq: 1\n\nbody')).toBe(
      'SIP/2.0 401 No\nCSeq: 1\n\nbody',
    );
  });

  it('is removed from URIs with passwords', () => {
    const lines = (password: string) =>
      `INVITE sip:bob${password}@a.test:5060 SIP/2.0\r\nTo: "b:c@d" <sips:bob${password}@a.test;x=y:z@w>\r\n\r\nsip:a:b@c`;
    const cleaned = withoutSecrets(Buffer.from(lines(':secret'), 'latin1'));
    expect(Buffer.from(cleaned).toString('latin1')).toBe(lines(''));
  });
});

describe('a difference', () => {
  it('is empty for equal lists', () => {
    expect(difference([], [])).toEqual([]);
    expect(difference(['a', 'b'], ['a', 'b'])).toEqual([]);
  });

  it('contains removed, added and unchanged items', () => {
    expect(difference(['a', 'b', 'c', 'd'], ['a', 'x', 'c', 'd'])).toEqual(['- b', '+ x']);
    expect(difference(['a', 'b', 'c', 'd', 'e'], ['a', 'c', 'y', 'e'])).toEqual(['- b', '  c', '- d', '+ y']);
    expect(difference(['a', 'a'], ['a'])).toEqual(['- a']);
    expect(difference([], ['a'])).toEqual(['+ a']);
  });

  it('of very long lists is one block', () => {
    const many = (word: string) => Array.from({ length: 2000 }, (_, index) => `${word} ${index}`);
    expect(difference(many('a'), many('b'))).toHaveLength(4000);
  });
});
