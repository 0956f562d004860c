/** References of XML: five entities, and characters by number (XML 1.0, 4.1, 4.6). */

import { MalformedError } from '../../errors.js';
import { forbiddenCharacter } from './text.js';

const entities = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
]);
const REFERENCE = /&(?:#x([0-9a-f]{1,8})|#(\d{1,10})|(\w{1,32}));|&/gi;
const MAX_CODE_POINT = 0x10ffff;

/** @throws MalformedError for other entities, and for an ampersand without a reference. */
export function decodeReferences(text: string, title: string): string {
  return text.replace(REFERENCE, (reference: string, hex?: string, decimal?: string, name?: string) => {
    const character =
      name === undefined
        ? characterOf(hex === undefined ? Number(decimal) : Number.parseInt(hex, 16))
        : entities.get(name);
    if (character === undefined)
      throw new MalformedError(
        `${title}: invalid reference "${reference}": expected a character or a predefined entity`,
      );
    return character;
  });
}

function characterOf(codePoint: number): string | undefined {
  if (!(codePoint <= MAX_CODE_POINT)) return undefined;
  const character = String.fromCodePoint(codePoint);
  return codePoint === 0 || forbiddenCharacter(character) ? undefined : character;
}

/** Encodes text for content, and for attributes in double quotes. */
export function encodeReferences(text: string): string {
  // Readers convert a line end in an attribute to a blank, and a carriage return to a line feed.
  return text.replace(/[&<>"\t\n\r]/g, (character) => {
    for (const [name, plain] of entities) if (plain === character) return `&${name};`;
    return `&#${character.charCodeAt(0)};`;
  });
}
