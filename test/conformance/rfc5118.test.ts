/**
 * The IPv6 torture messages of RFC 5118, over UDP and TCP to an agent at `[::1]`. Content-Length fits each body, which it
 * does not in the RFC; over UDP the top Via asks for the source port.
 */

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { parseDescription } from '../../core/sdp/description.js';
import { isRequest, type SipRequest } from '../../core/sip/message/message.js';
import { parseMessage } from '../../core/sip/message/parser.js';
import { buildResponse, writeMessage } from '../../core/sip/message/writer.js';
import { SipUserAgent } from '../../core/sip/user-agent.js';
import { SipUri } from '../../core/sip/values/uri.js';
import { Via } from '../../core/sip/values/via.js';
import { freePort } from '../support/programs/ports.js';

const FIXTURES = new URL('../sip/fixtures/rfc5118/', import.meta.url);

interface Row {
  name: string;
  section: string;
  kind: 'valid' | 'broken';
  /** Status of the answer of an agent that accepts INVITE. */
  status: number;
  check?(request: SipRequest): void;
}

const uriOf = ({ uri }: SipRequest) => SipUri.parse(uri);
const viasOf = ({ headers }: SipRequest) => headers.getAll('Via').map((via) => Via.parse(via));
const lines = ({ body }: SipRequest) => Buffer.from(body).toString().split('\r\n');

const ROWS: Row[] = [
  {
    ...{ name: 'ipv6-good', section: '4.1', kind: 'valid', status: 405 },
    check(request) {
      expect(uriOf(request)).toMatchObject({ host: '[2001:db8::10]', port: undefined });
      expect(viasOf(request)[0]).toMatchObject({ host: '[2001:db8::9:1]' });
    },
  },
  { name: 'ipv6-bad', section: '4.2', kind: 'broken', status: 400 },
  {
    ...{ name: 'port-ambiguous', section: '4.3', kind: 'valid', status: 405 },
    check: (request) =>
      expect(uriOf(request)).toMatchObject({ host: '[2001:db8::10:5070]', port: undefined }),
  },
  {
    ...{ name: 'port-unambiguous', section: '4.4', kind: 'valid', status: 405 },
    check: (request) => expect(uriOf(request)).toMatchObject({ host: '[2001:db8::10]', port: 5070 }),
  },
  {
    ...{ name: 'via-received-param-with-delim', section: '4.5', kind: 'valid', status: 481 },
    check: (request) => expect(viasOf(request)[0]?.parameters.get('received')).toBe('[2001:db8::9:255]'),
  },
  {
    ...{ name: 'via-received-param-no-delim', section: '4.5', kind: 'valid', status: 200 },
    check: (request) => expect(viasOf(request)[0]?.parameters.get('received')).toBe('2001:db8::9:255'),
  },
  {
    ...{ name: 'ipv6-in-sdp', section: '4.6', kind: 'valid', status: 488 },
    check: (request) => expect(lines(request)).toContain('c=IN IP6 2001:db8::20'),
  },
  {
    ...{ name: 'mult-ip-in-header', section: '4.7', kind: 'valid', status: 481 },
    check(request) {
      const hosts = viasOf(request).map((via) => [via?.host, via?.port]);
      expect(hosts).toEqual([
        ['[2001:db8::9:1]', 6050],
        ['192.0.2.1', undefined],
        ['[2001:db8::9:255]', undefined],
      ]);
      expect(viasOf(request)[2]?.parameters.get('received')).toBe('192.0.2.200');
    },
  },
  {
    ...{ name: 'mult-ip-in-sdp', section: '4.8', kind: 'valid', status: 488 },
    check(request) {
      expect(lines(request)).toEqual(expect.arrayContaining(['c=IN IP4 192.0.2.1', 'c=IN IP6 2001:db8::1']));
    },
  },
  {
    ...{ name: 'ipv4-mapped-ipv6', section: '4.9', kind: 'valid', status: 488 },
    check(request) {
      expect(viasOf(request).map((via) => [via?.host, via?.port])).toEqual([
        ['[::ffff:192.0.2.10]', 19_823],
        ['[::ffff:192.0.2.2]', undefined],
      ]);
    },
  },
  {
    ...{ name: 'ipv6-bug-abnf-3-colons', section: '4.10', kind: 'valid', status: 200 },
    check: (request) => expect(uriOf(request)?.host).toBe('[2001:db8:::192.0.2.1]'),
  },
  {
    ...{ name: 'ipv6-correct-abnf-2-colons', section: '4.10', kind: 'valid', status: 200 },
    check: (request) => expect(uriOf(request)?.host).toBe('[2001:db8::192.0.2.1]'),
  },
];

const read = ({ kind, name }: Row) => readFileSync(new URL(`${kind}/${name}.dat`, FIXTURES));

/** An agent at `[::1]` that accepts no media of these messages. */
async function startAgent(transport: string): Promise<{ port: number; stop(): Promise<void> }> {
  const port = await freePort();
  const agent = new SipUserAgent({
    ...{
      identity: 'sip:user@example.com',
      product: 'test/1',
      methods: ['MESSAGE', 'INVITE'],
      accept: () => [],
    },
    ...{ servers: ['sip:[::1]:1;transport=udp'], listen: `sip:[::1]:${port};transport=${transport}` },
    onRequest(transaction) {
      parseDescription(transaction.request.body);
      transaction.respond(buildResponse(transaction.request, 488));
    },
  });
  await agent.start();
  return { port, stop: () => agent.stop() };
}

/** Status and top Via of the answer. */
const statusOf = (bytes: Buffer) => Number(/^SIP\/2\.0 (\d{3})/.exec(bytes.toString('latin1'))?.[1]);
const isFinal = (bytes: Buffer) => statusOf(bytes) >= 200;

async function overUdp(port: number, message: Buffer): Promise<Buffer> {
  const socket = createSocket('udp6');
  try {
    const text = message.toString('latin1').replace(/^(Via: [^;]*)/m, '$1;rport');
    socket.send(Buffer.from(text, 'latin1'), port, '::1');
    for (;;) {
      const [answer] = await once(socket, 'message');
      if (isFinal(answer)) return answer;
    }
  } finally {
    socket.close();
  }
}

async function overTcp(port: number, message: Buffer): Promise<Buffer> {
  const socket = connect({ port, host: '::1' });
  try {
    socket.write(message);
    for (;;) {
      const [answer] = await once(socket, 'data');
      if (isFinal(answer)) return answer;
    }
  } finally {
    socket.destroy();
  }
}

describe('RFC 5118', () => {
  it('has 12 messages, each in one row', () => {
    const files = (['valid', 'broken'] as const).flatMap((kind) =>
      readdirSync(new URL(`${kind}/`, FIXTURES)).map((file) => `${kind}/${file}`),
    );
    expect(files.sort()).toEqual(ROWS.map(({ kind, name }) => `${kind}/${name}.dat`).sort());
  });

  for (const row of ROWS.filter(({ kind }) => kind === 'valid')) {
    it(`${row.section} ${row.name}: is read, and written as the same`, () => {
      for (const message of [parseMessage(read(row)), parseMessage(writeMessage(parseMessage(read(row))))]) {
        if (!isRequest(message)) throw new Error('expected a request');
        row.check?.(message);
      }
    });
  }

  describe.each([
    ['udp', overUdp],
    ['tcp', overTcp],
  ])('over %s', (transport, exchange) => {
    for (const row of ROWS) {
      it(`${row.section} ${row.name}: is answered ${row.status}`, async () => {
        // An agent for each: some messages have the same Call-ID, CSeq and branch.
        const agent = await startAgent(transport);
        const answer = await exchange(agent.port, read(row)).finally(() => agent.stop());
        expect(statusOf(answer)).toBe(row.status);
        // RFC 3581, RFC 5118 §4.5: our own `received` replaces that of the message, without brackets.
        expect(answer.toString('latin1')).toMatch(/^Via: [^\r]*;received=::1[;\r]/m);
        expect(answer.toString('latin1')).not.toContain('received=[');
      });
    }
  });
});
