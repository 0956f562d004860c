/** Media feature tags (RFC 3840 §9) in Contact, Accept-Contact and Reject-Contact. */

import { ConfigurationError } from '../../errors.js';
import { isToken, quote, trimBlanks, unquote } from '../message/grammar.js';
import type { Parameters } from './parameters.js';

/**
 * One value of a tag. Tokens (booleans are the tokens TRUE and FALSE) are compared without case and kept in lower case;
 * strings are compared byte by byte; a number is a closed range.
 */
export type FeatureValue = { readonly negated: boolean } & (
  | { readonly kind: 'token'; readonly text: string }
  | { readonly kind: 'string'; readonly text: string }
  | { readonly kind: 'number'; readonly low: number; readonly high: number }
);

/** Tags in lower case as headers spell them (`+g.oma.pusheventapp`, `audio`), each with its alternative values. */
export type FeatureSet = ReadonlyMap<string, readonly FeatureValue[]>;

/** The tags of RFC 3840's SIP tree, which are written without `+sip.` (§9). */
const BASE_TAGS: ReadonlySet<string> = new Set([
  'actor',
  'application',
  'audio',
  'automata',
  'class',
  'control',
  'data',
  'description',
  'duplex',
  'events',
  'extensions',
  'isfocus',
  'language',
  'methods',
  'mobility',
  'priority',
  'schemes',
  'text',
  'type',
  'video',
]);

const NUMBER = String.raw`[+-]?[0-9]{1,15}(?:\.[0-9]{1,15})?`;
const NUMERIC = new RegExp(`^#(?:(>=|<=|=)?(${NUMBER})|(${NUMBER}):(${NUMBER}))$`);

/** Alternative values of one tag that are compared: bounds the work of a match. A device has some dozens of applications. */
const MAX_VALUES = 256;

/** A value that a list returns unchanged. */
const LIST_VALUE = /^(?!!?<)(?! |\t)[^,\r\n]+(?<! |\t)$/;
const VALUE_RULE = 'no comma, line break, leading < or surrounding blanks, or a single <string>';

/** The feature parameters of a header value; the others (`q`, `expires`, `require` and so on) are ignored. */
export function parseFeatureParameters(parameters: Parameters): FeatureSet {
  const features = new Map<string, readonly FeatureValue[]>();
  for (const [name, raw] of parameters.entries()) {
    const tag = featureTagName(name);
    if (tag !== undefined) features.set(tag, parseFeatureValues(raw === undefined ? 'TRUE' : unquote(raw)));
  }
  return features;
}

/** Undefined if the parameter is not a feature tag. `+sip.audio` and `audio` are the same tag. */
export function featureTagName(name: string): string | undefined {
  const lower = name.toLowerCase();
  if (BASE_TAGS.has(lower)) return lower;
  if (!lower.startsWith('+')) return undefined;
  const base = lower.startsWith('+sip.') ? lower.slice('+sip.'.length) : '';
  return BASE_TAGS.has(base) ? base : lower;
}

/**
 * The alternative values of an unquoted text: `mms.ua,wml.ua`, `!INVITE`, `#>=5`, `<string>`. More than RFC 3840's
 * tag-value is accepted if it has only one meaning: a colon (`x-wap-application:mms.ua`), blanks after commas.
 */
export function parseFeatureValues(text: string): FeatureValue[] {
  const whole = trimBlanks(text);
  // A string-value is the only value, and may contain commas.
  if (/^!?</.test(whole)) return [parseFeatureValue(whole)];
  return whole
    .split(',')
    .map((value) => trimBlanks(value))
    .filter((value) => value !== '')
    .slice(0, MAX_VALUES)
    .map(parseFeatureValue);
}

function parseFeatureValue(text: string): FeatureValue {
  const negated = text.startsWith('!');
  const value = negated ? text.slice(1) : text;
  if (value.startsWith('<') && value.endsWith('>'))
    return { negated, kind: 'string', text: value.slice(1, -1) };
  const numeric = NUMERIC.exec(value);
  if (numeric) return { negated, kind: 'number', ...numericRange(numeric) };
  const token = value.toLowerCase();
  // A boolean has only two values, so "not true" is "false".
  if (negated && token === 'true') return { negated: false, kind: 'token', text: 'false' };
  if (negated && token === 'false') return { negated: false, kind: 'token', text: 'true' };
  return { negated, kind: 'token', text: token };
}

function numericRange([, relation, bound, low, high]: RegExpExecArray): { low: number; high: number } {
  if (bound === undefined) return { low: Number(low), high: Number(high) };
  const number = Number(bound);
  return {
    low: relation === '<=' ? Number.NEGATIVE_INFINITY : number,
    high: relation === '>=' ? Number.POSITIVE_INFINITY : number,
  };
}

/** A contact could match both values. */
export function featureValuesAgree(one: FeatureValue, other: FeatureValue): boolean {
  if (one.kind === 'number' && other.kind === 'number') return rangesAgree(one, other);
  const same = one.kind === other.kind && 'text' in one && 'text' in other && one.text === other.text;
  if (one.negated && other.negated) return true;
  return one.negated || other.negated ? !same : same;
}

type NumberRange = FeatureValue & { kind: 'number' };

function rangesAgree(one: NumberRange, other: NumberRange): boolean {
  if (!one.negated && !other.negated) return one.low <= other.high && other.low <= one.high;
  if (!one.negated) return one.low < other.low || one.high > other.high;
  if (!other.negated) return other.low < one.low || other.high > one.high;
  const below = Math.min(one.low, other.low) > Number.NEGATIVE_INFINITY;
  const above = Math.max(one.high, other.high) < Number.POSITIVE_INFINITY;
  return below || above || one.high < other.low || other.high < one.low;
}

/**
 * Formats `+g.oma.pusheventapp="mms.ua,wml.ua"`; without values the name alone, which means TRUE.
 * @throws ConfigurationError for a name or value that a parser would understand differently.
 */
export function formatFeatureTag(name: string, values: readonly string[] = []): string {
  if (!isToken(name) || featureTagName(name) === undefined) {
    throw new ConfigurationError(
      `invalid feature tag ${JSON.stringify(name)}: expected a tag of RFC 3840, or one that starts with +`,
    );
  }
  if (values.length === 0) return name;
  for (const value of values) {
    const alone = values.length === 1 && /^!?<.*>$/.test(value);
    if (!alone && !LIST_VALUE.test(value)) {
      throw new ConfigurationError(
        `invalid value ${JSON.stringify(value)} of ${name}: expected ${VALUE_RULE}`,
      );
    }
  }
  return `${name}=${quote(values.join(','))}`;
}
