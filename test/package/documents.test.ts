/** Follows the README and the guides. */

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { DocumentedPage, ROOT, SLOW_GUIDES } from '../support/pages/documented-page.js';

const GUIDES = 'sdk/docs/guides';
const guides = (await readdir(join(ROOT, GUIDES))).filter(
  (name) => name.endsWith('.md') && !SLOW_GUIDES.includes(name),
);
const PAGES = [
  'README.md',
  'sdk/network/README.md',
  'sdk/testing/README.md',
  ...guides.map((name) => `${GUIDES}/${name}`),
];

describe.each(PAGES)('%s', (path) => {
  let page: DocumentedPage;
  beforeAll(async () => {
    page = await DocumentedPage.open(path);
  });
  afterAll(() => page?.close());

  it('contains valid JSON', () => page.expectValidJson());

  it('contains working commands and programs', async () => {
    await page.followCommands();
    await page.runPrograms();
  }, 300_000);
});
