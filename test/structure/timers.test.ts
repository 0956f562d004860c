/** The timers of SIP can be found by their names. */

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { filesUnder, ROOT } from './files.js';

const read = (path: string) => readFileSync(`${ROOT}/${path}`, 'utf8');

/** The rows of the table in `timers.ts`: the letter of a timer, and the file that sets it. */
const rows = [
  ...read('core/sip/transactions/timers.ts').matchAll(/^ \* \| ([A-N]) +\|[^|]*\| `([\w-]+\.ts)`/gm),
].map(([, letter = '', file = '']): [letter: string, file: string] => [letter, file]);

const sources = ['core', 'sdk/network'].flatMap(filesUnder).filter((path) => path.endsWith('.ts'));

it('lists the timers A to N', () => {
  expect(rows.map(([letter]) => letter).join('')).toBe('ABCDEFGHIJKLMN');
});

it.each(rows)('names Timer %s once, with its section, where %s sets it', (letter, file) => {
  // `timers.ts` shows the command that searches for a name.
  const found = sources
    .filter((path) => !path.endsWith('/timers.ts'))
    .flatMap((path) =>
      read(path)
        .split('\n')
        .filter((line) => line.includes(`Timer ${letter} (RFC`))
        .map(() => path.slice(path.lastIndexOf('/') + 1)),
    );
  expect(found).toEqual([file]);
});
