/** Follows the README, and those of the network and the test host. */

import { afterAll, beforeAll, describe, it } from 'vitest';
import { DocumentedPage } from '../support/pages/documented-page.js';

describe.each(['README.md', 'sdk/network/README.md', 'sdk/testing/README.md'])('%s', (path) => {
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
