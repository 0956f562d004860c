/** The settings of a new push application. */

import { basename } from 'node:path';
import { canonicalEventAppId } from '../../core/app/contract/event-app-id.js';
import { isMediaRange } from '../../core/content/media-type.js';

export const LANGUAGES = ['ts', 'js'] as const;
export type Language = (typeof LANGUAGES)[number];

export interface Project {
  /** event-app-id, such as `weather.ua`. */
  readonly id: string;
  /** Lower-case media types or ranges such as `image/*`. */
  readonly types: readonly string[];
  readonly language: Language;
}

/** Event-app-ids that need no quoting in a shell, a comment or a web page. */
const PLAIN_ID = /^[a-z0-9][a-z0-9._:-]*$/i;
/** In characters. npm limits package names to 214, including the prefix. */
const MAX_ID = 150;

/** The problem with an event-app-id; undefined if it is valid. */
export function idProblem(id: string): string | undefined {
  if (PLAIN_ID.test(id) && id.length <= MAX_ID) return undefined;
  return `"${id}" is not a valid event-app-id: expected letters, digits and . - _ : , at most ${MAX_ID} characters, e.g. weather.ua`;
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

/** The problem with a media type; undefined if it is valid. */
export function typeProblem(type: string): string | undefined {
  if (!isMediaRange(type)) {
    return `"${type}" is not a valid media type: expected a type without parameters, e.g. text/plain or image/*`;
  }
  if (type !== type.toLowerCase()) return `"${type}" is not in lower case: expected "${type.toLowerCase()}"`;
  return undefined;
}

/** `weather.ua` → `sip-push-app-weather`: the prefix makes applications easy to find on npm. */
export function packageName(id: string): string {
  const name = canonicalEventAppId(id)
    .replace(/\.ua$/i, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  return `sip-push-app-${name || 'new'}`;
}
