import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { filesUnder, ROOT } from './files.js';

/** Browsers drop the entry with the derived signal. */
const EXCEPTIONS = ['core/platform/browser/websocket-channel.ts'];

it('core derives no signal by AbortSignal.any, which grows its sources in Node.js 20', () => {
  const files = filesUnder('core').filter((file) => file.endsWith('.ts') && !EXCEPTIONS.includes(file));
  expect(files.length).toBeGreaterThan(100);
  expect(
    files.filter((file) => readFileSync(`${ROOT}/${file}`, 'utf8').includes('AbortSignal.any(')),
  ).toEqual([]);
});
