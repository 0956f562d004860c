/**
 * Writes sdk/docs/reference, the API reference, from the docstrings of what the package exports. With --check it
 * writes nothing, and fails where something exported has no docstring, or the reference is not what they say.
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
  else if (checking) compare(out);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

/** TypeDoc has packages of its own: it needs an older TypeScript than the project has. @returns whether it is there. */
function installTool() {
  if (existsSync(join(TOOL, 'node_modules/typedoc'))) return true;
  const { status } = spawnSync(
    'npm',
    ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'],
    {
      cwd: TOOL,
      // What it says on stdout is that all went well.
      stdio: ['ignore', 'ignore', 2],
    },
  );
  if (status !== 0) fail('TypeDoc could not be installed (above is what npm said): check the network.');
  return status === 0;
}

function write(out) {
  const { exports } = JSON.parse(readFileSync('package.json', 'utf8'));
  // The bundled applications have one default export each, and READMEs.
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

function compare(fresh) {
  const [wanted, found] = [fresh, REFERENCE].map(pages);
  const stale = [...new Set([...wanted.keys(), ...found.keys()])].filter(
    (page) => wanted.get(page) !== found.get(page),
  );
  if (stale.length > 0)
    fail(`${stale.join(', ')} is not what the docstrings say: run \`npm run reference\`, and commit.`);
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
