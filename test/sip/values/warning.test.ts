/** The Warning header (RFC 3261 §20.43). */

import { expect, it } from 'vitest';
import { formatWarning, warningTexts } from '../../../core/sip/values/warning.js';

it('contains a text on one line, shortened', () => {
  expect(formatWarning('the "si"\r\nVia: x')).toBe('399 sip-push "the \\"si\\"  Via: x"');
  expect(warningTexts([formatWarning('the "si" is \\ missing')])).toEqual(['the "si" is \\ missing']);
  expect(warningTexts([formatWarning('x'.repeat(1000))])).toEqual([`${'x'.repeat(199)}…`]);
});

it('is read from any agent', () => {
  const values = [
    '370 devnull "Choose a bigger pipe"',
    '307 isi.edu:5060 "Session parameter \'foo\' not understood"',
  ];
  expect(warningTexts(values)).toEqual(['Choose a bigger pipe', "Session parameter 'foo' not understood"]);
  expect(warningTexts([`399 x "${'y'.repeat(5000)}"`])[0]).toHaveLength(200);
});

it.each(['', '399', '399 sip-push', '399 sip-push text', '399 "text"', '39 a "text"', '399 a "text'])(
  'is ignored if it is malformed: %s',
  (value) => {
    expect(warningTexts([value])).toEqual([]);
  },
);
