/** The cost of a push end to end: in memory, on disk, and compared with a bare SIP request. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { definePushApp } from 'sip-push/sdk';
import { afterAll, bench, describe } from 'vitest';
import { memoryContent } from '../../core/content/content.js';
import { PushSenderAgent } from '../../core/sender/sender.js';
import { startNetwork } from '../../sdk/network/index.js';
import { BOB, Device, PSA } from '../support/agents/agents.js';
import { countingApp } from '../support/agents/counting-app.js';
import { receiptOf } from '../support/agents/receipts.js';

const TYPE = { type: 'application/vnd.wap.mms-message', parameters: {} };
/** The number of concurrent pushes. */
const WINDOW = 64;
const BODY = 300;

const direct = definePushApp({
  id: 'direct.ua',
  accepts: [TYPE.type],
  start: () => ({ receive() {} }),
});

const folder = await mkdtemp(join(tmpdir(), 'sip-push-bench-'));
const network = await startNetwork();
const [, server = ''] = network.uris;
const device = await Device.start([direct, countingApp('durable.ua').app], {
  servers: [server],
  data: folder,
});
const sender = new PushSenderAgent({
  identity: PSA,
  servers: [server],
  assertIdentity: true,
  product: 'bench/1',
});
await sender.start();

afterAll(async () => {
  await sender.stop();
  await device.stop();
  await network.close();
  await rm(folder, { recursive: true });
});

let serial = 0;
async function pushes(app: string): Promise<void> {
  const receipts = Array.from({ length: WINDOW }, () => {
    const body = new Uint8Array(BODY);
    new DataView(body.buffer).setUint32(0, serial++);
    return receiptOf(sender.send({ to: BOB, app, content: memoryContent(TYPE, body) }));
  });
  for (const { status, reason } of await Promise.all(receipts)) {
    if (status !== (app === 'unknown.ua' ? 480 : 200)) throw new Error(`${status} ${reason}`);
  }
}

describe(`${WINDOW} concurrent pushes of ${BODY} bytes through the embedded core`, () => {
  bench('rejected by the core: the cost of the path alone', () => pushes('unknown.ua'));
  bench('direct: accepted by the application', () => pushes('direct.ua'));
  bench('durable: on disk, then committed with the storage of the application', () => pushes('durable.ua'));
});
