/** What a new push application is: the answers that it is written from. */

import { isEventAppId } from '../../core/app/event-app-id.js';
import { isMediaRange } from '../../core/content/media-type.js';

export type Language = 'ts' | 'js';

export interface Project {
  /** event-app-id: `weather.ua`. */
  readonly id: string;
  /** Media types, lower-case; ranges like `image/*` too. */
  readonly types: readonly string[];
  readonly language: Language;
}

/** What is wrong with an event-app-id; undefined where nothing is. */
export function idProblem(id: string): string | undefined {
  if (isEventAppId(id)) return undefined;
  return `"${id}" is no event-app-id; expected visible ASCII without quotes and commas, e.g. weather.ua`;
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
  const word = id
    .replace(/^x-[a-z-]+:/i, '')
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
