/** Samples of a new push application: a file for each media type that it accepts. */

import { builtInSample } from '../check/samples.js';
import type { Project } from './project.js';

export interface Sample {
  /** Without a wildcard. */
  readonly type: string;
  readonly path: string;
  readonly content: string | Uint8Array;
}

/** At least one. */
export function samplesOf({ types }: Project): [Sample, ...Sample[]] {
  const [first = sampleOf('text/plain'), ...others] = types.map(sampleOf);
  return [first, ...others];
}

/** Of a type without a built-in sample, it is a text. */
function sampleOf(range: string): Sample {
  const builtIn = range === 'text/plain' ? undefined : builtInSample(range);
  const type = builtIn?.type ?? range.replace('*', 'example');
  const extension = type === 'text/plain' ? 'txt' : type.replace(/^.*\//, '').replace(/[^a-z0-9]+/g, '-');
  return { type, path: `samples/hello.${extension}`, content: builtIn?.octets ?? 'hello\n' };
}
