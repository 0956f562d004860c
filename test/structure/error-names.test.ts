/** Each error class sets its name, so that a log of a minified bundle shows it. */

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { filesUnder, ROOT } from './files.js';

const ERROR_CLASS = /^(?:export )?class (\w+) extends \w*Error\b/gm;

it('each error class sets the name of its prototype', () => {
  const sources = ['core', 'sdk', 'plugins'].flatMap(filesUnder).filter((path) => path.endsWith('.ts'));
  const classes = sources.flatMap((path) => {
    const text = readFileSync(`${ROOT}/${path}`, 'utf8');
    return [...text.matchAll(ERROR_CLASS)].map(([, name = '']) => ({ name, path, text }));
  });
  expect(classes.length).toBeGreaterThan(30);
  const unnamed = classes.filter(({ name, text }) => !text.includes(`${name}.prototype.name = '${name}';`));
  expect(unnamed.map(({ name, path }) => `${path}: ${name}`)).toEqual([]);
});
