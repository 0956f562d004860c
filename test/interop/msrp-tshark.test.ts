import fc from 'fast-check';
import { expect, it } from 'vitest';
import { platform } from '#platform';
import {
  endLine,
  MsrpHeaders,
  type MsrpResponse,
  requestHead,
  responseFrame,
  transactionIdFor,
} from '../../core/msrp/frames/frame.js';
import { MsrpParser } from '../../core/msrp/frames/parser.js';
import type { Channel } from '../../core/platform/sockets.js';
import { type Chunk, chunks } from '../msrp/arbitraries.js';
import { readFields } from '../support/captures/dissection.js';
import { Capture } from '../support/captures/tshark.js';
import { describePeer } from '../support/programs/peers.js';
import { freePort } from '../support/programs/ports.js';

const FIELDS = [
  ...['msrp.method', 'msrp.transaction.id', 'msrp.to.path', 'msrp.from.path', 'msrp.cnt.flg'],
  ...['msrp.messageid', 'msrp.status.code', '_ws.malformed'],
] as const;
const SEMICOLON = 0x3b;

// Frames as agents send them. tshark interprets any line of seven hyphens as the end, shows text beyond ASCII as octets, and
// searches 14 octets beyond the line for the `;` of Content-Type, so that a `;` in the body looks malformed to it.
const bodies = fc
  .oneof(
    fc.uint8Array({ maxLength: 3000 }),
    fc.string().map((text) => Buffer.from(text)),
  )
  .filter((body) => !body.subarray(0, 20).includes(SEMICOLON));
const requests = fc.record({ chunk: chunks, body: bodies }).map(({ chunk, body }): Chunk => {
  const { method, toPath, fromPath, headers } = chunk.request;
  const copied = new MsrpHeaders();
  for (const name of ['Message-ID', 'Byte-Range']) {
    const value = headers.get(name);
    if (value !== undefined) copied.set(name, value);
  }
  if (chunk.body) copied.set('Content-Type', 'application/vnd.example.test');
  const request = { method, transactionId: transactionIdFor(body), toPath, fromPath, headers: copied };
  return { request, body: chunk.body && body, flag: chunk.flag };
});

/** A connection that sends a frame after the previous one has arrived, so that tshark reads one segment for each. */
async function connection(port: number) {
  let arrived = () => {};
  const parser = new MsrpParser({
    onRequest() {},
    onBody() {},
    onResponse: () => arrived(),
    onEnd: () => arrived(),
  });
  const accepted: Channel[] = [];
  const listener = await platform.listen('tcp', { host: '127.0.0.1', port }, {}, (channel) => {
    accepted.push(channel);
    channel.ondata = (bytes) => parser.push(bytes);
  });
  const channel = await platform.connect('tcp', listener.address);
  return {
    async send(...parts: Uint8Array[]) {
      const whole = new Promise<void>((resolve) => (arrived = resolve));
      channel.send(...parts);
      await whole;
    },
    async [Symbol.asyncDispose]() {
      for (const each of [channel, ...accepted]) each.destroy();
      await listener.close();
    },
  };
}

function asTshark({ request, flag }: Chunk): string[] {
  const { method, transactionId, toPath, fromPath, headers } = request;
  return [
    ...[method, `${transactionId},${transactionId}`, toPath.join(' '), fromPath.join(' '), flag],
    ...[headers.get('Message-ID') ?? '', '', ''],
  ];
}

describePeer('tshark', 'tshark reads our MSRP', () => {
  it('8.2.3-01: decodes every frame with the values that we wrote, none malformed', async () => {
    const port = await freePort();
    await using capture = await Capture.start({ sip: [port] });
    const generated = fc.sample(requests, { numRuns: 200, seed: 1 });
    const response: MsrpResponse = {
      transactionId: 'd93kswow',
      status: 413,
      comment: 'Stop',
      toPath: ['msrp://a.example:7654/s1;tcp'],
      fromPath: ['msrp://b.example:7654/s2;tcp'],
      headers: new MsrpHeaders(),
    };
    {
      await using sender = await connection(port);
      for (const { request, body, flag } of generated) {
        const hasBody = body !== undefined;
        await sender.send(
          requestHead(request, hasBody),
          body ?? new Uint8Array(0),
          endLine(request.transactionId, flag, hasBody),
        );
      }
      await sender.send(responseFrame(response));
    }
    await capture.stop();
    const rows = await readFields(capture.file, `tcp.port == ${port} && tcp.len > 0`, FIELDS, [
      `tcp.port==${port},msrp`,
    ]);
    const seen = rows.map(([, ...values]) => values);
    expect(seen.slice(0, -1)).toEqual(generated.map(asTshark));
    expect(seen.at(-1)).toEqual([
      ...['', 'd93kswow,d93kswow', response.toPath[0], response.fromPath[0], '$', '', '413', ''],
    ]);
  });
});
