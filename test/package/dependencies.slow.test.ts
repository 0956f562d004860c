/** The installed dependencies: their licenses, install scripts, sources and known advisories. */

import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { runProcess } from '../support/programs/process.js';

const SCRIPT = fileURLToPath(new URL('../../.ci/dependencies.mjs', import.meta.url));

it('the dependencies have known licenses and install scripts, and no known advisories', async () => {
  const { code, stdout } = await runProcess(process.execPath, [SCRIPT]);
  expect(stdout).not.toContain('problem:');
  expect(stdout).toContain('licenses, install scripts and sources were checked');
  // Not every registry has advisories. The output of the tests then says that they were not checked.
  const unanswered = /^known advisories were NOT checked: .*$/m.exec(stdout)?.[0];
  if (unanswered !== undefined) console.warn(unanswered);
  else expect(stdout).toContain('known advisories were checked');
  expect(code).toBe(0);
});
