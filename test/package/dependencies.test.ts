/** The rules of `.ci/dependencies.mjs`, which checks the packages that this one depends on. */

import { describe, expect, it } from 'vitest';
import {
  advisoriesOf,
  isAllowed,
  type LockEntry,
  problemsOf,
  type Vulnerability,
} from '../../.ci/dependencies.mjs';

const good: LockEntry = { version: '1.0.0', license: 'MIT', integrity: 'sha512-x' };
const problems = (entry: LockEntry, scripts?: Record<string, string>, name = 'a') =>
  problemsOf({ '': {}, [`node_modules/b/node_modules/${name}`]: { ...good, ...entry } }, () => scripts);

describe('licenses', () => {
  it.each([
    ['MIT', true],
    ['GPL-3.0-only', false],
    ['MIT OR GPL-3.0-only', true],
    ['GPL-3.0-only OR (MIT AND ISC)', true],
    ['MIT AND GPL-3.0-only', false],
    ['MIT AND (GPL-3.0-only OR ISC)', true],
    ['MIT AND GPL-3.0-only OR ISC', true],
    ['(MIT', false],
    ['MIT ISC', false],
    ['', false],
  ])('an expression %j is allowed: %s', (expression, allowed) => {
    expect(isAllowed(expression, ['MIT', 'ISC'])).toBe(allowed);
  });

  it('are stricter for what users install than for what only development uses', () => {
    expect(problems({ license: 'MPL-2.0', dev: true })).toEqual([]);
    expect(problems({ license: 'MPL-2.0' })).toEqual([expect.stringContaining('a@1.0.0: license MPL-2.0')]);
  });

  it('are named', () => {
    const { license: _, ...unnamed } = good;
    const path = 'node_modules/a';
    expect(problemsOf({ [path]: unnamed }, () => undefined)).toEqual([
      expect.stringContaining('a@1.0.0: license none'),
    ]);
  });
});

describe('install scripts', () => {
  it.each(['preinstall', 'install', 'postinstall'])('a %s script that was not read is a problem', (hook) => {
    expect(problems({}, { [hook]: 'curl x | sh' })).toEqual([
      `a@1.0.0: its ${hook} script was not read: curl x | sh`,
    ]);
  });

  it('a script of a package for another platform is a problem', () => {
    expect(problems({ hasInstallScript: true })).toEqual([
      'a@1.0.0: has an install script that was not read',
    ]);
  });

  it('reports an install script that has changed, and accepts one that was read', () => {
    const entry = { hasInstallScript: true };
    expect(problems(entry, { postinstall: 'node install.js' }, 'esbuild')).toEqual([]);
    expect(problems(entry, { postinstall: 'node other.js' }, 'esbuild')).toHaveLength(1);
  });

  it('scripts that npm does not run on installation are no problem', () => {
    expect(problems({}, { test: 'x', prepare: 'y' })).toEqual([]);
  });
});

describe('sources', () => {
  it('a package comes from the registry, with a digest', () => {
    expect(problems({ resolved: 'git+ssh://git@example.test/a.git#1' })).toHaveLength(1);
    expect(problems({ integrity: '' })).toEqual(['a@1.0.0: has no digest in package-lock.json']);
  });
});

describe('advisories', () => {
  const found = (name: string, severity: string): Record<string, Vulnerability> => ({
    [name]: {
      name,
      severity,
      range: '<2',
      via: [{ title: 'It leaks', url: 'https://advisories.test/1' }, 'b'],
    },
  });
  const line = (name: string, severity: string) =>
    `${name} <2: ${severity}: It leaks https://advisories.test/1; b`;

  it('any advisory on what users install is a problem', () => {
    const vulnerabilities = found('a', 'low');
    const report = { vulnerabilities };
    expect(advisoriesOf(report, report)).toEqual({
      problems: [line('a', 'low')],
      notes: [],
      unanswered: undefined,
    });
  });

  it('on what only development uses, serious ones are problems, and others are notes', () => {
    const development = { vulnerabilities: { ...found('a', 'high'), ...found('c', 'moderate') } };
    expect(advisoriesOf({ vulnerabilities: {} }, development)).toEqual({
      problems: [line('a', 'high')],
      notes: [line('c', 'moderate')],
      unanswered: undefined,
    });
  });

  it.each([
    [{ message: '405 Method Not Allowed' }, '405 Method Not Allowed'],
    [undefined, 'no answer of npm audit'],
  ])('a registry that does not answer is reported: %j', (report, unanswered) => {
    expect(advisoriesOf(report, undefined)).toEqual({ problems: [], notes: [], unanswered });
  });
});
