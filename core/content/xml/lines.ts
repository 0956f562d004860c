/** What holds for every XML document that is read here. */

/** Elements in elements: the RDF of a profile nests eight deep; the other languages here four. */
export const MAX_DEPTH = 32;

/** XML 1.0, 2.11: every line ends with a line feed. */
export function lines(text: string): string {
  return text.replace(/\r\n?/g, '\n');
}

/** XML 1.0, 3.3.3: white space in an attribute is a blank, unless it came by reference. */
export function attributeText(text: string): string {
  return lines(text).replace(/[\t\n]/g, ' ');
}
