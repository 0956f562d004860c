/**
 * Character sets by their IANA MIBenum: each one that `TextDecoder` decodes and that has a number. Text in a declared
 * charset is decoded in this charset, with U+FFFD for invalid octets, and never in another one.
 */

export const US_ASCII = 3;
export const ISO_8859_1 = 4;
export const UTF_8 = 106;
const UCS_2 = 1000;
export const UTF_16BE = 1013;
export const UTF_16LE = 1014;
export const UTF_16 = 1015;
const WINDOWS_1252 = 2252;
/** "Unknown" in WSP: Any-charset, and the charset of a WBXML document that another layer declares. */
export const UNKNOWN = 0;

/** IANA names, in lower case; with the label of the decoder if it has another name. */
const charsets: readonly (readonly [mibEnum: number, name: string, label?: string])[] = [
  [US_ASCII, 'us-ascii'],
  [ISO_8859_1, 'iso-8859-1'],
  [5, 'iso-8859-2'],
  [6, 'iso-8859-3'],
  [7, 'iso-8859-4'],
  [8, 'iso-8859-5'],
  [9, 'iso-8859-6'],
  [10, 'iso-8859-7'],
  [11, 'iso-8859-8'],
  [12, 'iso-8859-9', 'windows-1254'],
  [13, 'iso-8859-10'],
  [17, 'shift_jis'],
  [18, 'euc-jp'],
  [36, 'ks_c_5601-1987', 'euc-kr'],
  [38, 'euc-kr'],
  [39, 'iso-2022-jp'],
  [57, 'gb_2312-80', 'gbk'],
  [81, 'iso-8859-6-e', 'iso-8859-6'],
  [82, 'iso-8859-6-i', 'iso-8859-6'],
  [84, 'iso-8859-8-e', 'iso-8859-8'],
  [85, 'iso-8859-8-i'],
  [UTF_8, 'utf-8'],
  [109, 'iso-8859-13'],
  [110, 'iso-8859-14'],
  [111, 'iso-8859-15'],
  [112, 'iso-8859-16'],
  [113, 'gbk'],
  [114, 'gb18030'],
  [UCS_2, 'iso-10646-ucs-2'],
  [UTF_16BE, 'utf-16be'],
  [UTF_16LE, 'utf-16le'],
  [UTF_16, 'utf-16'],
  [2024, 'windows-31j', 'shift_jis'],
  [2025, 'gb2312', 'gbk'],
  [2026, 'big5'],
  [2027, 'macintosh'],
  [2084, 'koi8-r'],
  [2086, 'ibm866'],
  [2088, 'koi8-u'],
  [2101, 'big5-hkscs', 'big5'],
  [2109, 'windows-874'],
  [2250, 'windows-1250'],
  [2251, 'windows-1251'],
  [WINDOWS_1252, 'windows-1252'],
  [2253, 'windows-1253'],
  [2254, 'windows-1254'],
  [2255, 'windows-1255'],
  [2256, 'windows-1256'],
  [2257, 'windows-1257'],
  [2258, 'windows-1258'],
  [2259, 'tis-620', 'windows-874'],
];

/** Other names of the two charsets for which `TextDecoder` uses Windows-1252. */
const aliases = new Map<string, number>([
  ...['ascii', 'ansi_x3.4-1968', 'iso646-us', 'iso_646.irv:1991', 'us'].map(
    (name) => [name, US_ASCII] as const,
  ),
  ...['latin1', 'l1', 'iso8859-1', 'iso_8859-1', 'iso_8859-1:1987', 'iso-ir-100', 'cp819', 'ibm819'].map(
    (name) => [name, ISO_8859_1] as const,
  ),
]);

const names = new Map(charsets.map(([mibEnum, name]) => [mibEnum, name]));
const labels = new Map(charsets.map(([mibEnum, name, label = name]) => [mibEnum, label]));
const mibEnums = new Map([...charsets.map(([mibEnum, name]) => [name, mibEnum] as const), ...aliases]);

/** `mib-2000`: how a number without a name is shown. */
const NUMBERED = /^mib-(\d{1,5})$/;

/** The name of a charset in lower case; `mib-2000` for an unknown number, undefined for 0. */
export function charsetName(mibEnum: number): string | undefined {
  return mibEnum === UNKNOWN ? undefined : (names.get(mibEnum) ?? `mib-${mibEnum}`);
}

/** The number of a charset by any of its names; undefined if it has none. */
export function charsetMibEnum(charset: string): number | undefined {
  const name = charset.trim().toLowerCase();
  const known = mibEnums.get(name);
  if (known !== undefined) return known;
  const numbered = NUMBERED.exec(name)?.[1];
  if (numbered !== undefined) return Number(numbered) || undefined;
  return mibEnums.get(decoderOf(name)?.encoding ?? '');
}

/** The parameter `charset` of a media type. Undefined if the sender does not know it: `*` is MIBenum 0 (Any-charset). */
export function declaredCharset(parameter: string | undefined): string | undefined {
  const name = parameter?.trim();
  return name === '*' ? undefined : name || undefined;
}

/** Whether text in the charset can be decoded. */
export function isKnownCharset(mibEnum: number): boolean {
  return decoderOf(labels.get(mibEnum)) !== undefined;
}

/** Charsets with two octets for each character, in which a zero octet does not end a text. */
export function isWide(mibEnum: number): boolean {
  return mibEnum === UCS_2 || (mibEnum >= UTF_16BE && mibEnum <= UTF_16);
}

/** Never throws: invalid octets become U+FFFD. Text of an unknown charset is read as `decodeText` does. */
export function decodeCharset(octets: Uint8Array, mibEnum: number): string {
  if (mibEnum === US_ASCII) return decodeLatin1(octets).replace(/[^\0-\x7f]/g, '\ufffd');
  if (mibEnum === ISO_8859_1) return decodeLatin1(octets);
  if (mibEnum === WINDOWS_1252) return decodeLatin1(octets).replace(/[\x80-\x9f]/g, windows1252);
  // The writers write a byte order mark of UTF-8 as text.
  if (mibEnum === UTF_8) return new TextDecoder('utf-8', { ignoreBOM: true }).decode(octets);
  const decoder = decoderOf(isWide(mibEnum) ? wideLabel(octets, mibEnum) : labels.get(mibEnum));
  return decoder ? decoder.decode(octets) : decodeText(octets);
}

/** Undefined for a label that the platform does not have: Node.js has no ISO 8859-16. */
function decoderOf(label: string | undefined): TextDecoder | undefined {
  try {
    return label === undefined ? undefined : new TextDecoder(label);
  } catch {
    return undefined;
  }
}

/** Characters 80 to 9F of Windows-1252. Node.js 20 decodes them as those of ISO 8859-1. */
const WINDOWS_CHARACTERS =
  '\u20ac\x81\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\x8d\u017d\x8f' +
  '\x90\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\x9d\u017e\u0178';

function windows1252(character: string): string {
  return WINDOWS_CHARACTERS.charAt(character.charCodeAt(0) - 0x80);
}

/** RFC 2781 §4.3: big-endian without a byte order mark. */
function wideLabel([first, second]: Uint8Array, mibEnum: number): string {
  if (mibEnum === UTF_16BE || mibEnum === UTF_16LE) return mibEnum === UTF_16LE ? 'utf-16le' : 'utf-16be';
  return first === 0xff && second === 0xfe ? 'utf-16le' : 'utf-16be';
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Text without a charset. WSP specifies US-ASCII, but senders write UTF-8, and old ones ISO 8859-1: text that is not
 * valid UTF-8 is read as ISO 8859-1.
 */
export function decodeText(octets: Uint8Array): string {
  try {
    return utf8.decode(octets);
  } catch {
    return decodeLatin1(octets);
  }
}

/** Real ISO 8859-1: TextDecoder uses Windows-1252 for that label. */
export function decodeLatin1(octets: Uint8Array): string {
  const characters: string[] = [];
  // In slices, because the number of arguments of a call is limited.
  for (let start = 0; start < octets.length; start += 8192) {
    characters.push(String.fromCharCode(...octets.subarray(start, start + 8192)));
  }
  return characters.join('');
}
