/** What takes the place of browser-level in a bundle reads what that has written, and gives it in the same order. */

import { afterAll, beforeAll, expect, it } from 'vitest';
import { servePage } from '../../support/browser-page.js';
import { Chromium } from '../../support/chromium.js';
import type { TestHttpServer } from '../../support/http-server.js';
import { describePeer } from '../../support/peers.js';

describePeer('chromium', 'a store over IndexedDB alone', () => {
  let server: TestHttpServer;
  let browser: Chromium;
  beforeAll(async () => {
    server = await servePage('test/sdk/bundler/indexed-store-page.ts');
    browser = await Chromium.open(server.url());
    await browser.until('globalThis.page !== undefined');
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });
  const run = <T>(body: string) =>
    browser.evaluate<T>(
      `(async () => { const { platform, BrowserLevel, Little, text, entries, PREFIX, VIEW } = page; ${body} })()`,
    );

  it('reads what browser-level wrote, from a key on or behind one, however many there are', async () => {
    expect(
      await run(`
        const large = await platform.openStore('either');
        const keys = Array.from({ length: 2500 }, (_, index) => 'n' + String(index).padStart(4, '0'));
        const operations = ['b', 'ä', 'a', ...keys].map((key) => ({ type: 'put', key, value: new TextEncoder().encode(key + '!') }));
        await large.batch(operations, { ...VIEW, sync: true });
        const wanted = await entries(large.iterator(VIEW));
        const behind = await entries(large.iterator({ ...VIEW, gt: 'a' }), 4);
        await large.close();
        const little = new Little('either', PREFIX);
        const early = await little.get('a').catch(String);
        await little.open();
        await little.open();
        const found = await entries(little.iterator({ gte: '' }));
        const result = {
          early, count: found.length, same: JSON.stringify(found) === JSON.stringify(wanted),
          behind: JSON.stringify(await entries(little.iterator({ gt: 'a' }), 4)) === JSON.stringify(behind),
          from: await entries(little.iterator({ gte: 'n2499' })),
          one: text(await little.get('ä')), none: await little.get('none') === undefined,
        };
        await little.close();
        return { ...result, late: await little.get('a').catch(String) };`),
    ).toEqual({
      early: 'Error: Database is not open',
      count: 5006,
      same: true,
      behind: true,
      from: ['n2499', 'n2499!', 'ä', 'ä!'],
      one: 'ä!',
      none: true,
      late: 'Error: Database is not open',
    });
  });
});
