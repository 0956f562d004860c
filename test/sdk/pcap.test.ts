/** A capture made from a trace: all transports, both address families, host names, and messages of many segments. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writePcap } from '../../sdk/trace/pcap.js';
import type { TracedMessage } from '../../sdk/trace/read-trace.js';
import { readFields } from '../support/captures/dissection.js';

const FOUR = '127.0.0.1';
const SIX = '2001:db8::1';
const CHECKED = ['ip.check_checksum:TRUE', 'tcp.check_checksum:TRUE', 'udp.check_checksum:TRUE'];

function options(body = ''): string {
  return [
    'OPTIONS sip:a@b SIP/2.0',
    'Via: SIP/2.0/TCP 127.0.0.1:40000;branch=z9hG4bK1',
    'Max-Forwards: 70',
    ...['From: <sip:a@b>;tag=1', 'To: <sip:b@c>', 'Call-ID: x', 'CSeq: 1 OPTIONS'],
    ...(body === '' ? [] : ['Content-Type: text/plain']),
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n');
}

const SEND = [
  'MSRP abcd SEND',
  ...['To-Path: msrps://127.0.0.1:9/a;tcp', 'From-Path: msrps://127.0.0.1:2855/b;tcp'],
  ...['Message-ID: 1', 'Byte-Range: 1-5/5', 'Content-Type: text/plain', '', 'hello', '-------abcd$', ''],
].join('\r\n');

describe('a capture', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sip-push-pcap-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  async function dissect(
    messages: readonly Partial<TracedMessage>[],
    texts: readonly string[],
    fields: string[],
  ) {
    const file = join(folder, 'a.pcap');
    const entries = async function* (): AsyncGenerator<TracedMessage> {
      for (const [index, message] of messages.entries()) {
        yield {
          ...{ time: 1_000_000 + index, direction: 'out', transport: 'TCP', protocol: 'SIP' },
          ...{ local: { host: FOUR, port: 40_000 + index }, remote: { host: FOUR, port: 5060 } },
          bytes: new TextEncoder().encode(texts[index]),
          ...message,
        };
      }
    };
    await writePcap(file, entries());
    expect(await readFields(file, '_ws.malformed || tcp.analysis.flags', [], [], CHECKED)).toEqual([]);
    const bad = ['ip', 'tcp', 'udp'].map((name) => `${name}.checksum.status == "Bad"`).join(' || ');
    expect(await readFields(file, bad, [], [], CHECKED)).toEqual([]);
    return (await readFields(file, 'sip || msrp', fields, [])).map(([, ...row]) => row);
  }

  it('contains both protocols for all transports and addresses', async () => {
    const rows = await dissect(
      [
        { transport: 'UDP', remote: { host: 'core.test', port: 5060 } },
        { transport: 'TLS', remote: { host: FOUR, port: 5061 } },
        {
          transport: 'WSS',
          local: { host: SIX, port: 40_002 },
          remote: { host: SIX, port: 443 },
          direction: 'in',
        },
        { transport: 'UDP', local: { host: SIX, port: 40_003 } },
        { transport: 'TLS', protocol: 'MSRP', remote: { host: FOUR, port: 2855 }, direction: 'in' },
      ],
      [options(), options(), options(), options(), SEND],
      ['ip.dst', 'ipv6.dst', 'udp.dstport', 'tcp.dstport', 'sip.Method', 'msrp.method'],
    );
    expect(rows).toEqual([
      ['192.0.2.1', '', '5060', '', 'OPTIONS', ''],
      [FOUR, '', '', '5061', 'OPTIONS', ''],
      ['', SIX, '', '40002', 'OPTIONS', ''],
      ['', `::ffff:${FOUR}`, '5060', '', 'OPTIONS', ''],
      [FOUR, '', '', '40004', '', 'SEND'],
    ]);
  });

  it('contains messages of several segments, and several messages on a connection', async () => {
    const connection = { local: { host: FOUR, port: 40_000 } };
    const rows = await dissect(
      [connection, { ...connection, direction: 'in' }, connection],
      [options('x'.repeat(130_000)), options(), options()],
      ['sip.Content-Length', 'tcp.dstport', 'tcp.stream'],
    );
    expect(rows).toEqual([
      ['130000', '5060', '0'],
      ['0', '40000', '0'],
      ['0', '5060', '0'],
    ]);
  });
});
