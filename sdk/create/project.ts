/** What a new push application is: the answers that it is written from. */

import { basename } from 'node:path';
import { canonicalEventAppId } from '../../core/app/contract/event-app-id.js';
import { isMediaRange } from '../../core/content/media-type.js';

export const LANGUAGES = ['ts', 'js'] as const;
export type Language = (typeof LANGUAGES)[number];

export interface Project {
  /** event-app-id: `weather.ua`. */
  readonly id: string;
  /** Media types, lower-case; ranges like `image/*` too. */
  readonly types: readonly string[];
  readonly language: Language;
}

/** Of the event-app-ids that there may be, those that need no quotes in a shell, a comment or a page. */
const PLAIN_ID = /^[a-z0-9][a-z0-9._:-]*$/i;
/** Characters: npm has names of 214 at most, and ours has a prefix. */
const MAX_ID = 150;

/** What is wrong with an event-app-id; undefined where nothing is. */
export function idProblem(id: string): string | undefined {
  if (PLAIN_ID.test(id) && id.length <= MAX_ID) return undefined;
  return `"${id}" is no event-app-id for a new application; expected letters, digits and . - _ : , at most ${MAX_ID}, e.g. weather.ua`;
}

/** `./weather` → `weather.ua`, `sip-push-app-weather` → `weather.ua`, `My Weather` → `my-weather.ua`. */
export function idOf(folder: string): string {
  const name = basename(folder)
    .toLowerCase()
    .replace(/^sip-push-app-/, '')
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[._-]+|[._-]+$/g, '')
    .slice(0, 100);
  return /\.[a-z]+$/.test(name) ? name : `${name || 'new'}.ua`;
}

/** What is wrong with a media type; undefined where nothing is. */
export function typeProblem(type: string): string | undefined {
  if (!isMediaRange(type)) {
    return `"${type}" is no media type without parameters; expected e.g. text/plain or image/*`;
  }
  if (type !== type.toLowerCase()) return `"${type}": write it in lower case, "${type.toLowerCase()}"`;
  return undefined;
}

/** `weather.ua` → `sip-push-app-weather`: the names by which people find applications on npm. */
export function packageName(id: string): string {
  const word = canonicalEventAppId(id)
    .replace(/\.ua$/i, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  return `sip-push-app-${word || 'new'}`;
}

/** The media type of its samples: the first one that is no range, or one of the first range. */
export function sampleType({ types: [first = 'text/plain', ...more] }: Project): string {
  const whole = [first, ...more].find((type) => !type.includes('*'));
  if (whole !== undefined) return whole;
  return first.startsWith('*') ? 'text/plain' : first.replace('/*', '/example');
}
