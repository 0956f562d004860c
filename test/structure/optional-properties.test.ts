import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FOLDERS = ['core', 'sdk', 'plugins', 'examples', 'test'];
const THIS_FILE = 'test/structure/optional-properties.test.ts';

/** `...(x === undefined ? {} : { x })` and its like; `defined` replaces them. */
const CONDITIONAL_SPREAD =
  /\.\.\.\([^()]*(?:\([^()]*\)[^()]*)*(?:=== undefined\s*\? \{\}\s*:|!== undefined\s*(?:\?|&&)\s*\{|: \{\}\))/g;

function conditionalSpreads(text: string): string[] {
  return text.match(CONDITIONAL_SPREAD) ?? [];
}

function sourceFiles(): string[] {
  return FOLDERS.flatMap((folder) =>
    readdirSync(`${ROOT}/${folder}`, { recursive: true, encoding: 'utf8' }).map(
      (name) => `${folder}/${name}`,
    ),
  ).filter((file) => /\.[jt]s$/.test(file) && !file.includes('node_modules/') && file !== THIS_FILE);
}

describe('optional properties', () => {
  it('are undefined or removed by `defined`, without a conditional spread', () => {
    const files = sourceFiles();
    expect(files.length).toBeGreaterThan(500);
    const found = files.flatMap((file) =>
      conditionalSpreads(readFileSync(`${ROOT}/${file}`, 'utf8')).map((spread) => `${file}: ${spread}`),
    );
    expect(found).toEqual([]);
  });

  it.each([
    'const a = { ...(x === undefined ? {} : { x }) };',
    'const a = { ...(at(i) === undefined ? {} : { x }) };',
    'const a = {\n  ...(x === undefined\n    ? {}\n    : { x }),\n};',
    'const a = { ...(x !== undefined && { x }) };',
    'const a = { ...(x !== undefined ? { x } : {}) };',
    'const a = { ...(x ? { x } : {}) };',
  ])('rejects %j', (text) => {
    expect(conditionalSpreads(text)).toHaveLength(1);
  });

  it.each([
    '[...(x === undefined ? [] : [x])]',
    '{ ...(await read(x)) }',
    '{ ...DEFAULTS, ...defined({ x }) }',
  ])('accepts %s', (text) => {
    expect(conditionalSpreads(text)).toEqual([]);
  });
});
