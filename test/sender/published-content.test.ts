/** Content that a long-running sender publishes, and its device retrieves after the push has ended (8.1.2-03a). */

import { expect, it } from 'vitest';
import { createPushSender, type PushSenderHost } from '../../core/sender-host.js';
import { Folder } from '../cli/sip-push.js';
import { BOB, PSA } from '../support/agents/agents.js';
import { freePort } from '../support/programs/ports.js';
import { ScriptedCore } from '../support/sip/scripted-core.js';
import { eventually } from '../support/wait.js';

const CONTENT = 'content that is retrieved later';

it.each([undefined, 'gzip'] as const)(
  '8.1.2-03a: is served after its push was delivered, and after a restart (encoding: %s)',
  async (encoding) => {
    await using folder = await Folder.make();
    const core = await ScriptedCore.udp();
    const publish = { host: '127.0.0.1', port: await freePort() };
    const start = () =>
      createPushSender({ identity: PSA, servers: [core.uri], register: false, publish, data: folder.path });
    let sender = await start();
    try {
      const contents = [{ bytes: Buffer.from(CONTENT), type: 'text/plain' }];
      const submission = {
        to: BOB,
        app: 'test.ua',
        mode: 'indirect',
        contents,
        encoding,
        ttl: 7200,
      } as const;
      const { push } = await sender.outbox.submit(submission);
      const message = await core.request('MESSAGE');
      // The device confirms the reference, and retrieves the content later.
      message.respond(200);
      await hasEnded(sender, push.id);
      const reference = message.request.headers.get('Content-Type') ?? '';
      const [, url = ''] = /URL="([^"]+)"/i.exec(reference) ?? [];
      const [, expiration = ''] = /EXPIRATION="([^"]+)"/i.exec(reference) ?? [];
      expect(await (await fetch(url)).text()).toBe(CONTENT);
      expect(new Date(expiration).getTime()).toBeGreaterThan(Date.now() + 7_100_000);
      await sender.stop();
      sender = await start();
      expect(await (await fetch(url)).text()).toBe(CONTENT);
    } finally {
      await sender.stop();
      await core.close();
    }
  },
);

async function hasEnded(sender: PushSenderHost, id: string): Promise<void> {
  await eventually('the end of the push', () => sender.outbox.get(id)?.state === 'ended' || undefined);
  expect(sender.outbox.get(id)?.receipts).toMatchObject([{ outcome: 'delivered', mode: 'indirect' }]);
}
