/** `sip-push host` is killed (SIGKILL) while it retrieves the content of a push that it has confirmed. */

import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { BOB } from '../support/agents/agents.js';
import { receiptOf } from '../support/agents/receipts.js';
import { printKills } from '../support/kill-report.js';
import { TestHttpServer } from '../support/pages/http-server.js';
import { eventually } from '../support/wait.js';
import { KillableHost } from './killable-host.js';

const MIB = 1024 * 1024;
const CONTENT = Buffer.alloc(2 * MIB, 'content on another server; ');
const SHA1 = createHash('sha1').update(CONTENT).digest('hex');
const SHA256 = createHash('sha256').update(CONTENT).digest('hex');
/** Counts each content in the commit of its push, and emits the count. */
const APP = `import { createHash } from 'node:crypto';
export default { id: 'count.ua', accepts: ['application/octet-stream'], needs: ['storage'], order: 'parallel',
  events: { received: true },
  start: ({ storage }) => ({ async receive(push) {
    const hash = createHash('sha256');
    for await (const chunk of push.content.open()) hash.update(chunk);
    const sha256 = hash.digest('hex');
    const count = ((await storage.get(sha256)) ?? 0) + 1;
    await push.commit((tx) => {
      tx.put(sha256, count);
      tx.emit('received', { sha256, count, push: push.id });
    });
  } }) };`;

it('8.1.1-04: retrieves the confirmed push after the restart, and delivers it once', async ({
  onTestFinished,
}) => {
  // Whether the server sends the second half of the content.
  let open = false;
  const web = await TestHttpServer.start((_request, response) => {
    response.writeHead(200, { 'content-length': CONTENT.length });
    if (open) response.end(CONTENT);
    else response.write(CONTENT.subarray(0, MIB));
  });
  onTestFinished(() => web.close());
  const fetch = { allow: ['http://127.0.0.1:*'], timeout: 60 };
  const host = await KillableHost.start({ apps: ['./count.mjs'], fetch }, { 'count.mjs': APP });
  onTestFinished(() => host.stop());

  // The retrieval takes longer than an answer may, so the host stores the reference and confirms the push.
  const type = { type: 'application/octet-stream', parameters: {} };
  const content = { url: web.url('/content'), type, size: CONTENT.length, hash: SHA1 };
  const receipt = await receiptOf(host.sender.send({ to: BOB, app: 'count.ua', content }));
  expect(receipt).toMatchObject({ outcome: 'delivered', mode: 'indirect' });
  await host.underWay('spool', MIB / 2);
  expect(web.requests).toEqual(['GET /content']);
  await host.kill();
  expect(host.appEvents('received')).toEqual([]);
  open = true;
  await host.restart();
  const { sha256, count } = await host.firstAppEvent('received');
  expect({ sha256, count }).toEqual({ sha256: SHA256, count: 1 });
  await eventually('an empty spool', async () => (await host.files('spool')).length === 0 || undefined);
  expect(web.requests).toHaveLength(2);
  await eventually('the end of the retrieval', () => host.events('push')[0]);
  expect(host.events('push')).toMatchObject([
    { mode: 'indirect', outcome: 'accepted', sha256: SHA256, size: CONTENT.length },
  ]);
  // The push is finished: another restart repeats nothing.
  await host.kill();
  await host.restart();
  const effects = [host.appEvents('received').length];
  printKills('indirect-kill', { mode: 'indirect', kills: { host: 2 }, accepted: 1, effects });
  expect(effects).toEqual([1]);
  expect(web.requests).toHaveLength(2);
});
