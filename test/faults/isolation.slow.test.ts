/** Applications that loop, leak, exit and throw in their workers: the device continues, and loses no durable push. */

import { expect, it } from 'vitest';
import type { LogRecord } from '../../core/app/runtime.js';
import { memoryContent } from '../../core/content/content.js';
import type { HostedApp } from '../../core/host.js';
import { startNetwork } from '../../sdk/network/index.js';
import { moduleUrl } from '../app/isolation/support.js';
import { BOB, Device, startSender } from '../support/agents/agents.js';
import { countingApp } from '../support/agents/counting-app.js';
import { receiptOf } from '../support/agents/receipts.js';
import { eventually } from '../support/wait.js';
import { workerScript } from '../support/worker-script.js';

const TEXT = { type: 'text/plain', parameters: {} };
const MIB = 1024 * 1024;

/** The behavior of each application at the first delivery of a push. */
const FAILURES: Readonly<Record<string, string>> = {
  'loops.ua': 'for (;;) {}',
  'heap.ua': 'for (const all = [];;) all.push({ some: [all.length] });',
  'buffers.ua': 'setInterval(() => kept.push(new Uint8Array(4e6).fill(1)), 5); await new Promise(() => {});',
  'exits.ua': 'process.exit(1);',
  'throws.ua': 'setTimeout(() => { throw new Error("stray"); }); await new Promise(() => {});',
};

/** An application that ends its worker at the first delivery of each push, and accepts the second delivery. */
function bad(id: string, failure: string): string {
  return moduleUrl(`
    const kept = [];
    export default {
      id: '${id}', accepts: ['text/plain'], order: 'parallel', needs: ['storage'],
      queries: { counts: true },
      start: ({ storage }) => ({
        async receive(push) {
          const text = new TextDecoder().decode(await push.content.bytes(100));
          if ((await storage.get('seen/' + text)) === undefined) {
            await storage.put('seen/' + text, true);
            ${failure}
          }
          const count = (await storage.get('count/' + text)) ?? 0;
          await push.commit((tx) => tx.put('count/' + text, count + 1));
        },
        queries: {
          async counts() {
            const counts = {};
            for await (const [key, value] of storage.entries({ prefix: 'count/' })) counts[key.slice(6)] = value;
            return counts;
          },
        },
      }),
    };`);
}

const HOOKS = ['consider', 'receive', 'describe', 'negotiated', 'stop'];
const THROWS_ALWAYS = moduleUrl(`export default {
  id: 'hooks.ua', accepts: ['text/plain'], order: 'parallel',
  start: () => ({ ${HOOKS.map((hook) => `${hook}() { throw new Error('${hook}'); }`).join(', ')} }),
};`);

const DIRECT = moduleUrl(`export default {
  id: 'direct.ua', accepts: ['text/plain'], delivery: 'direct', order: 'parallel',
  start: () => ({ receive() { process.exit(1); } }),
};`);

it('applications that loop, leak, exit or throw do not affect others, and lose no durable push', async ({
  onTestFinished,
}) => {
  const script = await workerScript();
  const isolation = { memory: 64 * MIB, unresponsive: 1 };
  const counting = countingApp('good.ua', ['text/plain']);
  const apps: HostedApp[] = [
    { definition: counting.app },
    { module: THROWS_ALWAYS, script, isolation },
    { module: DIRECT, script, isolation },
    ...Object.entries(FAILURES).map(([id, failure]) => ({ module: bad(id, failure), script, isolation })),
  ];
  const network = await startNetwork();
  onTestFinished(() => network.close());
  const [, server = ''] = network.uris;
  const logs: LogRecord[] = [];
  const device = await Device.start([], { servers: [server], apps, onLog: (record) => logs.push(record) });
  onTestFinished(() => device.stop());
  const sender = await startSender({ servers: [server] });
  onTestFinished(() => sender.stop());
  const push = (app: string, text: string) =>
    receiptOf(sender.send({ to: BOB, app, content: memoryContent(TEXT, Buffer.from(text)) }));

  const ids = [...Object.keys(FAILURES), 'hooks.ua'];
  const texts = ['one', 'two', 'three'];
  let over = false;
  const bads = Promise.all(ids.flatMap((id) => texts.map((text) => push(id, text)))).finally(() => {
    over = true;
  });
  // While the other workers end several times, and for some time afterwards.
  let good = 0;
  const serving = async () => {
    while (!over || good < 300) {
      const { status } = await push('good.ua', `push ${good++}`);
      expect(status).toBe(200);
    }
  };
  await Promise.all([serving(), bads]);
  expect(counting.counts.size).toBe(good);
  for (const { status } of await bads) expect(status).toBe(200);
  expect(await push('direct.ua', 'one')).toMatchObject({ status: 500, retryable: true });

  const all = Object.fromEntries(texts.map((text) => [text, 1]));
  for (const id of Object.keys(FAILURES)) {
    await eventually(`${id} has accepted each of its pushes once`, async () => {
      const counts = await device.host.query(id, 'counts').catch(() => ({}));
      return (
        JSON.stringify(Object.entries(Object(counts)).sort()) ===
          JSON.stringify(Object.entries(all).sort()) || undefined
      );
    });
    expect(
      logs.some(({ app, message }) => app === id && /its worker ended: .*restarts in/.test(message)),
    ).toBe(true);
  }
  // Pushes for the application that always throws stay on disk, and are redelivered like those of any durable application.
  const again = logs.filter(({ app, message }) => app === 'hooks.ua' && /redelivered in/.test(message));
  expect(new Set(again.map(({ message }) => message.split(' ')[1])).size).toBe(texts.length);
  expect(await device.host.runtime.deadLetters()).toEqual([]);
});
