/** Samples of a new push application: a file for each media type that it accepts. */

import { element } from '../../core/content/markup.js';
import { encodeWbxml } from '../../core/content/wbxml/encoder.js';
import { WbxmlLanguage } from '../../core/content/wbxml/language.js';
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

function sampleOf(range: string): Sample {
  const builtIn = range === 'text/plain' ? undefined : builtInSample(range);
  const type = builtIn?.type ?? range.replace('*', 'example');
  const extension = type === 'text/plain' ? 'txt' : type.replace(/^.*\//, '').replace(/[^a-z0-9]+/g, '-');
  return { type, path: `samples/hello.${extension}`, content: builtIn?.octets ?? helloOf(type) };
}

/** The content for a type without a built-in sample: a document in the syntax of its suffix (`+json`), or a text. */
function helloOf(type: string): string | Uint8Array {
  if (/[+.-]xml$/.test(type)) return '<?xml version="1.0"?>\n<hello/>\n';
  if (/[+.-]json$/.test(type)) return '{"hello":"world"}\n';
  if (/(wbxml|\.wmlc)$/.test(type)) return encodeWbxml({ language: HELLO, root: element('hello', {}) });
  return 'hello\n';
}

/** A language without tokens: names are literals, and its public identifier is "unknown". */
const HELLO = new WbxmlLanguage({ title: 'hello', tags: [] });
