/**
 * Writes sdk/docs/reference, the API reference, from the doc comments of the package's exports. Fails if an export, a
 * property or a parameter has no description. With --check it writes nothing, and fails if the reference is stale.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const TOOL = join(ROOT, '.ci/reference');
const REFERENCE = join(ROOT, 'sdk/docs/reference');

const checking = process.argv.includes('--check');
process.chdir(ROOT);
if (!installTool()) process.exit(1);
const scratch = mkdtempSync(join(tmpdir(), 'sip-push-reference-'));
try {
  const out = checking ? scratch : REFERENCE;
  if (!write(out)) process.exitCode = 1;
  else {
    requireDescriptions(out);
    if (checking) compare(out);
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

/** TypeDoc has its own packages, because it needs an older TypeScript. @returns whether it is installed. */
function installTool() {
  if (existsSync(join(TOOL, 'node_modules/typedoc'))) return true;
  const { status } = spawnSync(
    'npm',
    ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'],
    {
      cwd: TOOL,
      // stdout only reports success.
      stdio: ['ignore', 'ignore', 2],
    },
  );
  if (status !== 0) fail('TypeDoc was not installed, see the output of npm above: check the network.');
  return status === 0;
}

function write(out) {
  const { exports } = JSON.parse(readFileSync('package.json', 'utf8'));
  // The bundled applications have one default export each, and a README.
  const entries = Object.entries(exports)
    .filter(([name, target]) => typeof target === 'object' && !name.startsWith('./apps/'))
    .map(([, target]) => target['sip-push-source']);
  const { status, stdout } = spawnSync(
    process.execPath,
    [
      join(TOOL, 'node_modules/typedoc/bin/typedoc'),
      ...['--options', join(TOOL, 'typedoc.json'), '--out', out],
      ...entries.flatMap((entry) => ['--entryPoints', entry]),
    ],
    { stdio: ['ignore', 'pipe', 2], encoding: 'utf8' },
  );
  if (status !== 0) process.stderr.write(stdout);
  return status === 0;
}

/** TypeDoc writes a dash for a parameter without description, if another parameter has one. */
function requireDescriptions(out) {
  for (const [page, text] of pages(out)) {
    const rows = text.split('\n').filter((line) => line.startsWith('|') && line.endsWith('| - |'));
    for (const row of rows) fail(`${page}: no description: ${row.slice(0, 80)}`);
  }
}

function compare(fresh) {
  const [wanted, found] = [fresh, REFERENCE].map(pages);
  const stale = [...new Set([...wanted.keys(), ...found.keys()])].filter(
    (page) => wanted.get(page) !== found.get(page),
  );
  if (stale.length > 0) fail(`${stale.join(', ')} is stale: run \`npm run reference\` and commit it.`);
}

function pages(folder) {
  if (!existsSync(folder)) return new Map();
  return new Map(
    readdirSync(folder, { recursive: true })
      .filter((name) => name.endsWith('.md'))
      .map((name) => [name, readFileSync(join(folder, name), 'utf8')]),
  );
}

function fail(text) {
  process.stderr.write(`reference: ${text}\n`);
  process.exitCode = 1;
}
