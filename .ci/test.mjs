/**
 * Runs tests, and ends with one line of counts: `N passed, N failed, N skipped`.
 *
 *   node .ci/test.mjs          the linter, the types, and every test but the slow ones (`NAME.slow.test.ts`)
 *   node .ci/test.mjs --slow   the slow ones
 *   node .ci/test.mjs --full   all of these, with larger numbers
 *
 * Other words are vitest's own: `node .ci/test.mjs test/sip`.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const words = process.argv.slice(2);
const TIERS = ['--slow', '--full'];
const [tier] = words.filter((word) => TIERS.includes(word));
const scratch = mkdtempSync(join(tmpdir(), 'sip-push-test-'));
const results = join(scratch, 'results.json');
const env = { ...process.env, SIP_PUSH_TESTS: tier?.slice('--'.length) ?? '' };

// All of them run whatever the first say, so that one run tells everything.
const sound = [...(tier === '--slow' ? [] : [lint, types]), tests].map((check) => check()).every(Boolean);
const counts = count();
rmSync(scratch, { recursive: true, force: true });
if (!sound) console.log('\nNot everything is right: see above.');
if (counts.passed === 0) console.log('\nNo test has passed.');
console.log(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exit(sound && counts.failed === 0 && counts.passed > 0 ? 0 : 1);

function lint() {
  return run('node_modules/@biomejs/biome/bin/biome', ['check', '.']);
}

function types() {
  return run('node_modules/typescript/bin/tsc', ['--noEmit']);
}

function tests() {
  return run('node_modules/vitest/vitest.mjs', [
    'run',
    '--config=test/vitest.config.ts',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${results}`,
    ...words.filter((word) => !TIERS.includes(word)),
  ]);
}

function run(script, args) {
  const name = script.split('/').at(-1);
  console.log(`\n> ${name} ${args.filter((word) => !word.startsWith('--outputFile')).join(' ')}`);
  const { status, signal } = spawnSync(process.execPath, [script, ...args], { stdio: ['ignore', 1, 2], env });
  if (signal) process.exit(130);
  return status === 0;
}

/** vitest's own counts; a file that could not even be loaded counts as one failure. */
function count() {
  let report;
  try {
    report = JSON.parse(readFileSync(results, 'utf8'));
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
  const unloaded = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((assertion) => assertion.status === 'failed'),
  );
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + unloaded.length,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}
