/** Caller preferences (RFC 3841): Accept-Contact, and how well a contact matches it. */

import { skipBlanks, splitList } from '../message/grammar.js';
import {
  type FeatureSet,
  featureValuesAgree,
  formatFeatureTag,
  parseFeatureParameters,
} from './feature-tags.js';
import { type Parameters, parseParameters } from './parameters.js';

/** One Accept-Contact value: the contact should have all of these features. */
export interface AcceptContact {
  readonly features: FeatureSet;
  /** A contact that contradicts a feature is not tried. */
  readonly require: boolean;
  /** A contact that does not state a feature does not have it. */
  readonly explicit: boolean;
}

/** The values of Accept-Contact header fields, as a proxy matches them with contacts. Malformed ones are ignored. */
export function parseAcceptContact(values: Iterable<string>): AcceptContact[] {
  return acceptContactParameters(values).map((parameters) => ({
    features: parseFeatureParameters(parameters),
    require: parameters.has('require'),
    explicit: parameters.has('explicit'),
  }));
}

/** Values of one request, and their characters together: further ones are ignored. Each names an application or a feature. */
const MAX_PREDICATES = 16;
const MAX_LENGTH = 8192;

/**
 * The parameters of each value as written, e.g. with the case of a feature's value. Malformed values are ignored: a
 * preference does not justify a refusal. Commas in place of semicolons (`*, +g.3gpp.icsi-ref="…",
 * +g.oma.pusheventapp="…"`, OMA-TS-SIP_Push appendix B.3) are accepted, because a value starts with `*`.
 */
export function acceptContactParameters(values: Iterable<string>): Parameters[] {
  const predicates: string[] = [];
  let left = MAX_LENGTH;
  for (const value of values) {
    left -= value.length;
    if (left < 0) break;
    for (const element of splitList(value)) {
      if (predicates.length === MAX_PREDICATES) break;
      const last = predicates.length - 1;
      if (element.startsWith('*')) predicates.push(element.slice(1));
      else if (last >= 0) predicates[last] += `;${element}`;
      else predicates.push(`;${element}`);
    }
  }
  return predicates.flatMap((predicate) => parseParameters(predicate, skipBlanks(predicate, 0), true) ?? []);
}

/**
 * Formats `*;+g.oma.pusheventapp="mms.ua";require;explicit`.
 * @throws ConfigurationError for a feature tag that is not valid.
 */
export function formatAcceptContact(
  features: Iterable<readonly [name: string, values: readonly string[]]>,
  options: { require?: boolean; explicit?: boolean } = {},
): string {
  const tags = Array.from(features, ([name, values]) => formatFeatureTag(name, values));
  if (options.require) tags.push('require');
  if (options.explicit) tags.push('explicit');
  return ['*', ...tags].join(';');
}

/**
 * How well a contact matches one Accept-Contact, from 0 to 1; undefined if it must not be tried (RFC 3841 §7.2.4).
 * Preferences do not apply to a contact without features.
 */
export function score(contact: FeatureSet, accept: AcceptContact): number | undefined {
  if (contact.size === 0) return 1;
  const verdict = matchContact(contact, accept);
  if (verdict === 'drop') return undefined;
  return verdict === 'other' ? 0 : verdict;
}

/** The same for all Accept-Contact values of a request: the mean of those that match, or 0 if none matches. */
export function callerPreference(contact: FeatureSet, accepts: readonly AcceptContact[]): number | undefined {
  if (contact.size === 0 || accepts.length === 0) return 1;
  let sum = 0;
  let matched = 0;
  for (const accept of accepts) {
    const verdict = matchContact(contact, accept);
    if (verdict === 'drop') return undefined;
    if (verdict === 'other') continue;
    sum += verdict;
    matched++;
  }
  return matched === 0 ? 0 : sum / matched;
}

/** A score; `other` if the contact contradicts a feature but may be tried. */
function matchContact(
  contact: FeatureSet,
  { features, require, explicit }: AcceptContact,
): number | 'drop' | 'other' {
  let named = 0;
  for (const [tag, wanted] of features) {
    const offered = contact.get(tag);
    if (!offered) continue;
    const agrees = wanted.some((value) => offered.some((other) => featureValuesAgree(value, other)));
    if (!agrees) return require ? 'drop' : 'other';
    named++;
  }
  if (named === features.size) return 1;
  if (!explicit) return named / features.size;
  return require ? 'drop' : 0;
}
