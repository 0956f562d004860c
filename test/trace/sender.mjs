/**
 * The other process of way-of-a-push.mjs: the SIP/IP core and a sender. Sends `{ server }` when it is ready. For each
 * message `{ app, mode, size }` it pushes content of that size and replies with `{ receipt }`. Ends when its parent
 * disconnects.
 *
 *   fork('sender.mjs', [PACKAGE_FOLDER])
 */

import { importPackage } from './package.mjs';

const load = importPackage(process.argv[2]);
const { createPushSender, memoryContent } = await load('.');
const { startNetwork } = await load('./network');

const network = await startNetwork({ listen: ['sip:127.0.0.1:0;transport=tcp'] });
const [server] = network.uris;
const sender = await createPushSender({
  identity: 'sip:psa@domain.test',
  servers: [server],
  register: false,
  media: { host: '127.0.0.1' },
});

let serial = 0;
process.on('message', async ({ app, mode, size }) => {
  const body = new Uint8Array(size).fill(++serial);
  const content = memoryContent({ type: 'application/octet-stream', parameters: {} }, body);
  const pushed =
    mode === 'session' ? { files: [{ content, name: 'traced.bin' }], report: true } : { content };
  const [receipt] = await sender.send({ to: 'sip:bob@domain.test', app, mode, ...pushed });
  process.send({ receipt });
});
process.once('disconnect', async () => {
  await sender.stop();
  await network.close();
});
process.send({ server });
