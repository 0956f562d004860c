/** The prolog of an XML document, with its document type declaration (XML 1.0, 2.8). */

import { MalformedError } from '../../errors.js';

/** `<!DOCTYPE pap PUBLIC "publicId" "systemId" [<?target data?>]>`. */
export interface XmlDocumentType {
  readonly publicId?: string;
  readonly systemId?: string;
  /** Processing instructions of the internal subset. */
  readonly instructions?: readonly ProcessingInstruction[];
}

/** A document type to write, with both its identifiers. */
export type PublicDocumentType = XmlDocumentType & Required<Pick<XmlDocumentType, 'publicId' | 'systemId'>>;

export interface ProcessingInstruction {
  readonly target: string;
  readonly data: string;
}

// Each alternative starts with other characters, so that the expressions do not backtrack.
const MISC = /(?:\s+|<\?[\s\S]*?\?>|<!--[\s\S]*?-->)*/y;
const DOCTYPE = /<!DOCTYPE[^>[]*/iy;
const COMMENT_OR_INSTRUCTION = /<!--[\s\S]*?-->|<\?([\s\S]*?)\?>/g;
const END = /\s*>/y;
const IDENTIFIERS = /\s(?:PUBLIC\s+("[^"]*"|'[^']*')|SYSTEM)(?:\s+("[^"]*"|'[^']*'))?/i;

/**
 * Reads the document type. An internal subset can only have processing instructions and comments, because declarations
 * can expand a small document to a large one.
 * @returns the document type, and the text with blanks in its place.
 * @throws MalformedError
 */
export function readDocumentType(
  text: string,
  title: string,
): { readonly documentType?: XmlDocumentType; readonly content: string } {
  const start = endOf(MISC, text, 0) ?? 0;
  const subset = endOf(DOCTYPE, text, start);
  if (subset === undefined) {
    refuseAnother(text, title);
    return { content: text };
  }
  let end = subset;
  let instructions: ProcessingInstruction[] = [];
  if (text[subset] === '[') {
    end = endOf(MISC, text, subset + 1) ?? subset + 1;
    if (text[end] !== ']') {
      throw new MalformedError(
        `${title}: invalid internal subset of the document type: expected processing instructions only`,
      );
    }
    instructions = instructionsIn(text.slice(subset + 1, end));
    end += 1;
  }
  const close = endOf(END, text, end);
  if (close === undefined)
    throw new MalformedError(`${title}: invalid document type: expected ">" at its end`);
  refuseAnother(text.slice(close), title);
  const [, publicId, systemId] = IDENTIFIERS.exec(text.slice(start, subset)) ?? [];
  return {
    documentType: { publicId: unquoted(publicId), systemId: unquoted(systemId), instructions },
    // Line ends stay, so that errors name the line.
    content: text.slice(0, start) + text.slice(start, close).replace(/[^\n]/g, ' ') + text.slice(close),
  };
}

function endOf(expression: RegExp, text: string, offset: number): number | undefined {
  expression.lastIndex = offset;
  return expression.test(text) ? expression.lastIndex : undefined;
}

function refuseAnother(text: string, title: string): void {
  if (/<!DOCTYPE/i.test(text)) {
    throw new MalformedError(`${title}: invalid document type: expected one, before the root`);
  }
}

/** @param subset matches MISC: each comment and each instruction has an end, so that every match is found at once. */
function instructionsIn(subset: string): ProcessingInstruction[] {
  return [...subset.matchAll(COMMENT_OR_INSTRUCTION)].flatMap(([, instruction]) => {
    const target = /^\S+/.exec(instruction ?? '')?.[0];
    return target && instruction ? [{ target, data: instruction.slice(target.length).trim() }] : [];
  });
}

function unquoted(literal: string | undefined): string | undefined {
  return literal?.slice(1, -1);
}

export function formatDocumentType(
  root: string,
  { publicId, systemId, instructions = [] }: PublicDocumentType,
): string {
  const list = instructions.map(({ target, data }) => `<?${target} ${data}?>`).join('');
  return `<!DOCTYPE ${root} PUBLIC "${publicId}" "${systemId}"${list === '' ? '' : ` [${list}]`}>`;
}
