/** Which mode a push goes by (AD-5.3.1-3, 8.1.2-03). */

import { describe, expect, it } from 'vitest';
import { type Choosing, modesFor } from '../../core/sender/choice.js';
import type { TerminalFacts } from '../../core/sender/terminals/terminal.js';

const PUSH: Choosing = {
  ...{ mode: 'auto', sizes: [500], types: ['text/vnd.wap.si'] },
  ...{ referred: false, coded: false, publishes: true },
};
const modes = (push: Partial<Choosing>, terminal?: TerminalFacts) =>
  modesFor({ ...PUSH, ...push }, terminal).map(({ mode }) => mode);

describe('auto', () => {
  it.each<[string, Partial<Choosing>, TerminalFacts, string[]]>([
    ['small', {}, {}, ['pager', 'session', 'indirect']],
    ['small, of unknown size', { sizes: [undefined] }, {}, ['pager', 'session', 'indirect']],
    ['large', { sizes: [1301] }, {}, ['session', 'indirect']],
    ['large, with nowhere to publish it', { sizes: [1301], publishes: false }, {}, ['session']],
    ['several files', { sizes: [1, 1] }, {}, ['session', 'indirect']],
    ['compressed', { coded: true }, {}, ['pager', 'indirect']],
    [
      'compressed and large, with nowhere to publish it',
      { coded: true, sizes: [2000], publishes: false },
      {},
      [],
    ],
    ['to a terminal without sessions', { sizes: [2000] }, { methods: ['MESSAGE'] }, ['indirect']],
    ['to a terminal without MESSAGE', {}, { methods: ['INVITE'] }, ['session', 'indirect']],
    ['to a terminal that takes less', {}, { maxSize: 400 }, ['session', 'indirect']],
    ['at a URL', { referred: true }, {}, ['indirect']],
  ])('AD-5.3.1-3: %s', (_title, push, terminal, expected) => {
    expect(modes(push, terminal)).toEqual(expected);
  });
});

it('8.1.2-03: pager is by reference past 1300 bytes, whatever the terminal says', () => {
  expect(modes({ mode: 'pager', sizes: [2000] })).toEqual(['pager', 'indirect']);
  expect(modes({ mode: 'pager', sizes: [2000], publishes: false })).toEqual(['pager']);
});

it('what is asked for is done', () => {
  expect(modes({ mode: 'session' }, { methods: ['MESSAGE'] })).toEqual(['session']);
  expect(modes({ mode: 'indirect' })).toEqual(['indirect']);
});

it('every choice says why', () => {
  expect(modesFor({ ...PUSH, sizes: [2000] })).toEqual([
    { mode: 'session', why: 'its 2000 bytes do not fit a MESSAGE of 1300 bytes' },
    {
      mode: 'indirect',
      why: 'its 2000 bytes do not fit a MESSAGE of 1300 bytes, and the terminal takes no sessions',
    },
  ]);
  const why = (push: Partial<Choosing>, terminal?: TerminalFacts) =>
    modesFor({ ...PUSH, ...push }, terminal)[0]?.why;
  expect(why({}, { methods: ['INVITE'] })).toBe('the terminal takes no MESSAGE');
  expect(why({}, { maxSize: 400 })).toBe('its 500 bytes are more than the 400 that the terminal takes');
  expect(why({ sizes: [1, 1] })).toBe('2 files do not fit a MESSAGE');
});

it('AD-5.3.1-3: a media type that the terminal has not named goes all the same, and the receipt says so', () => {
  const types = ['application/vnd.wap.mms-message', 'image/*'];
  const why = (type: string) => modesFor({ ...PUSH, types: [type] }, { types })[0]?.why;
  expect(why('text/vnd.wap.si')).toBe(
    'its 500 bytes fit a MESSAGE; its profile does not name text/vnd.wap.si',
  );
  expect(why('image/png')).toBe('its 500 bytes fit a MESSAGE');
});
