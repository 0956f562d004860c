import { existsSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { describe, expect, it } from 'vitest';
import { filesUnder, ROOT } from './files.js';
import { columnNames } from './folder-tables.js';

/** Paths from the root, of the folders and files in the tables of a page. */
function namedIn(page: string): string[] {
  const text = readFileSync(`${ROOT}/${page}`, 'utf8');
  return columnNames(text, 'folder').map((name) => posix.join(posix.dirname(page), name));
}

function foldersOf(root: string): string[] {
  const folders = filesUnder(root)
    .filter((file) => file.endsWith('.ts'))
    .map((file) => posix.dirname(file));
  return [...new Set(folders)].filter((folder) => folder !== root);
}

describe('tables of folders', () => {
  it.each(['CONTRIBUTING.md', 'core/README.md', 'sdk/README.md', 'test/README.md'])(
    'name folders and files that exist: %s',
    (page) => {
      const names = namedIn(page);
      expect(names.length).toBeGreaterThan(5);
      expect(names.filter((name) => !existsSync(`${ROOT}/${name}`))).toEqual([]);
    },
  );

  it('name every folder of core', () => {
    const names = new Set(namedIn('core/README.md'));
    expect(foldersOf('core').filter((folder) => !names.has(folder))).toEqual([]);
  });

  it('name every layer of core and its folders for contributors', () => {
    const text = readFileSync(`${ROOT}/CONTRIBUTING.md`, 'utf8');
    const layers = foldersOf('core').map((folder) => folder.split('/').slice(0, 2).join('/'));
    const names = new Set(namedIn('CONTRIBUTING.md'));
    expect(layers.filter((layer) => !names.has(layer))).toEqual([]);
    const contents = columnNames(text, 'contains');
    const parts = ['core/app', 'core/sip', 'core/msrp'].flatMap((layer) =>
      foldersOf(layer).map((folder) => posix.basename(folder)),
    );
    expect(parts.filter((part) => !contents.includes(part))).toEqual([]);
  });

  it('name every folder of sdk', () => {
    const names = new Set(namedIn('sdk/README.md'));
    const folders = foldersOf('sdk').filter((folder) => folder.split('/').length === 2);
    expect(folders.filter((folder) => !names.has(folder))).toEqual([]);
  });

  it('are read by the title of a column', () => {
    const page = [
      '| you look for | folder |',
      '| --- | --- |',
      '| a `timer` | [`time`](time/README.md), `sip/gone` |',
      '',
      '| package | contains |',
      '| --- | --- |',
      '| `jssip` | `frames` |',
    ].join('\n');
    expect(columnNames(page, 'folder')).toEqual(['time', 'sip/gone']);
    expect(columnNames(page, 'contains')).toEqual(['frames']);
  });
});
