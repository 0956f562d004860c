/**
 * The receiving process of session.bench.ts: a device, the SIP/IP core that it registers with, and two plain TCP
 * servers. Prints their addresses, `{ "core", "discard", "keep" }`, and runs until its stdin ends.
 *
 *   node session-receiver.js FOLDER
 */

import { createHash } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createPushReceiver } from '../../core/host.js';
import { definePushApp } from '../../sdk/index.js';
import { startNetwork } from '../../sdk/network/index.js';

const [folder = '.'] = process.argv.slice(2);
const OCTETS = ['application/octet-stream'];

const network = await startNetwork();
const host = await createPushReceiver({
  identity: 'sip:bob@domain.test',
  servers: network.uris.slice(1),
  trust: ['sip:psa@domain.test'],
  expires: 3600,
  product: 'bench/1',
  data: join(folder, 'data'),
  // The applications read the content while it arrives.
  apps: (['direct', 'durable'] as const).map((delivery) => ({
    definition: definePushApp({
      ...{ id: `${delivery}.ua`, accepts: OCTETS, delivery },
      start: () => ({
        async receive(push) {
          for await (const _ of push.content.open());
        },
      }),
    }),
  })),
  onEvent(event) {
    if (event.event === 'registered') void listening();
  },
});

/** Answers with a byte after it has received and processed all bytes of the peer. */
function plainServer(serve: (socket: Socket) => Promise<void>): Promise<number> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    void serve(socket).then(() => socket.end('k'));
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      if (typeof address === 'object' && address) resolve(address.port);
    });
  });
}

/** Iterates over all bytes of the peer, and leaves the socket open for the answer. */
function piecesOf(socket: Socket): AsyncIterable<Uint8Array> {
  return socket.iterator({ destroyOnReturn: false });
}

async function discard(socket: Socket): Promise<void> {
  for await (const _ of piecesOf(socket));
}

let files = 0;
/** The work of a device for a file: both digests, and a synced file. */
async function keep(socket: Socket): Promise<void> {
  const path = join(folder, `plain-${files++}`);
  const file = await open(path, 'w');
  const digests = [createHash('sha1'), createHash('sha256')];
  for await (const bytes of piecesOf(socket)) {
    for (const digest of digests) digest.update(bytes);
    await file.write(bytes);
  }
  await file.datasync();
  await file.close();
  await rm(path);
}

async function listening(): Promise<void> {
  const [discards, keeps] = await Promise.all([plainServer(discard), plainServer(keep)]);
  process.stdout.write(`${JSON.stringify({ core: network.uris[1], discard: discards, keep: keeps })}\n`);
}

process.stdin.resume().once('end', async () => {
  await host.stop('the bench has ended');
  await network.close();
  process.exit(0);
});
