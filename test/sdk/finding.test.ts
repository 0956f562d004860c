import { expect, it } from 'vitest';
import { type Finding, type Severity, scoreOf } from '../../sdk/check/finding.js';

const finding = (rule: string, severity: Severity): Finding => ({
  rule,
  severity,
  what: 'what happened',
  where: 'index.js:1',
  change: 'what to write instead',
});

it.each([
  ['nothing', [], 100],
  ['a rule once, however often it is broken', [finding('stops', 'error'), finding('stops', 'error')], 80],
  [
    'the worst finding of a rule',
    [finding('accepts-types', 'warning'), finding('accepts-types', 'error')],
    80,
  ],
  ['each rule', [finding('prints', 'warning'), finding('describes', 'advice')], 94],
  ['all points for a rule that blocks the other checks', [finding('starts', 'error')], 0],
  [
    'no more than all points',
    [finding('survives', 'error'), finding('receive-ends', 'error'), finding('x', 'error')],
    0,
  ],
] as const)('subtracts %s from the score', (_what, findings, score) => {
  expect(scoreOf(findings)).toBe(score);
});
