/** tel URIs, which name a telephone number: `tel:+46-70-1234567` (RFC 3966). */

/** Digits with visual separators; at least one digit. A global number begins with +. */
const GLOBAL = /^\+[-.()]*\d[\d.()-]*$/;
const LOCAL = /^[-.()]*[\dA-F*#][\dA-F*#.()-]*$/i;
/** A parameter name, and a value of characters that need no escape, or escaped ones. */
const PARAMETER = /^[A-Za-z\d-]+(?:=(?:[A-Za-z\d[\]/:&+$\-_.!~*'()]|%[\dA-Fa-f]{2})+)?$/;
/** Characters. A number of E.164 has 15 digits. */
const MAX_LENGTH = 255;

export const EXPECTED_TEL =
  'expected a global number, e.g. tel:+46701234567, or a local one with its context, e.g. tel:7042;phone-context=example.com';

/** RFC 3966 §5.1.5: a local number requires a phone-context. */
export function isTelUri(text: string): boolean {
  const rest = /^tel:(.*)$/is.exec(text)?.[1];
  if (rest === undefined || text.length > MAX_LENGTH) return false;
  const [number = '', ...parameters] = rest.split(';');
  if (!parameters.every((parameter) => PARAMETER.test(parameter))) return false;
  if (GLOBAL.test(number)) return true;
  return LOCAL.test(number) && parameters.some((parameter) => /^phone-context=./i.test(parameter));
}
