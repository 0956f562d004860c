/** Compiles the examples of push applications against the published types. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { runProcess } from '../support/programs/process.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const WITHIN_MS = 120_000;

it.each(['client-provisioning', 'third-party-app'])('examples/%s', { timeout: WITHIN_MS }, async (name) => {
  const example = join(ROOT, 'examples', name);
  const folder = await mkdtemp(join(tmpdir(), 'sip-push-example-types-'));
  try {
    const paths = {
      'sip-push/sdk': [join(ROOT, 'dist/sdk/index.d.ts')],
      'sip-push/formats': [join(ROOT, 'dist/sdk/formats/index.d.ts')],
      'sip-push-app-connections': [join(example, 'connections/src/index.ts')],
    };
    const project = {
      extends: join(example, 'tsconfig.json'),
      compilerOptions: { paths },
      include: [join(example, 'src')],
    };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(project));
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const { code, stdout } = await runProcess(process.execPath, [tsc, '--project', folder], {
      cwd: folder,
      withinMs: WITHIN_MS,
    });
    expect([code, stdout]).toEqual([0, '']);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
