/** a=file-selector (RFC 5547 §6): identifies a file by name, type, size and digest. */

import { ConfigurationError, MalformedError } from '../errors.js';

/**
 * Characters that are percent-encoded in quoted text (filename-string, value-string). RFC 5547 §6 requires it for quotes,
 * percent signs, NUL, CR and LF; other control characters are harmful in terminals and logs.
 */
const UNSAFE = /["%\p{Cc}]/gu;

const ENCODED = /(?:%[0-9A-Fa-f]{2})+/g;

function encodeQuoted(text: string): string {
  return text.replace(UNSAFE, encodeURIComponent);
}

/** Invalid encodings stay unchanged. */
function decodeQuoted(text: string): string {
  return text.replace(ENCODED, (run) => {
    const bytes = run
      .slice(1)
      .split('%')
      .map((digits) => Number.parseInt(digits, 16));
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(bytes));
  });
}

const TOKEN = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+";
const TYPE = new RegExp(`${TOKEN}/${TOKEN}`, 'y');
const WHOLE_TOKEN = new RegExp(`^${TOKEN}$`);
const SELECTOR_PARAMETER = new RegExp(`[ \\t]*;[ \\t]*(${TOKEN})=(?:"([^"]*)"|([^\\s;"]+))`, 'y');
const MIME_PARAMETER = new RegExp(`[ \\t]*;[ \\t]*(${TOKEN})=(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s;"]+))`, 'sy');

/**
 * Parses the `type` at `start` of a file-selector. RFC 5547 §6 uses percent-encoding in quoted parameters, MIME uses
 * backslashes (RFC 2045 §5.1).
 * @returns the media type in MIME notation, and the offset behind it.
 */
function parseFileType(text: string, start: number): { type: string; end: number } | undefined {
  const read = readType(text, start, SELECTOR_PARAMETER, decodeQuoted);
  if (!read) return undefined;
  const parameters = read.parameters.map(([name, value]) => `;${name}=${mimeValue(value)}`);
  return { type: read.essence + parameters.join(''), end: read.end };
}

/** @throws ConfigurationError for an invalid media type. */
function formatFileType(type: string): string {
  const read = readType(type, 0, MIME_PARAMETER, (value) => value.replace(/\\(.)/gs, '$1'));
  if (read?.end !== type.length) {
    throw new ConfigurationError(`invalid media type ${JSON.stringify(type)} for a file-selector`);
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

/** A token or a quoted-string (RFC 2045 §5.1), without control characters because it is copied into headers. */
function mimeValue(value: string): string {
  if (WHOLE_TOKEN.test(value)) return value;
  return `"${value.replace(/\p{Cc}/gu, ' ').replace(/["\\]/g, '\\$&')}"`;
}

export interface FileSelector {
  /** As the sender named it: it can be a path, or contain characters that file systems reject. */
  name?: string;
  /** Media type in MIME notation, with parameters. */
  type?: string;
  /** Bytes. */
  size?: number;
  /** Hexadecimal, lower-case. */
  sha1?: string;
  /** Digests of other algorithms than SHA-1, the only one that RFC 5547 defines. */
  digests?: readonly FileDigest[];
}

export interface FileDigest {
  /** `sha-256`; lower-case. */
  algorithm: string;
  /** Hexadecimal, lower-case. */
  value: string;
}

const KEY = /\s*([A-Za-z][A-Za-z0-9-]*):[ \t]*/y;
const NAME = /"([^"]*)"|([^\s"]+)/y;
const SIZE = /\d{1,16}(?!\d)/y;
/** The examples of the RFC are folded after the algorithm. */
const HASH = /([A-Za-z0-9-]{1,32}):[ \t]*([0-9A-Fa-f]{2}(?::[ \t]*[0-9A-Fa-f]{2}){0,127})/y;
/** Matches blanks alone as well, so that each character is skipped once, even if no pattern matches after many blanks. */
const OTHER = /\s*(?:"[^"]*"|[^\s"]|"(?![^"]*"))*/y;

const SHA1_LENGTH = 40;

/** @throws MalformedError */
export function parseFileSelector(value: string): FileSelector {
  const selector: FileSelector = {};
  const digests: FileDigest[] = [];
  for (let at = 0; at < value.length; ) {
    const key = matchAt(KEY, value, at);
    at = key
      ? readSelector(selector, digests, (key[1] ?? '').toLowerCase(), value, KEY.lastIndex)
      : skip(value, at);
  }
  if (digests.length > 0) selector.digests = digests;
  return selector;
}

/** Reads one selector. @returns the offset behind it. */
function readSelector(
  selector: FileSelector,
  digests: FileDigest[],
  key: string,
  text: string,
  start: number,
): number {
  switch (key) {
    case 'name': {
      const [whole, quoted, bare = ''] = matchAt(NAME, text, start) ?? malformed(key, text);
      selector.name ??= decodeQuoted(quoted ?? bare);
      return start + whole.length;
    }
    case 'type': {
      const { type, end } = parseFileType(text, start) ?? malformed(key, text);
      selector.type ??= type;
      return end;
    }
    case 'size': {
      const [whole] = matchAt(SIZE, text, start) ?? malformed(key, text);
      const size = Number(whole);
      if (!Number.isSafeInteger(size)) malformed(key, text);
      selector.size ??= size;
      return start + whole.length;
    }
    case 'hash': {
      const [whole, algorithm = '', octets = ''] = matchAt(HASH, text, start) ?? malformed(key, text);
      addDigest(
        selector,
        digests,
        algorithm.toLowerCase(),
        octets.replace(/[^0-9A-Fa-f]/g, '').toLowerCase(),
      );
      return start + whole.length;
    }
    default:
      return skip(text, start);
  }
}

function addDigest(selector: FileSelector, digests: FileDigest[], algorithm: string, value: string): void {
  if (algorithm !== 'sha-1') {
    digests.push({ algorithm, value });
    return;
  }
  if (value.length !== SHA1_LENGTH)
    throw new MalformedError('invalid file-selector: expected 20 octets of SHA-1');
  selector.sha1 ??= value;
}

/** RFC 5547 §6: unknown selectors are ignored. */
function skip(text: string, start: number): number {
  const whole = matchAt(OTHER, text, start)?.[0] ?? '';
  return start + Math.max(whole.length, 1);
}

function matchAt(pattern: RegExp, text: string, start: number): RegExpExecArray | null {
  pattern.lastIndex = start;
  return pattern.exec(text);
}

function malformed(key: string, text: string): never {
  throw new MalformedError(`invalid ${key} in file-selector ${JSON.stringify(text.slice(0, 200))}`);
}

/** @throws ConfigurationError */
export function formatFileSelector({ name, type, size, sha1, digests = [] }: FileSelector): string {
  const parts: string[] = [];
  if (name !== undefined) parts.push(`name:"${encodeQuoted(name)}"`);
  if (type !== undefined) parts.push(`type:${formatFileType(type)}`);
  if (size !== undefined) parts.push(`size:${sizeText(size)}`);
  if (sha1 !== undefined) parts.push(digestText({ algorithm: 'sha-1', value: sha1 }));
  return [...parts, ...digests.map(digestText)].join(' ');
}

function sizeText(size: number): string {
  if (Number.isSafeInteger(size) && size >= 0) return String(size);
  throw new ConfigurationError(`invalid size ${size} for a file-selector: expected a whole number of bytes`);
}

function digestText({ algorithm, value }: FileDigest): string {
  if (!/^[a-z0-9-]{1,32}$/.test(algorithm) || !/^(?:[0-9a-f]{2}){1,128}$/.test(value)) {
    throw new ConfigurationError(
      `invalid digest ${algorithm}:${value} for a file-selector: expected lower-case hexadecimal`,
    );
  }
  return `hash:${algorithm}:${value.toUpperCase().replace(/..(?=.)/g, '$&:')}`;
}
