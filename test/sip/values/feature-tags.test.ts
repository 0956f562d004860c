import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigurationError } from '../../../core/errors.js';
import {
  type FeatureSet,
  featureValuesAgree,
  formatFeatureTag,
  parseFeatureParameters,
  parseFeatureValues,
} from '../../../core/sip/values/feature-tags.js';
import { parseParameters } from '../../../core/sip/values/parameters.js';

function features(text: string): FeatureSet {
  const parameters = parseParameters(text, 0);
  if (!parameters) throw new Error(`${text} was refused`);
  return parseFeatureParameters(parameters);
}

const token = (text: string, negated = false) => ({ kind: 'token', text, negated });
const agree = (one: string, other: string) =>
  parseFeatureValues(one).some((a) => parseFeatureValues(other).some((b) => featureValuesAgree(a, b)));

describe('parseFeatureParameters (RFC 3840 9)', () => {
  it('7.1-03: reads a quoted comma list, including spaces after commas', () => {
    expect(features(';+g.oma.pusheventapp="mms.ua,wml.ua, syncml.dm"').get('+g.oma.pusheventapp')).toEqual([
      token('mms.ua'),
      token('wml.ua'),
      token('syncml.dm'),
    ]);
  });

  it('7.1-04: accepts the colon of a URN', () => {
    expect(features(';+g.oma.pusheventapp="x-wap-application:mms.ua"').get('+g.oma.pusheventapp')).toEqual([
      token('x-wap-application:mms.ua'),
    ]);
  });

  it('parses base tags and booleans, and ignores other parameters', () => {
    const set = features(
      ';q=0.5;expires=60;audio;video="FALSE";methods="INVITE,!BYE";+sip.text;reg-id=1;class=business',
    );
    expect([...set.keys()]).toEqual(['audio', 'video', 'methods', 'text', 'class']);
    expect(set.get('audio')).toEqual([token('true')]);
    expect(set.get('video')).toEqual([token('false')]);
    expect(set.get('methods')).toEqual([token('invite'), token('bye', true)]);
  });

  it('reads numbers and ranges', () => {
    expect(features(';priority="#>=5,#<=-3,#=2.5,#1:4"').get('priority')).toEqual([
      { kind: 'number', low: 5, high: Number.POSITIVE_INFINITY, negated: false },
      { kind: 'number', low: Number.NEGATIVE_INFINITY, high: -3, negated: false },
      { kind: 'number', low: 2.5, high: 2.5, negated: false },
      { kind: 'number', low: 1, high: 4, negated: false },
    ]);
  });

  it('parses strings that contain commas', () => {
    expect(features(';+sip.instance="<urn:uuid:F81D,x>"').get('+sip.instance')).toEqual([
      { kind: 'string', text: 'urn:uuid:F81D,x', negated: false },
    ]);
  });

  it('limits the values of a tag', () => {
    expect(parseFeatureValues(Array.from({ length: 10_000 }, (_, at) => `a${at}`).join(','))).toHaveLength(
      256,
    );
  });
});

describe('featureValuesAgree', () => {
  it.each([
    ['mms.ua', 'MMS.UA', true],
    ['mms.ua', 'wml.ua', false],
    ['mms.ua,wml.ua', 'wml.ua', true],
    ['!mms.ua', 'wml.ua', true],
    ['!mms.ua', 'mms.ua', false],
    ['!mms.ua', '!mms.ua', true],
    ['TRUE', '!FALSE', true],
    ['!TRUE', '!FALSE', false],
    ['<Case>', '<Case>', true],
    ['<Case>', '<case>', false],
    ['<x>', 'x', false],
    ['!<x>', '<y>', true],
    ['#=5', '#>=5', true],
    ['#=4', '#>=5', false],
    ['#1:4', '#4:9', true],
    ['#1:4', '#5:9', false],
    ['!#1:4', '#2:3', false],
    ['#2:3', '!#1:4', false],
    ['!#1:4', '#2:5', true],
    ['!#>=5', '!#<=10', false],
    ['!#>=5', '!#>=7', true],
    ['!#<=5', '!#<=7', true],
    ['!#>=7', '!#<=5', true],
    ['#5', '#=5', true],
    ['#x', '#x', true],
  ])('%s and %s: %s', (one, other, expected) => {
    expect(agree(one, other)).toBe(expected);
    expect(agree(other, one)).toBe(expected);
  });
});

describe('formatFeatureTag', () => {
  it('7.1-02, 7.1-03: writes the tag with + and a quoted comma list', () => {
    expect(formatFeatureTag('+g.oma.pusheventapp', ['mms.ua', 'wml.ua'])).toBe(
      '+g.oma.pusheventapp="mms.ua,wml.ua"',
    );
    expect(formatFeatureTag('audio')).toBe('audio');
    expect(formatFeatureTag('+sip.instance', ['<urn:uuid:1,2>'])).toBe('+sip.instance="<urn:uuid:1,2>"');
    expect(formatFeatureTag('+x', ['a"b\\'])).toBe('+x="a\\"b\\\\"');
  });

  it.each([
    ['g.oma.pusheventapp', ['a']],
    ['+a b', ['a']],
    ['+a', ['']],
    ['+a', ['a,b']],
    ['+a', [' a']],
    ['+a', ['a\r\nb']],
    ['+a', ['<a>', 'b']],
    ['+a', ['!<a', 'b']],
  ])('refuses %s %j', (name, values) => {
    expect(() => formatFeatureTag(name, values)).toThrow(ConfigurationError);
  });

  it('reads back what it wrote: every event-app-id that the specification allows (7.1-03)', () => {
    // 1*(%x21 / %x23-2B / %x2D-7E); a leading `!` would negate, a leading `<` start a string.
    const id = fc
      .array(
        fc.integer({ min: 0x21, max: 0x7e }).filter((code) => code !== 0x22 && code !== 0x2c),
        { minLength: 1 },
      )
      .map((codes) => String.fromCharCode(...codes))
      .filter((text) => !/^[!<#]/.test(text));
    fc.assert(
      fc.property(fc.array(id, { minLength: 1, maxLength: 20 }), (ids) => {
        const written = `;${formatFeatureTag('+g.oma.pusheventapp', ids)}`;
        expect(features(written).get('+g.oma.pusheventapp')).toEqual(
          ids.map((each) => token(each.toLowerCase())),
        );
        expect(parseParameters(written, 0)?.get('+g.oma.pusheventapp')).toBe(ids.join(','));
      }),
    );
  });
});
