/** The API reference: all exports have doc comments, and the pages match them. */

import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { runProcess } from '../support/programs/process.js';

const SCRIPT = fileURLToPath(new URL('../../.ci/reference.mjs', import.meta.url));

it('the API reference is complete and up to date', async () => {
  const { code, stderr } = await runProcess(process.execPath, [SCRIPT, '--check']);
  expect(stderr).toBe('');
  expect(code).toBe(0);
});
