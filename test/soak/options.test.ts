import { expect, it } from 'vitest';
import { HELP, readOptions, UsageError } from './options.js';

it('an hour at half of the capacity is the default', () => {
  expect(readOptions([])).toMatchObject({ minutes: 60, rate: undefined, output: 'soak', interval: 5 });
});

it('options are read', () => {
  expect(
    readOptions(['--minutes', '0.5', '--rate=20', '--output', '/tmp/x', '--memory-growth', '5']),
  ).toMatchObject({
    minutes: 0.5,
    rate: 20,
    output: '/tmp/x',
    limits: { memoryPercent: 5, descriptors: 10 },
  });
});

it.each([
  [['--minutes', 'x'], 'invalid --minutes "x": expected a number from 0.05'],
  [['--minutes', '-1'], 'argument is ambiguous'],
  [['--rate', '0'], 'invalid --rate "0": expected a number from 0.1'],
  [['--disk-growth', 'NaN'], 'invalid --disk-growth "NaN"'],
  [['--bad'], "Unknown option '--bad'"],
  [['file'], 'Unexpected argument'],
])('rejects %j', (args, message) => {
  expect(() => readOptions(args)).toThrow(UsageError);
  expect(() => readOptions(args)).toThrow(message);
});

it('the help has an example and names each option', () => {
  expect(readOptions(['--help'])).toBe('help');
  expect(HELP).toContain('Example\n  npm run soak');
});
