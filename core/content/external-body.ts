/** Content by reference: `message/external-body` with access-type URL (RFC 4483, RFC 2017, RFC 2046 §5.2.3). */

import { ConfigurationError, MalformedError } from '../errors.js';
import type { MediaType } from './content.js';
import { formatHttpDate, parseLenientDate } from './http-headers.js';
import { formatMediaType, readMediaType } from './media-type.js';

export const EXTERNAL_BODY = 'message/external-body';

/** The URL of content, and its expected properties. */
export interface ExternalBody {
  /** Without blanks. RFC 4483 §5.2 requires http and https; senders can use other schemes. */
  readonly url: string;
  /** Media type of the content. */
  readonly type: MediaType;
  /** Bytes. */
  readonly size?: number;
  /** SHA-1 of the content, lower-case hexadecimal. */
  readonly hash?: string;
  /** Milliseconds since 1970. The URL is invalid afterwards. */
  readonly expiration?: number;
  /** Other headers of the content, with names in lower case: content-id, content-disposition, content-encoding. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Characters. Browsers and servers have similar limits. */
const MAX_URL = 4096;
/** Lines and bytes of the inner headers. The samples of RFC 4483 have three lines. */
const MAX_HEADERS = 32;
const MAX_HEADER_BYTES = 8192;

interface Parameter<Value> {
  readonly name: string;
  readonly expected: string;
  /** Undefined if the text is invalid. */
  read(text: string): Value | undefined;
}

const LOCATION: Parameter<string> = {
  name: 'URL',
  expected: `an absolute URL of at most ${MAX_URL} characters`,
  read: readUrl,
};
const SIZE: Parameter<number> = { name: 'size', expected: 'a whole number of bytes', read: readSize };
const HASH: Parameter<string> = {
  name: 'hash',
  expected: 'a SHA-1 in 40 hexadecimal digits',
  read: readHash,
};
const EXPIRATION: Parameter<number> = {
  name: 'expiration',
  expected: 'a date like Sat, 05 Jul 2008 09:00:00 GMT',
  read: parseLenientDate,
};

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/**
 * Accepts deviations of real senders: other date formats, blanks within the URL (RFC 2017 §3), lines that end with LF,
 * an empty line before the inner headers. The phantom body after these headers is ignored.
 * @param type Content-Type of the entity, `message/external-body` with its parameters.
 * @throws MalformedError if the URL or the media type is missing, or a parameter is invalid.
 */
export function parseExternalBody(type: MediaType, body: Uint8Array): ExternalBody {
  const { parameters } = type;
  const access = parameters['access-type'];
  if (access?.toLowerCase() !== 'url') {
    throw new MalformedError(`external body: invalid access-type "${access ?? ''}": expected URL`);
  }
  const headers = innerHeaders(body);
  const { 'content-type': innerType, ...others } = headers;
  const content = readMediaType(innerType ?? '');
  if (!content || content.type === EXTERNAL_BODY) {
    throw new MalformedError(
      `external body: invalid inner Content-Type "${innerType ?? ''}": expected the media type of the content`,
    );
  }
  const { url = '', size, hash, expiration } = parameters;
  return {
    url: parseParameter(LOCATION, url),
    type: content,
    size: size === undefined ? undefined : parseParameter(SIZE, size),
    hash: hash === undefined ? undefined : parseParameter(HASH, hash),
    expiration: expiration === undefined ? undefined : parseParameter(EXPIRATION, expiration),
    headers: others,
  };
}

/**
 * The Content-Type and the body of the entity.
 * @throws ConfigurationError if a value is invalid.
 */
export function buildExternalBody(reference: ExternalBody): { type: MediaType; body: Uint8Array } {
  const { url, type, size, hash, expiration, headers } = reference;
  const parameters: Record<string, string> = { 'access-type': 'URL' };
  if (expiration !== undefined) {
    parameters.expiration = formatParameter(EXPIRATION, formatHttpDate(expiration));
  }
  parameters.URL = formatParameter(LOCATION, url);
  if (size !== undefined) parameters.size = formatParameter(SIZE, String(size));
  if (hash !== undefined) parameters.hash = formatParameter(HASH, hash);
  const lines = [['content-type', formatMediaType(type)], ...Object.entries(headers)].map(
    ([name = '', value = '']) => {
      if (/[\r\n]/.test(value))
        throw new ConfigurationError(`external body: invalid header ${name}: expected no CR or LF`);
      return `${capitals(name)}: ${value}\r\n`;
    },
  );
  return { type: { type: EXTERNAL_BODY, parameters }, body: encoder.encode(`${lines.join('')}\r\n`) };
}

function parseParameter<Value>(parameter: Parameter<Value>, text: string): Value {
  const value = parameter.read(text.trim());
  if (value === undefined) throw new MalformedError(mismatch(parameter, text));
  return value;
}

function formatParameter(parameter: Parameter<unknown>, text: string): string {
  if (parameter.read(text) === undefined) throw new ConfigurationError(mismatch(parameter, text));
  return text;
}

function mismatch({ name, expected }: Parameter<unknown>, text: string): string {
  return `external body: invalid ${name} "${text.slice(0, 100)}": expected ${expected}`;
}

function readUrl(text: string): string | undefined {
  const url = text.replace(/\s+/g, '');
  // URL removes control characters before it parses.
  return url.length <= MAX_URL && !/\p{Cc}/u.test(url) && URL.canParse(url) ? url : undefined;
}

function readSize(text: string): number | undefined {
  const size = /^\d{1,16}$/.test(text) ? Number(text) : undefined;
  return Number.isSafeInteger(size) ? size : undefined;
}

function readHash(text: string): string | undefined {
  return /^[0-9a-f]{40}$/i.test(text) ? text.toLowerCase() : undefined;
}

/** Content-* headers of the external content. The first of several with one name is used. */
function innerHeaders(body: Uint8Array): Record<string, string> {
  const text = decoder.decode(body.subarray(0, MAX_HEADER_BYTES)).replace(/^(\r?\n)+/, '');
  const [head = ''] = text.split(/\r?\n\r?\n/, 1);
  const headers = new Map<string, string>();
  // Unfolds continuation lines (RFC 5322 §2.2.3).
  for (const line of head.replace(/\r?\n[ \t]+/g, ' ').split(/\r?\n/, MAX_HEADERS)) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).trim().toLowerCase();
    if (colon > 0 && /^content-[a-z0-9-]+$/.test(name) && !headers.has(name)) {
      headers.set(name, line.slice(colon + 1).trim());
    }
  }
  return Object.fromEntries(headers);
}

/** The usual case of a name: `Content-ID` for `content-id`. */
function capitals(name: string): string {
  const usual = name.replace(/(^|-)([a-z])/g, (letters) => letters.toUpperCase());
  return usual.replace(/-Id$/, '-ID');
}
