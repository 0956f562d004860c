/** A disk that is temporarily full: pushes are refused as `resources`, and no push that is confirmed later is lost. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runProcess } from '../support/programs/process.js';
import { bundle } from './bundle.js';

it('a push that was confirmed after the disk was full survives a kill', async () => {
  await using host = await bundle('full-disk-host');
  const folder = await mkdtemp(join(tmpdir(), 'full-disk-'));
  try {
    const filled = await runProcess(process.execPath, [host.path, folder, 'fill']);
    expect(filled.signal).toBe('SIGKILL');
    const lines = filled.stdout.split('\n');
    expect(lines.filter((line) => line.startsWith('refused '))).toEqual(Array(5).fill('refused resources'));
    expect(lines.slice(-50).every((line) => line.startsWith('accepted '))).toBe(true);
    const accepted = lines.flatMap((line) => /^accepted (.*)$/.exec(line)?.[1] ?? []);
    const { stdout } = await runProcess(process.execPath, [host.path, folder, 'deliver']);
    const received = stdout.split('\n').flatMap((line) => /^received (.*)$/.exec(line)?.[1] ?? []);
    expect(received.sort()).toEqual(accepted.sort());
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
