import { describe, expect, it } from 'vitest';
import { filesUnder } from './files.js';
import { sizeViolations } from './folders.js';

const few = (folder: string, count: number) => Array.from({ length: count }, (_, i) => `${folder}/${i}.ts`);

describe('source folders', () => {
  it('hold 5 to 20 files', () => {
    const files = ['core', 'sdk', 'test'].flatMap(filesUnder);
    expect(files.length).toBeGreaterThan(500);
    expect(sizeViolations(files)).toEqual([]);
  });

  it.each([
    ['too few files', few('core/store', 4), 'core/store holds 4 files: expected at least 5'],
    ['too many files', few('test/app', 21), 'test/app holds 21 files: expected at most 20'],
    [
      'too few files and folders',
      [...few('core/sip', 2), ...few('core/sip/values', 5), ...few('core/sip/session', 5)],
      'core/sip holds 4 files: expected at least 5',
    ],
  ])('are reported with %s', (_case, files, message) => {
    expect(sizeViolations(files, {})).toEqual([message]);
  });

  it('may have any size as the root of a package, as fixtures, or with an exception', () => {
    const files = [...few('core', 30), ...few('test/sdk/fixtures/bad', 30), ...few('core/store', 2)];
    const roots = [...few('test', 2), ...few('test/sdk', 5)];
    expect(sizeViolations([...files, ...roots], { 'core/store': 'a layer' })).toEqual([]);
  });

  it('have no exception without need', () => {
    const message = 'core/store needs no exception: remove it from the table';
    expect(sizeViolations(few('core/store', 5), { 'core/store': 'a layer' })).toEqual([message]);
    expect(sizeViolations([], { 'core/store': 'a layer' })).toEqual([message]);
  });
});
