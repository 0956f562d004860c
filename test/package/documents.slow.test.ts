/** Follows the guides, and the README of each example. */

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { platform } from '#platform';
import { Chromium } from '../support/pages/chromium.js';
import { DocumentedPage, type PageOptions, ROOT } from '../support/pages/documented-page.js';
import { describePeer } from '../support/programs/peers.js';
import { runProcess } from '../support/programs/process.js';

const WITHIN_MS = 600_000;

function follow(path: string, options?: PageOptions): void {
  let page: DocumentedPage;
  beforeAll(async () => {
    page = await DocumentedPage.open(path, options);
  });
  afterAll(() => page?.close());

  it('contains working commands and programs', { timeout: WITHIN_MS }, async () => {
    page.expectValidJson();
    await page.followCommands();
    await page.runPrograms();
  });
}

const GUIDES = 'sdk/docs/guides';
const GATEWAY = 'push-through-a-gateway.md';
const guides = (await readdir(join(ROOT, GUIDES))).filter((name) => name.endsWith('.md') && name !== GATEWAY);

/** The store that `troubleshoot.md` repairs. */
async function makeStore(command: string, folder: string): Promise<void> {
  if (!command.startsWith('cp -a bob-data ')) return;
  const store = await platform.openStore(join(folder, 'bob-data'));
  await store.close();
}

describe.each(guides)('%s', (guide) => follow(`${GUIDES}/${guide}`, { before: makeStore }));

describePeer('kannel', GATEWAY, () =>
  follow(`${GUIDES}/${GATEWAY}`, {
    services: [
      { command: /^bearerbox /, ready: /Start-up done/ },
      { command: /^wapbox /, ready: /HTTP: Opening server at port/ },
    ],
  }),
);

describe('examples/README.md', () => follow('examples/README.md'));

describePeer(['kamailio', 'kamailio-presence', 'openssl'], 'examples/kamailio/README.md', () =>
  follow('examples/kamailio/README.md', {
    services: [
      {
        command: /^kamailio .*kamailio\.cfg(?!.*WITH_REG_EVENTS)/,
        ready: /processes \(at least\)/,
        until: /WITH_REG_EVENTS/,
      },
      { command: /^kamailio /, ready: /processes \(at least\)/ },
      { command: /^npx sip-push host .*examples\/bob\.json/, ready: /registered/, until: /WITH_REG_EVENTS/ },
      { command: /^npx sip-push host .*described-bob/, ready: /registered/, until: /relayed-bob/ },
      { command: /^npx sip-push sender/, ready: /registered/, until: /relayed-bob/ },
    ],
  }),
);

describePeer('chromium', 'examples/browser/README.md', () => {
  let chromium: Chromium | undefined;
  afterAll(() => chromium?.close());
  follow('examples/browser/README.md', {
    async onReady(command, url) {
      if (!command.includes('run.mjs')) return;
      chromium = await Chromium.open(url);
      await chromium.until(`document.querySelector('#status')?.textContent.includes('is registered')`);
    },
  });
});

describe.each(['client-provisioning', 'third-party-app'])('examples/%s/README.md', (example) =>
  follow(`examples/${example}/README.md`, {
    run: /^npm install --no-save/,
    async before(command, folder) {
      if (!command.startsWith('npm install --no-save')) return;
      // The package is built: `npm pack` would build it again while other suites use it.
      const words = ['pack', '--ignore-scripts', '--loglevel=error', '--pack-destination', folder];
      const { code, stderr } = await runProcess('npm', words, { cwd: ROOT, withinMs: WITHIN_MS });
      expect(code, stderr).toBe(0);
    },
  }),
);
