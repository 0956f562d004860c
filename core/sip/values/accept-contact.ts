/** Caller preferences: Accept-Contact, and how well a contact meets it (RFC 3841). */

import { skipBlanks, splitList } from '../message/grammar.js';
import {
  type FeatureSet,
  featureValuesAgree,
  formatFeatureTag,
  parseFeatureParameters,
} from './feature-tags.js';
import { type Parameters, parseParameters } from './parameters.js';

/** One Accept-Contact value: the contact shall have all of these features. */
export interface AcceptContact {
  readonly features: FeatureSet;
  /** A contact that says otherwise is not to be tried. */
  readonly require: boolean;
  /** A contact that says nothing about a feature does not have it. */
  readonly explicit: boolean;
  /** All as written, for what a feature set does not keep: the case of a value. */
  readonly parameters: Parameters;
}

/**
 * The values of Accept-Contact header fields. Malformed ones are left out: what a caller would like cannot
 * make a request fail. Commas where semicolons were meant (`*, +g.3gpp.icsi-ref="…", +g.oma.pusheventapp="…"`,
 * OMA-TS-SIP_Push appendix B.3) are understood, since a value starts with `*`.
 */
export function parseAcceptContact(values: Iterable<string>): AcceptContact[] {
  const predicates: string[] = [];
  for (const value of values) {
    for (const element of splitList(value)) {
      const last = predicates.length - 1;
      if (element.startsWith('*')) predicates.push(element.slice(1));
      else if (last >= 0) predicates[last] += `;${element}`;
      else predicates.push(`;${element}`);
    }
  }
  return predicates.flatMap((predicate) => {
    const parameters = parseParameters(predicate, skipBlanks(predicate, 0), true);
    if (!parameters) return [];
    return {
      features: parseFeatureParameters(parameters),
      require: parameters.has('require'),
      explicit: parameters.has('explicit'),
      parameters,
    };
  });
}

/** `*;+g.oma.pusheventapp="mms.ua";require;explicit`. Throws ConfigurationError as formatFeatureTag does. */
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
 * How well a contact meets one Accept-Contact, from 0 to 1; undefined when it is not to be tried (RFC 3841
 * 7.2.4). A contact without features is immune to preferences.
 */
export function score(contact: FeatureSet, accept: AcceptContact): number | undefined {
  if (contact.size === 0) return 1;
  const verdict = matchContact(contact, accept);
  if (verdict === 'drop') return undefined;
  return verdict === 'other' ? 0 : verdict;
}

/**
 * The same for all the Accept-Contact values of a request: the mean over those that the contact matches, 0
 * when it matches none.
 */
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

/** A score; `other` when the contact says otherwise and may be tried nevertheless. */
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
