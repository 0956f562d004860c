/**
 * Reads requirement ids in the titles of the tests, and writes test/conformance/COVERAGE.md. A title begins with its ids,
 * `it('6.1-03, 7.1-02: …')`, or has them after a prefix, `'over %s: 6.1-03: …'`. A table of cases has them in a separate
 * cell: `it.each([['C-02', 400], …])('%s: …')`.
 */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const REQUIREMENTS = join(ROOT, 'test/conformance/requirements.tsv');
const TABLE = join(ROOT, 'test/conformance/COVERAGE.md');
const SHORT = 110;
const ID = String.raw`(?:[A-Z]+-)?[0-9A-Z]+(?:\.[0-9]+)*(?:-[0-9A-Z]+)*(?:-[0-9]+[a-z]?|-[A-Z]+|\.[0-9]+)`;
const TITLE = new RegExp(String.raw`(['"\`])((?:[^'"\`\n]*?: )?(${ID}(?:, ${ID})*): .*?)\1`, 'g');
const CASES = /\.each(?:<[^(]*>)?\(\[([\s\S]*?)\](?: as const)?\)\(\s*(['"`])(.*?)\2/g;
const CELL = new RegExp(String.raw`(['"])(${ID}(?:, ${ID})*)\1`, 'g');

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(TABLE, coverage().table);
  process.stderr.write(`${relative(ROOT, TABLE)} written\n`);
}

/**
 * @returns {{ table: string, written: string, covered: Set<string>, ids: string[] }} the current table, the
 *   table in the file, the ids that have a test, and all ids
 */
export function coverage() {
  const requirements = readRequirements();
  const known = new Set(requirements.map(({ id }) => id));
  const tests = readTests(known);
  return {
    table: table(requirements, tests),
    written: readFileSync(TABLE, 'utf8'),
    covered: new Set(tests.keys()),
    ids: [...known],
  };
}

function readRequirements() {
  return readFileSync(REQUIREMENTS, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .slice(1)
    .map((line) => {
      const [id, role, level, text] = line.split('\t');
      return { id, role, level, text };
    });
}

/** The tests that name each id. */
function readTests(known) {
  const tests = new Map();
  const files = readdirSync(join(ROOT, 'test'), { recursive: true })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => join('test', name).replaceAll('\\', '/'))
    .sort();
  for (const file of files) {
    for (const { ids, title } of titles(readFileSync(join(ROOT, file), 'utf8'))) {
      for (const id of ids.split(', ').filter((word) => known.has(word))) {
        tests.set(id, [...(tests.get(id) ?? []), { file, title }]);
      }
    }
  }
  return tests;
}

function titles(source) {
  const own = [...source.matchAll(TITLE)].map(([, , title, ids]) => ({ title, ids }));
  const cases = [...source.matchAll(CASES)].flatMap(([, rows, , title]) => {
    const ids = [...rows.matchAll(CELL)].flatMap(([, , cell]) => cell.split(', '));
    return [...new Set(ids)].map((id) => ({ title: `${title} [${id}]`, ids: id }));
  });
  return [...own, ...cases];
}

function table(requirements, tests) {
  const covered = requirements.filter(({ id }) => tests.has(id)).length;
  return [
    '# Which test covers which requirement',
    '',
    'Written by `node .ci/requirements.mjs` from `requirements.tsv` and the titles of the tests. ' +
      `${covered} of ${requirements.length} requirements have a test.`,
    '',
    '| id | who | level | requirement | tests |',
    '|---|---|---|---|---|',
    ...requirements.map(
      ({ id, role, level, text }) =>
        `| ${id} | ${role} | ${level} | ${cell(shorten(text))} | ${testsCell(tests.get(id))} |`,
    ),
    '',
  ].join('\n');
}

function testsCell(found = []) {
  return found.map(({ file, title }) => `\`${file}\`: ${cell(title)}`).join('<br>');
}

function shorten(text) {
  return text.length <= SHORT ? text : `${text.slice(0, text.lastIndexOf(' ', SHORT))} …`;
}

function cell(text) {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}
