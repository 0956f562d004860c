/** Invalid traces are rejected with the problem when they are read. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTrace } from '../../sdk/trace/read-trace.js';

const LINE = {
  ...{ time: '2026-11-21T12:00:00.000Z', direction: 'in', transport: 'UDP' },
  ...{ local: { host: '127.0.0.1', port: 5060 }, remote: { host: '127.0.0.1', port: 5061 } },
  bytes: Buffer.from('OPTIONS').toString('base64'),
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sip-push-trace-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function read(...lines: object[]): Promise<unknown[]> {
  const file = join(folder, 'a.trace');
  await writeFile(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const entries: unknown[] = [];
  for await (const entry of readTrace(file)) entries.push(entry);
  return entries;
}

it('reads a complete frame of a recording as a line', async () => {
  const bytes = Buffer.alloc(8 * 1024 * 1024 + 1000).toString('base64');
  expect(await read({ ...LINE, transport: 'TCP', bytes })).toHaveLength(1);
});

describe('rejects a value that a capture cannot contain', () => {
  it.each(['1969-12-31T23:59:59.000Z', '2106-02-07T06:28:16.000Z'])('a time: %s', async (time) => {
    await expect(read({ ...LINE, time })).rejects.toThrow(/line 1: "time": expected a time since 1970/);
  });

  it('a datagram larger than the maximum of UDP', async () => {
    const bytes = Buffer.alloc(65_508).toString('base64');
    await expect(read({ ...LINE, bytes })).rejects.toThrow(
      /line 1: "bytes": expected at most 65507 bytes for a UDP datagram/,
    );
  });
});
