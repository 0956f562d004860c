/**
 * The sending process of session.bench.ts. For each line of its stdin, `tcp PORT`, `hashed PORT` (which calculates the
 * SHA-1 first, as an offer requires) or `push APPLICATION`, it sends the file and prints a line when it has arrived.
 *
 *   node session-sender.js CORE FILE
 */

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream/promises';
import { platform } from '#platform';
import { storedContent } from '../../core/content/content.js';
import { PushSenderAgent } from '../../core/sender/sender.js';

const [core = '', path = ''] = process.argv.slice(2);
const CHUNK = 64 * 1024;
const TYPE = { type: 'application/octet-stream', parameters: {} };

const sender = new PushSenderAgent({
  ...{ identity: 'sip:psa@domain.test', servers: [core], assertIdentity: true, product: 'bench/1' },
  media: { host: '127.0.0.1' },
});
await sender.start();

const read = () => createReadStream(path, { highWaterMark: CHUNK });

async function tcp(port: number): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const answered = new Promise((resolve) => socket.once('data', resolve));
  await pipeline(read(), socket);
  await answered;
}

async function hashed(port: number): Promise<void> {
  const digest = createHash('sha1');
  for await (const bytes of read()) digest.update(bytes);
  digest.digest();
  await tcp(port);
}

async function push(app: string): Promise<void> {
  const content = storedContent(TYPE, await platform.openFile(path));
  const files = [{ content }];
  const [receipt] = await sender.send({
    to: 'sip:bob@domain.test',
    app,
    files,
    report: true,
    mode: 'session',
  });
  if (receipt?.outcome !== 'delivered') throw new Error(JSON.stringify(receipt));
}

for await (const line of createInterface({ input: process.stdin })) {
  const [command, to = ''] = line.split(' ');
  if (command === 'tcp') await tcp(Number(to));
  else if (command === 'hashed') await hashed(Number(to));
  else await push(to);
  process.stdout.write('arrived\n');
}
await sender.stop();
