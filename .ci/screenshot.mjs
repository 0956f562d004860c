/**
 * Writes sdk/docs/demo.png, a screenshot of the web page of `sip-push demo`, for the README. Requires the built package
 * (`npm run build`) and Chromium.
 */

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { findCommand } from './peers.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PICTURE = join(ROOT, 'sdk/docs/demo.png');
const SIZE = '1280,900';
/** Milliseconds for the page to load its events. */
const LOAD_MS = 20_000;

const chromium = findCommand('chromium');
if (chromium === undefined) throw new Error('Chromium is not installed; on Debian: apt-get install chromium');
const demo = spawn(process.execPath, [join(ROOT, 'dist/sdk/cli/main.js'), 'demo', '--json'], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
const profile = mkdtempSync(join(tmpdir(), 'sip-push-screenshot-'));
try {
  // The demo prints the URL of its page after the pushes.
  capture(await pageOf(demo.stdout));
} finally {
  demo.kill();
  rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
}

async function pageOf(output) {
  for await (const line of createInterface({ input: output })) {
    const { event, url } = JSON.parse(line);
    if (event === 'page') return url;
  }
  throw new Error('the demo exited before it served its page');
}

function capture(url) {
  const { status, stderr } = spawnSync(
    chromium,
    [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--hide-scrollbars',
      `--user-data-dir=${profile}`,
      `--window-size=${SIZE}`,
      `--timeout=${LOAD_MS}`,
      `--screenshot=${PICTURE}`,
      url,
    ],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`Chromium exited with ${status}: ${stderr}`);
  process.stderr.write(`screenshot: ${PICTURE}\n`);
}
