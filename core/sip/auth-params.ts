/** `Digest realm="…", nonce="…"`: the scheme and parameters of challenges and credentials (RFC 3261 25.1, RFC 7616). */

import { endOfElement, isToken, quote, skipBlanks, trimBlanks, unquote } from './grammar.js';

export interface AuthParameters {
  /** Lower-case. */
  scheme: string;
  /** Names in lower case, values without quotes. */
  parameters: Map<string, string>;
}

/**
 * One header value. Undefined when it is malformed. Where several challenges share a line, which SIP does not
 * allow (RFC 3261 20.44), the later ones are further values.
 */
export function parseAuthParameters(text: string): AuthParameters[] | undefined {
  const found: AuthParameters[] = [];
  for (let at = 0; at < text.length; ) {
    const end = endOfElement(text, at);
    const element = trimBlanks(text, at, end);
    at = end + 1;
    if (element === '') continue;
    const parameter = startScheme(element, found);
    const target = found.at(-1)?.parameters;
    if (!target) return undefined;
    if (parameter === '') continue;
    const equal = parameter.indexOf('=');
    const name = trimBlanks(parameter, 0, equal).toLowerCase();
    if (equal < 0 || !isToken(name) || target.has(name)) return undefined;
    target.set(name, unquote(trimBlanks(parameter, equal + 1)));
  }
  return found;
}

/** Takes a scheme off the front of `element`, if it has one, and gives the parameter that is left. */
function startScheme(element: string, found: AuthParameters[]): string {
  const blank = element.search(/[ \t]/);
  const word = blank < 0 ? element : element.slice(0, blank);
  const rest = blank < 0 ? '' : element.slice(skipBlanks(element, blank));
  // `realm = "x"` is a parameter: what follows its first word is the equal sign.
  if (!isToken(word) || rest.startsWith('=')) return element;
  found.push({ scheme: word.toLowerCase(), parameters: new Map() });
  return rest;
}

/** Writes parameters; those named in `bare` without quotes (RFC 7616 3.5: some must not have them). */
export function formatAuthParameters(
  scheme: string,
  parameters: Iterable<readonly [name: string, value: string]>,
  bare: ReadonlySet<string>,
): string {
  const written = Array.from(
    parameters,
    ([name, value]) => `${name}=${bare.has(name) ? value : quote(value)}`,
  );
  return `${scheme} ${written.join(', ')}`;
}
