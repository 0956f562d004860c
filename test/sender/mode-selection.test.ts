/** The selected mode of a push (AD-5.3.1-3, 8.1.2-03). */

import { describe, expect, it } from 'vitest';
import { type ModeCriteria, modesFor } from '../../core/sender/mode-selection.js';
import type { TerminalFacts } from '../../core/sender/terminals/terminal.js';

const PUSH: ModeCriteria = {
  ...{ mode: 'auto', sizes: [500] },
  ...{ referenced: false, encoded: false, canPublish: true },
};
const modes = (push: Partial<ModeCriteria>, terminal?: TerminalFacts) =>
  modesFor({ ...PUSH, ...push }, terminal).map(({ mode }) => mode);

describe('auto', () => {
  it.each<[string, Partial<ModeCriteria>, TerminalFacts, string[]]>([
    ['small', {}, {}, ['pager', 'session', 'indirect']],
    ['small, of unknown size', { sizes: [undefined] }, {}, ['pager', 'session', 'indirect']],
    ['large', { sizes: [1301] }, {}, ['session', 'indirect']],
    ['large, without a publisher', { sizes: [1301], canPublish: false }, {}, ['session']],
    ['several files', { sizes: [1, 1] }, {}, ['session', 'indirect']],
    ['compressed', { encoded: true }, {}, ['pager', 'indirect']],
    [
      'compressed and large, without a publisher',
      { encoded: true, sizes: [2000], canPublish: false },
      {},
      [],
    ],
    ['to a terminal without sessions', { sizes: [2000] }, { methods: ['MESSAGE'] }, ['indirect']],
    ['to a terminal without MESSAGE', {}, { methods: ['INVITE'] }, ['session', 'indirect']],
    ['to a terminal with a smaller maximum size', {}, { maxSize: 400 }, ['session', 'indirect']],
    ['at a URL', { referenced: true }, {}, ['indirect']],
  ])('AD-5.3.1-3: %s', (_title, push, terminal, expected) => {
    expect(modes(push, terminal)).toEqual(expected);
  });
});

it('8.1.2-03: pager mode uses a reference beyond 1300 bytes, independently of what the terminal supports', () => {
  expect(modes({ mode: 'pager', sizes: [2000] })).toEqual(['pager', 'indirect']);
  expect(modes({ mode: 'pager', sizes: [2000], canPublish: false })).toEqual(['pager']);
});

it('follows a requested mode', () => {
  expect(modes({ mode: 'session' }, { methods: ['MESSAGE'] })).toEqual(['session']);
  expect(modes({ mode: 'indirect' })).toEqual(['indirect']);
});

it('reports a reason for each mode', () => {
  expect(modesFor({ ...PUSH, sizes: [2000] })).toEqual([
    { mode: 'session', why: '2000 bytes exceed the limit of 1300 bytes for a MESSAGE' },
    {
      mode: 'indirect',
      why: '2000 bytes exceed the limit of 1300 bytes for a MESSAGE, and the terminal does not support sessions',
    },
  ]);
  const why = (push: Partial<ModeCriteria>, terminal?: TerminalFacts) =>
    modesFor({ ...PUSH, ...push }, terminal)[0]?.why;
  expect(why({}, { methods: ['INVITE'] })).toBe('the terminal does not support MESSAGE');
  expect(why({}, { maxSize: 400 })).toBe("500 bytes exceed the terminal's limit of 400 bytes");
  expect(why({ sizes: [1, 1] })).toBe('2 files do not fit a MESSAGE');
});
