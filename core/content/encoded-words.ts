/** Encoded words in headers of mail, which some MMSCs leave in a subject (RFC 2047). */

import { decodeBase64 } from './binary-text.js';
import { charsetMibEnum, decodeCharset, isKnownCharset, isWide } from './charset.js';

/** `=?charset*language?encoding?text?=`. The parts have limits, so that the expression does not search far. */
const WORD = /=\?([^\s?*=]{1,40})(?:\*[^\s?]{0,40})?\?([bq])\?([^?]{0,1000})\?=/gi;

interface Word {
  readonly start: number;
  readonly end: number;
  readonly charset: number;
  readonly octets: Uint8Array;
}

/**
 * A text with its encoded words decoded: `=?utf-8?Q?Caf=C3=A9?=` is `Café`. Blanks between two of them are removed. A
 * word that cannot be decoded stays as it is.
 * @param text the value of a header.
 */
export function decodeEncodedWords(text: string): string {
  const words = [...text.matchAll(WORD)].flatMap(wordOf);
  let decoded = '';
  let end = 0;
  for (let index = 0; index < words.length; ) {
    const first = words[index];
    if (!first) break;
    const between = text.slice(end, first.start);
    if (index === 0 || /\S/.test(between)) decoded += between;
    const octets = [...first.octets];
    ({ end } = first);
    index += 1;
    // Some senders divide a character between two words.
    for (let next = words[index]; next && continues(first, end, next, text); next = words[index]) {
      octets.push(...next.octets);
      ({ end } = next);
      index += 1;
    }
    decoded += decodeCharset(Uint8Array.from(octets), first.charset);
  }
  return decoded + text.slice(end);
}

function continues({ charset }: Word, end: number, next: Word, text: string): boolean {
  return next.charset === charset && !isWide(charset) && !/\S/.test(text.slice(end, next.start));
}

function wordOf(match: RegExpExecArray): Word[] {
  const [whole, name = '', encoding = '', text = ''] = match;
  const charset = charsetMibEnum(name);
  const octets = encoding.toLowerCase() === 'b' ? base64Octets(text) : quotedOctets(text);
  if (charset === undefined || !isKnownCharset(charset) || octets === undefined) return [];
  return [{ start: match.index, end: match.index + whole.length, charset, octets }];
}

/** Some senders omit the padding. */
function base64Octets(text: string): Uint8Array | undefined {
  const digits = text.replace(/=+$/, '');
  return decodeBase64(digits.padEnd(Math.ceil(digits.length / 4) * 4, '='));
}

function quotedOctets(text: string): Uint8Array {
  const characters = text
    .replaceAll('_', ' ')
    .replace(/=([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
  // Octets above 7F are not allowed in a word, and stay what they are in UTF-8.
  return /^[\0-\xff]*$/.test(characters)
    ? Uint8Array.from(characters, (character) => character.charCodeAt(0))
    : new TextEncoder().encode(characters);
}
