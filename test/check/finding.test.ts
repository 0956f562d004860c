import { expect, it } from 'vitest';
import { type Finding, type Severity, scoreOf } from '../../sdk/check/finding.js';

const finding = (rule: string, severity: Severity): Finding => ({
  rule,
  severity,
  what: 'it does',
  where: 'index.js:1',
  change: 'do it otherwise',
});

it.each([
  ['nothing', [], 100],
  ['a rule, however often it was broken', [finding('stops', 'error'), finding('stops', 'error')], 80],
  [
    'the worst that a rule has found',
    [finding('takes-types', 'warning'), finding('takes-types', 'error')],
    80,
  ],
  ['each rule', [finding('prints', 'warning'), finding('describes', 'advice')], 94],
  ['what nothing else can be checked after', [finding('starts', 'error')], 0],
  [
    'more than there is',
    [finding('survives', 'error'), finding('receive-ends', 'error'), finding('x', 'error')],
    0,
  ],
] as const)('costs points: %s', (_what, findings, score) => {
  expect(scoreOf(findings)).toBe(score);
});
