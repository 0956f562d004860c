/**
 * Runs tests, and prints a last line of counts: `N passed, N failed, N skipped`.
 *
 *   node .ci/test.mjs          the linter, the types, and all tests except the slow ones (`NAME.slow.test.ts`)
 *   node .ci/test.mjs --slow   the slow ones
 *   node .ci/test.mjs --full   all of these, with larger numbers
 *
 * Other arguments are passed to vitest: `node .ci/test.mjs test/sip`.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const words = process.argv.slice(2);
const TIERS = ['--slow', '--full'];
const [tier] = words.filter((word) => TIERS.includes(word));
const scratch = mkdtempSync(join(tmpdir(), 'sip-push-test-'));
const results = join(scratch, 'results.json');
const env = { ...process.env, SIP_PUSH_TESTS: tier?.slice('--'.length) ?? '' };

// Runs all checks even if one fails, so that one run reports all problems.
const checks = tier === '--slow' ? [tests] : [lint, types, tests];
const failed = checks.filter((check) => !check()).map((check) => check.name);
const counts = count();
rmSync(scratch, { recursive: true, force: true });
// The linter and the types count as one test each, and so do errors outside of tests.
counts.failed += failed.filter((name) => name !== 'tests' || counts.failed === 0).length;
if (counts.passed === 0) console.log('\nNo test passed.');
if (failed.length > 0) console.log(`\nFailed, see above: ${failed.join(', ')}`);
for (const name of counts.names) console.log(`Failed: ${name}`);
console.log(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exit(counts.failed === 0 && counts.passed > 0 ? 0 : 1);

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

/** The counts of vitest, and the names of what failed. A file that fails to load counts as one failure. */
function count() {
  let report;
  try {
    report = JSON.parse(readFileSync(results, 'utf8'));
  } catch {
    return { passed: 0, failed: 1, skipped: 0, names: [] };
  }
  const unloaded = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((assertion) => assertion.status === 'failed'),
  );
  const names = report.testResults.flatMap(({ name: file, assertionResults }) =>
    assertionResults
      .filter(({ status }) => status === 'failed')
      .map(({ fullName }) => `${relative('', file)}: ${fullName}`),
  );
  return {
    names: [...unloaded.map(({ name }) => relative('', name)), ...names],
    passed: report.numPassedTests,
    failed: report.numFailedTests + unloaded.length,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}
