/** Decodes WBXML 1.1 to 1.3 to elements (WAP-192 5). */

import { readUintvar } from '../wsp/integers.js';
import { hexOctet, OctetReader } from '../wsp/octets.js';
import { UTF_8 } from '../wsp/text.js';
import { appendValue, type MarkupElement, type MarkupValue, type WbxmlDocument } from './document.js';
import {
  END,
  HAS_ATTRIBUTES,
  HAS_CONTENT,
  LITERAL,
  PI,
  SWITCH_PAGE,
  TAG,
  type WbxmlLanguage,
  WbxmlStrings,
} from './tables.js';
import { AttributeReader, isValueToken, ValueReader } from './value-reader.js';

const MIN_VERSION = 1;
const MAX_VERSION = 3;
/** The public identifier of an unknown document type (WAP-192 table 8.2). */
const UNKNOWN_PUBLIC_ID = 1;
/** Nesting depth. The supported languages have four levels. */
const MAX_DEPTH = 32;

/**
 * @param languages the expected languages; the document's public identifier selects one. A document of unknown type is
 * accepted if there is only one.
 * @throws MalformedError that names the field, its offset, and what was expected.
 */
export function decodeWbxml(bytes: Uint8Array, languages: readonly WbxmlLanguage[]): WbxmlDocument {
  const document = languages.map(({ title }) => title).join(' or ');
  const reader = new OctetReader(bytes, document);
  const version = reader.octet('version');
  if (version < MIN_VERSION || version > MAX_VERSION) throw reader.failure('version', '01 to 03', 0);
  const publicId = readUintvar(reader, 'public identifier');
  const publicText = publicId === 0 ? readUintvar(reader, 'public identifier') : undefined;
  const charset = readUintvar(reader, 'charset') || UTF_8;
  const table = reader.octets(readUintvar(reader, 'string table'), 'string table');
  const strings = new WbxmlStrings(document, table, charset);
  const language = languages.find((candidate) =>
    publicText === undefined
      ? candidate.publicId === publicId || (languages.length === 1 && publicId === UNKNOWN_PUBLIC_ID)
      : candidate.publicText === strings.reference(reader, publicText, 'public identifier'),
  );
  if (!language) throw reader.failure('public identifier', `that of ${document}`, 1);
  return { language, version, root: new Decoder(reader, language, strings).document() };
}

class Decoder {
  private page = 0;
  private readonly values: ValueReader;
  private readonly attributes: AttributeReader;

  constructor(
    private readonly reader: OctetReader,
    private readonly language: WbxmlLanguage,
    private readonly strings: WbxmlStrings,
  ) {
    this.values = new ValueReader(reader, strings);
    this.attributes = new AttributeReader(reader, language, strings, this.values);
  }

  document(): MarkupElement {
    this.instructions();
    const root = this.element(this.tag(), 1);
    this.instructions();
    if (!this.reader.atEnd) throw this.reader.failure('document', 'the end after the root element');
    return root;
  }

  /** Skips processing instructions. */
  private instructions(): void {
    while (this.reader.peek() === PI) {
      this.reader.octet('processing instruction');
      this.attributes.list('processing instruction');
    }
  }

  /** Reads the next tag token, and code page switches before it. */
  private tag(): number {
    let token = this.reader.octet('tag');
    while (token === SWITCH_PAGE) {
      this.page = this.reader.octet('code page');
      token = this.reader.octet('tag');
    }
    return token;
  }

  private element(token: number, depth: number): MarkupElement {
    if (depth > MAX_DEPTH) throw this.reader.failure('element', `at most ${MAX_DEPTH} levels`);
    const name = this.name(token);
    const attributes = token & HAS_ATTRIBUTES ? this.attributes.list(name) : [];
    const children = token & HAS_CONTENT ? this.content(name, depth) : [];
    return { name, attributes, children };
  }

  private name(token: number): string {
    const at = this.reader.offset - 1;
    if ((token & TAG) === LITERAL) {
      return this.strings.reference(this.reader, readUintvar(this.reader, 'literal tag'), 'literal tag');
    }
    const name = this.language.tags[this.page]?.get(token & TAG);
    if (name === undefined) {
      const page = this.page === 0 ? '' : ` on code page ${this.page}`;
      throw this.reader.failure(
        'tag',
        `a tag of ${this.language.title}${page}, not ${hexOctet(token & TAG)}`,
        at,
      );
    }
    return name;
  }

  private content(name: string, depth: number): (MarkupElement | MarkupValue)[] {
    const children: (MarkupElement | MarkupValue)[] = [];
    for (;;) {
      const token = this.tag();
      if (token === END) return children;
      if (token === PI) this.attributes.list('processing instruction');
      else if (isValueToken(token)) appendValue(children, this.values.read(token, name));
      else children.push(this.element(token, depth + 1));
    }
  }
}
