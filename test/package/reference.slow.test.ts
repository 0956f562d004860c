/** The API reference: nothing that is exported lacks its docstring, and the pages are what the docstrings say. */

import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { runProcess } from '../support/process.js';

const SCRIPT = fileURLToPath(new URL('../../.ci/reference.mjs', import.meta.url));

it('is complete, and fresh', async () => {
  const { code, stderr } = await runProcess(process.execPath, [SCRIPT, '--check']);
  expect(stderr).toBe('');
  expect(code).toBe(0);
});
