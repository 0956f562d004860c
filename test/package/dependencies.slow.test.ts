/** The installed dependencies: their licenses, install scripts, sources and known advisories. */

import { fileURLToPath } from 'node:url';
import { beforeAll, expect, it } from 'vitest';
import { runProcess } from '../support/programs/process.js';

const SCRIPT = fileURLToPath(new URL('../../.ci/dependencies.mjs', import.meta.url));
let checked: Awaited<ReturnType<typeof runProcess>>;

beforeAll(async () => {
  checked = await runProcess(process.execPath, [SCRIPT]);
});

it('the dependencies have known licenses, install scripts and sources', () => {
  expect(checked.stdout).not.toContain('problem:');
  expect(checked.stdout).toContain('licenses, install scripts and sources were checked');
  expect(checked.code).toBe(0);
});

it('the dependencies have no known advisories, or the output says that the registry has none to compare with', () => {
  const unanswered = /^known advisories were NOT checked: .*$/m.exec(checked.stdout)?.[0];
  if (unanswered !== undefined) console.warn(unanswered);
  else expect(checked.stdout).toContain('known advisories were checked');
});
