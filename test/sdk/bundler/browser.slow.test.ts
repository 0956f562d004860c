/** A bundle for browsers, started by a page that contains only its module. */

import { expect, it } from 'vitest';
import { createPushSender } from '../../../core/sender-host.js';
import { examplePushes } from '../../../sdk/cli/demo/examples.js';
import { startNetwork } from '../../../sdk/network/index.js';
import { Chromium } from '../../support/pages/chromium.js';
import { TestHttpServer } from '../../support/pages/http-server.js';
import { describePeer } from '../../support/programs/peers.js';
import { eventually } from '../../support/wait.js';
import { BOB, BundleFolder, bob, PSA } from './bundles.js';

const TIMEOUT = 180_000;
/** Milliseconds to start a browser on a busy machine. */
const STARTED = 60_000;
const LOOPBACK = '127.0.0.1';
const PAGE = `<!doctype html><link rel="icon" href="data:,"><script type="module">
  import { contents, start } from './host.mjs';
  globalThis.events = [];
  globalThis.device = await start({ onEvent: (event) => events.push(event) });
  globalThis.inside = contents;
</script>`;

describePeer('chromium', 'a bundle for browsers', () => {
  it('exports start, which registers and accepts all pushes', { timeout: TIMEOUT }, async () => {
    const network = await startNetwork({
      domain: 'domain.test',
      users: { bob: { password: 'bob-password' }, psa: { password: 'psa' } },
      listen: ['tcp', 'ws'].map((transport) => `sip:${LOOPBACK}:0;transport=${transport}`),
    });
    const [tcp = '', ws = ''] = network.uris;
    const sender = await createPushSender({
      identity: PSA,
      servers: [tcp],
      credentials: { username: 'psa', password: 'psa' },
      publish: { host: LOOPBACK, port: 0 },
      media: { host: LOOPBACK, transport: 'ws' },
    });
    await using folder = await BundleFolder.make();
    const { files, contents } = await folder.bundle(bob(ws), 'browser');
    const server = await TestHttpServer.start((request, response) => {
      const file = files.get(request.url?.slice(1) ?? '');
      response.writeHead(200, { 'content-type': file ? 'text/javascript' : 'text/html' });
      response.end(file ?? PAGE);
    });
    const page = await Chromium.open(server.url());
    try {
      const registered = `globalThis.events?.some(({ event }) => event === 'registered')`;
      await eventually(
        registered,
        async () => (await page.evaluate<boolean>(registered)) || undefined,
        STARTED,
      );
      const pushes = examplePushes(BOB, 1);
      for (const push of pushes) {
        expect(await sender.send(push), `${push.app} ${push.mode}`).toMatchObject([{ outcome: 'delivered' }]);
      }
      await page.until(`events.filter(({ event }) => event === 'push').length === ${pushes.length}`);
      expect(await page.evaluate('inside')).toEqual(JSON.parse(JSON.stringify(contents)));
      await page.evaluate(`device.stop('the page was left')`);
      expect(page.problems).toEqual([]);
    } finally {
      await page.close();
      await server.close();
      await sender.stop();
      await network.close();
    }
  });
});
