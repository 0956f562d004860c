/** Content by reference: `message/external-body` with access-type URL (RFC 4483, RFC 2017, RFC 2046 5.2.3). */

import { MalformedError } from '../errors.js';
import type { MediaType } from './content.js';
import { formatHttpDate, parseLenientDate } from './http-date.js';
import { formatMediaType, parseMediaType } from './media-type.js';

export const EXTERNAL_BODY = 'message/external-body';

/** Where content is, and what it has to be. */
export interface ExternalBody {
  /** As written, without blanks; http and https are what RFC 4483 5.2 asks for, others may come. */
  readonly url: string;
  /** Of the content itself. */
  readonly type: MediaType;
  /** Bytes. */
  readonly size?: number;
  /** SHA-1 of the content, lower-case hexadecimal. */
  readonly hash?: string;
  /** Milliseconds since 1970 after which the URL is good for nothing. */
  readonly expiration?: number;
  /** The other headers of the content, names in lower case: content-id, content-disposition, content-encoding… */
  readonly headers: Readonly<Record<string, string>>;
}

/** Characters: browsers and servers stop at about as many. */
const MAX_URL = 4096;
/** Lines and bytes of the inner headers; the samples of RFC 4483 have three lines. */
const MAX_HEADERS = 32;
const MAX_HEADER_BYTES = 8192;

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/**
 * Lenient where real senders differ: dates (formats 11.5), blanks within the URL (RFC 2017 3), lines that end with
 * LF, a blank line ahead of the inner headers. What stands behind those is the phantom body, which is ignored.
 * @param type Content-Type of the entity, `message/external-body` with its parameters.
 * @throws MalformedError when it does not say where the content is, or what it is.
 */
export function parseExternalBody(type: MediaType, body: Uint8Array): ExternalBody {
  const { parameters } = type;
  const access = parameters['access-type'];
  if (access?.toLowerCase() !== 'url') {
    throw new MalformedError(`external body: access-type is ${access ?? 'absent'}; expected URL`);
  }
  const headers = innerHeaders(body);
  const { 'content-type': innerType, ...others } = headers;
  const content = parseMediaType(innerType ?? '');
  if (!content || content.type === EXTERNAL_BODY) {
    throw new MalformedError(`external body: the content's own Content-Type is ${innerType ?? 'absent'}`);
  }
  return {
    url: urlOf(parameters.url),
    type: content,
    ...optional('size', parameters.size, parseSize),
    ...optional('hash', parameters.hash, parseHash),
    ...optional('expiration', parameters.expiration, parseLenientDate),
    headers: others,
  };
}

/** The entity that says the same: its Content-Type, and its body. */
export function buildExternalBody(reference: ExternalBody): { type: MediaType; body: Uint8Array } {
  const { url, type, size, hash, expiration, headers } = reference;
  const parameters = {
    'access-type': 'URL',
    ...(expiration === undefined ? {} : { expiration: formatHttpDate(expiration) }),
    URL: urlOf(url),
    ...(size === undefined ? {} : { size: String(size) }),
    ...(hash === undefined ? {} : { hash }),
  };
  const lines = [['content-type', formatMediaType(type)], ...Object.entries(headers)].map(
    ([name = '', value = '']) => {
      if (/[\r\n]/.test(value)) throw new MalformedError(`external body: ${name} cannot hold CR or LF`);
      return `${capitals(name)}: ${value}\r\n`;
    },
  );
  return { type: { type: EXTERNAL_BODY, parameters }, body: encoder.encode(`${lines.join('')}\r\n`) };
}

function optional<Name extends string, Value>(
  name: Name,
  text: string | undefined,
  parse: (text: string) => Value | undefined,
): { [key in Name]?: Value } {
  if (text === undefined) return {};
  const value = parse(text.trim());
  if (value === undefined) throw new MalformedError(`external body: ${name} ${text.slice(0, 100)}`);
  // A computed key of a generic name: TypeScript cannot see that it is this one.
  return { [name]: value } as { [key in Name]?: Value };
}

function urlOf(text = ''): string {
  const url = text.replace(/\s+/g, '');
  if (url === '' || url.length > MAX_URL || !URL.canParse(url)) {
    throw new MalformedError(
      `external body: URL ${url.slice(0, 100) || 'is absent'}; expected an absolute URL`,
    );
  }
  return url;
}

function parseSize(text: string): number | undefined {
  const size = /^\d{1,16}$/.test(text) ? Number(text) : undefined;
  return Number.isSafeInteger(size) ? size : undefined;
}

function parseHash(text: string): string | undefined {
  return /^[0-9a-f]{40}$/i.test(text) ? text.toLowerCase() : undefined;
}

/** Content-* headers of the entity that is elsewhere; of a name that comes twice, the first. */
function innerHeaders(body: Uint8Array): Record<string, string> {
  const text = decoder.decode(body.subarray(0, MAX_HEADER_BYTES)).replace(/^(\r?\n)+/, '');
  const [head = ''] = text.split(/\r?\n\r?\n/, 1);
  const headers = new Map<string, string>();
  // A folded line belongs to the one above it.
  for (const line of head.replace(/\r?\n[ \t]+/g, ' ').split(/\r?\n/, MAX_HEADERS)) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).trim().toLowerCase();
    if (colon > 0 && /^content-[a-z0-9-]+$/.test(name) && !headers.has(name)) {
      headers.set(name, line.slice(colon + 1).trim());
    }
  }
  return Object.fromEntries(headers);
}

/** `content-id` as it is usually written. */
function capitals(name: string): string {
  const usual = name.replace(/(^|-)([a-z])/g, (letters) => letters.toUpperCase());
  return usual.replace(/-Id$/, '-ID');
}
