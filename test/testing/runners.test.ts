/** `sip-push/testing` with the test runner of Node.js, as somebody has it who installed the package. */

import { readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transform } from 'esbuild';
import { expect, it } from 'vitest';
import { Folder } from '../cli/sip-push.js';
import { codeBlocks } from '../support/code-blocks.js';
import { runProcess } from '../support/process.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

it('the README runs by node --test, and nothing keeps its process', async () => {
  await using folder = await Folder.make();
  const page = await readFile(join(ROOT, 'sdk/testing/README.md'), 'utf8');
  for (const { language, text, line } of codeBlocks(page)) {
    if (language !== 'ts') continue;
    const { code } = await transform(text, { loader: 'ts', target: 'node20' });
    await folder.write(`line-${line}.test.mjs`, code);
  }
  await folder.write('node_modules/.here', '');
  await symlink(ROOT, join(folder.path, 'node_modules/sip-push'));
  const ended = await runProcess(process.execPath, ['--test'], { cwd: folder.path });
  expect(ended.stdout).toMatch(/pass 4/);
  expect(ended.stdout).toMatch(/fail 0/);
  expect(ended.code).toBe(0);
});
