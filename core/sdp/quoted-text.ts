/**
 * Text between the double quotes of a file's attributes (RFC 5547 6: filename-string, value-string): UTF-8, in which
 * NUL, CR, LF, quotes and percent signs are percent-encoded.
 */

/** All control characters: the RFC asks for three of them, a terminal or a log is better off without any. */
const UNSAFE = /["%\p{Cc}]/gu;

const ENCODED = /(?:%[0-9A-Fa-f]{2})+/g;

export function encodeQuoted(text: string): string {
  return text.replace(UNSAFE, encodeURIComponent);
}

/** What is no encoding stays as it is. */
export function decodeQuoted(text: string): string {
  return text.replace(ENCODED, (run) => {
    const bytes = run
      .slice(1)
      .split('%')
      .map((digits) => Number.parseInt(digits, 16));
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(bytes));
  });
}
