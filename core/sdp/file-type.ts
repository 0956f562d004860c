/**
 * The `type` of a file-selector (RFC 5547 6). Parameters have percent-encoding inside quotes there; MIME, and so
 * everyone else, has backslashes (RFC 2045 5.1).
 */

import { ConfigurationError } from '../errors.js';
import { decodeQuoted, encodeQuoted } from './quoted-text.js';

const TOKEN = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+";
const TYPE = new RegExp(`${TOKEN}/${TOKEN}`, 'y');
const WHOLE_TOKEN = new RegExp(`^${TOKEN}$`);
const SELECTOR_PARAMETER = new RegExp(`[ \\t]*;[ \\t]*(${TOKEN})=(?:"([^"]*)"|([^\\s;"]+))`, 'y');
const MIME_PARAMETER = new RegExp(`[ \\t]*;[ \\t]*(${TOKEN})=(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s;"]+))`, 'sy');

/** From `start` of a file-selector on: the media type as MIME writes it, and where it ends. */
export function parseFileType(text: string, start: number): { type: string; end: number } | undefined {
  const read = readType(text, start, SELECTOR_PARAMETER, decodeQuoted);
  if (!read) return undefined;
  const parameters = read.parameters.map(([name, value]) => `;${name}=${mimeValue(value)}`);
  return { type: read.essence + parameters.join(''), end: read.end };
}

/** @throws ConfigurationError when it is no media type. */
export function formatFileType(type: string): string {
  const read = readType(type, 0, MIME_PARAMETER, (value) => value.replace(/\\(.)/gs, '$1'));
  if (read?.end !== type.length) {
    throw new ConfigurationError(`file-selector: ${JSON.stringify(type)} is no media type`);
  }
  const parameters = read.parameters.map(([name, value]) => `;${name}="${encodeQuoted(value)}"`);
  return read.essence + parameters.join('');
}

function readType(text: string, start: number, parameter: RegExp, decode: (value: string) => string) {
  TYPE.lastIndex = start;
  const [essence] = TYPE.exec(text) ?? [];
  if (essence === undefined) return undefined;
  const parameters: [name: string, value: string][] = [];
  let end = start + essence.length;
  for (;;) {
    parameter.lastIndex = end;
    const [whole, name, quoted, token = ''] = parameter.exec(text) ?? [];
    if (whole === undefined || name === undefined) return { essence, parameters, end };
    parameters.push([name, quoted === undefined ? token : decode(quoted)]);
    end += whole.length;
  }
}

/** RFC 2045 5.1: a token, or a quoted-string. It goes into headers: no control characters. */
function mimeValue(value: string): string {
  if (WHOLE_TOKEN.test(value)) return value;
  return `"${value.replace(/\p{Cc}/gu, ' ').replace(/["\\]/g, '\\$&')}"`;
}
