/** The tokens of one markup language, as its document type has them. */

/** What an attribute start token stands for: a name, and how its value begins. */
export interface AttributeStart {
  readonly name: string;
  readonly prefix: string;
}

export interface WbxmlLanguage {
  /** `SI 1.0` */
  readonly title: string;
  /** Well-known public identifier (WAP-192 table 8.2). */
  readonly publicId: number;
  /** The same in text, as a DOCTYPE has it. */
  readonly publicText: string;
  /** Where its document type definition lies; a DOCTYPE names it, nobody fetches it. */
  readonly systemId: string;
  /** By code page, then by token without its flags. */
  readonly tags: readonly ReadonlyMap<number, string>[];
  readonly attributeStarts: readonly ReadonlyMap<number, AttributeStart>[];
  readonly attributeValues: readonly ReadonlyMap<number, string>[];
  /** Attributes that hold dates: octets of OPAQUE in them are the digits of YYYYMMDDhhmmss. */
  readonly dates: ReadonlySet<string>;
}

/** Tokens of tags and attributes start at 05, behind the global ones. */
const FIRST_TOKEN = 0x05;

/** Tags that have neighbouring tokens, from 05. */
export function tagPage(...names: readonly string[]): ReadonlyMap<number, string> {
  return new Map(names.map((name, index) => [FIRST_TOKEN + index, name]));
}

/** Attribute starts, each `token, name` or `token, name, beginning of the value`. */
export function attributePage(
  ...starts: readonly (readonly [token: number, name: string, prefix?: string])[]
): ReadonlyMap<number, AttributeStart> {
  return new Map(starts.map(([token, name, prefix = '']) => [token, { name, prefix }]));
}
