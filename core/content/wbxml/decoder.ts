/** Decodes WBXML 1.1 to 1.3 to elements (WAP-192 5). */

import { defined } from '../../defined.js';
import { ConfigurationError } from '../../errors.js';
import { charsetMibEnum, declaredCharset, UNKNOWN, UTF_8 } from '../charset.js';
import { appendValue, type MarkupElement, type MarkupValue, requireOctets, typeInWords } from '../markup.js';
import { readUintvar } from '../wsp/integers.js';
import { hexOctet, OctetReader } from '../wsp/octets.js';
import { WbxmlBounds } from './bounds.js';
import {
  MAX_DEPTH,
  WBXML_LIMITS,
  type WbxmlDocument,
  type WbxmlLimits,
  type WbxmlOptions,
  type WbxmlVersion,
} from './document.js';
import { requireLanguage, type WbxmlLanguage } from './language.js';
import { WbxmlStrings } from './strings.js';
import { END, HAS_ATTRIBUTES, HAS_CONTENT, LITERAL, PI, SWITCH_PAGE, TAG } from './tokens.js';
import { AttributeReader, isValueToken, ValueReader } from './value-reader.js';

/** The public identifier of an unknown document type (WAP-192 table 8.2). */
export const UNKNOWN_PUBLIC_ID = 1;

/** A document that was read. */
export type DecodedWbxml = Required<WbxmlDocument> & {
  /** What was left out, in words: octets after the root element. */
  readonly warnings?: readonly string[];
};

/**
 * Decodes a WBXML document (WAP-192, versions 1.1 to 1.3) to elements. Reads code pages, the string table, literal names,
 * entities, opaque octets and extensions; skips processing instructions.
 * @param octets the document.
 * @param expected the expected document types; the document's public identifier selects one. A document of unknown type is
 * accepted if there is only one.
 * @param options charset and limits.
 * @throws MalformedError that names the field, its offset, what was expected and what was found.
 * @throws ConfigurationError if a limit is out of its range; TypeError for an argument of another type.
 */
export function decodeWbxml(
  octets: Uint8Array,
  expected: WbxmlLanguage | readonly WbxmlLanguage[],
  options: WbxmlOptions = {},
): DecodedWbxml {
  requireOctets('WBXML document', octets);
  const languages = [expected].flat();
  if (languages.length === 0) {
    throw new TypeError('invalid document types: expected a WbxmlLanguage, or at least one in a list');
  }
  for (const language of languages) requireLanguage(language);
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`invalid options: expected { charset, limits }, not ${typeInWords(options)}`);
  }
  const title = languages.map((language) => language.title).join(' or ');
  const limits = limitsOf(options);
  const reader = new OctetReader(octets, title);
  if (octets.length > limits.octets) {
    throw reader.failure('document', `at most ${limits.octets} octets`, limits.octets);
  }
  const bounds = new WbxmlBounds(reader, limits);
  const version = versionOf(reader);
  const wellKnown = readUintvar(reader, 'public identifier');
  const offset = wellKnown === 0 ? readUintvar(reader, 'public identifier') : undefined;
  const charset = readUintvar(reader, 'charset') || charsetOf(options);
  const table = reader.octets(readUintvar(reader, 'string table'), 'string table');
  const strings = new WbxmlStrings(title, table, charset, bounds);
  const publicId = offset === undefined ? wellKnown : strings.reference(reader, offset, 'public identifier');
  const language = languageOf(publicId, languages);
  if (!language) throw reader.failure('public identifier', `that of ${title}`, 1);
  const root = new Decoder(reader, language, strings, bounds).document();
  return { language, version, charset, publicId, root, warnings: reader.warnings };
}

/** The charset of the media type. Text in one without a number is read as text without a charset, as in the document. */
function charsetOf({ charset }: WbxmlOptions): number {
  if (typeof charset === 'number') return charset || UTF_8;
  const name = declaredCharset(charset);
  return name === undefined ? UTF_8 : (charsetMibEnum(name) ?? UNKNOWN);
}

function limitsOf({ limits }: WbxmlOptions): WbxmlLimits {
  const { depth = WBXML_LIMITS.depth } = limits ?? {};
  if (!(depth >= 1 && depth <= MAX_DEPTH)) {
    throw new ConfigurationError(`invalid limit depth ${depth}: expected 1 to ${MAX_DEPTH}`);
  }
  return { ...WBXML_LIMITS, ...defined(limits ?? {}) };
}

function versionOf(reader: OctetReader): WbxmlVersion {
  const version = reader.octet('version');
  if (version === 1 || version === 2 || version === 3) return version;
  throw reader.failure('version', '01 to 03', 0);
}

function languageOf(
  publicId: number | string,
  languages: readonly WbxmlLanguage[],
): WbxmlLanguage | undefined {
  const known = languages.find((language) =>
    typeof publicId === 'number'
      ? language.publicId === publicId
      : language.documentType?.publicId === publicId,
  );
  return known ?? (publicId === UNKNOWN_PUBLIC_ID && languages.length === 1 ? languages[0] : undefined);
}

class Decoder {
  private page = 0;
  private readonly values: ValueReader;
  private readonly attributes: AttributeReader;

  constructor(
    private readonly reader: OctetReader,
    private readonly language: WbxmlLanguage,
    private readonly strings: WbxmlStrings,
    private readonly bounds: WbxmlBounds,
  ) {
    this.values = new ValueReader(reader, strings, bounds);
    this.attributes = new AttributeReader(reader, language, strings, this.values, bounds);
  }

  document(): MarkupElement {
    this.instructions();
    const root = this.element(this.tag(), 1);
    // Processing instructions can follow, and padding.
    if (this.reader.peek() !== PI && !this.reader.onlyPadding) {
      this.reader.warn(this.reader.failure('document', 'the end after the root element'));
    }
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
    this.bounds.depth(depth);
    this.bounds.node('element');
    const name = this.name(token);
    const attributes = token & HAS_ATTRIBUTES ? this.attributes.list(name) : [];
    const children = token & HAS_CONTENT ? this.content(name, depth) : [];
    return { name, attributes, children };
  }

  private name(token: number): string {
    const at = this.reader.offset - 1;
    if ((token & TAG) === LITERAL) return this.strings.name(this.reader, 'literal tag');
    const name = this.language.tag(this.page, token & TAG);
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
