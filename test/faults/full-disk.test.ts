/** A disk that is full for a while: pushes are refused as `resources`, and those confirmed after it are not lost. */

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
    expect(lines.slice(-50).every((line) => line.startsWith('taken '))).toBe(true);
    const taken = lines.flatMap((line) => /^taken (.*)$/.exec(line)?.[1] ?? []);
    const { stdout } = await runProcess(process.execPath, [host.path, folder, 'deliver']);
    const received = stdout.split('\n').flatMap((line) => /^received (.*)$/.exec(line)?.[1] ?? []);
    expect(received.sort()).toEqual(taken.sort());
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
