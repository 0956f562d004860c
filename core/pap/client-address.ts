/** Addresses of PAP (OMA Push Architecture 5.3.2.1.3.1): `WAPPUSH=+358401/TYPE=PLMN@ppg.example`. */

import ipaddr from 'ipaddr.js';
import { ConfigurationError, MalformedError } from '../errors.js';

/** The address of a recipient: a user, a device, or a group of them. */
export interface ClientAddress {
  /** In upper case: `USER`, `PLMN`, `IPV4`, `IPV6`, `URI`, or the name of another address type. */
  readonly type: string;
  /** `john.doe@oma.org`, `+358401`, `192.0.2.1`, `sip:bob@atlanta.com`; without escapes and quotes. */
  readonly identifier: string;
  /** Qualifiers after the identifier, `/port=4035`, in order. */
  readonly qualifiers?: readonly (readonly [name: string, value: string])[];
  /** Host name of the gateway. */
  readonly gateway?: string;
}

/** Characters of an address. A GRUU has about a hundred. */
const MAX_LENGTH = 2048;
const PREFIX = /^\s*WAPPUSH=/i;
const TYPE = /\/TYPE=([A-Z][0-9A-Z_-]{0,31})$/i;
const QUALIFIER = /\/([^/="]+)=([^/="]*)$/;
const MAX_QUALIFIERS = 16;
const HOST = /^[0-9a-z](?:[0-9a-z.-]{0,253})(?::\d{1,5})?$/i;
/** Characters that are escaped. */
const UNSAFE = /[^0-9A-Za-z+\-._]/gu;

const FORMS: Readonly<
  Record<string, { readonly valid: (identifier: string) => boolean; readonly form: string }>
> = {
  USER: { valid: (identifier) => identifier !== '', form: 'an escaped identifier' },
  PLMN: { valid: (identifier) => /^\+\d[\d.-]{0,63}$/.test(identifier), form: '+ and digits' },
  IPV4: { valid: (identifier) => ipaddr.IPv4.isValidFourPartDecimal(identifier), form: 'e.g. 192.0.2.1' },
  IPV6: { valid: (identifier) => ipaddr.IPv6.isValid(identifier), form: 'e.g. 2001:db8:0:0:0:0:0:1' },
  URI: { valid: (identifier) => /^[a-z][0-9a-z+.-]*:./i.test(identifier), form: 'an escaped URI in quotes' },
};

/**
 * Parses an address. The words `WAPPUSH` and `TYPE` and the type are compared without case, and the gateway can be missing.
 * @throws MalformedError
 */
export function parseClientAddress(text: string): ClientAddress {
  const invalid = (expected: string) =>
    new MalformedError(`invalid address "${text.slice(0, 100)}": expected ${expected}`);
  const prefix = PREFIX.exec(text);
  if (!prefix || text.length > MAX_LENGTH) throw invalid('e.g. WAPPUSH=+358401/TYPE=PLMN@ppg.example');
  // From the right: the identifier is escaped, but some senders do not escape its "@".
  let left = text.slice(prefix[0].length).trimEnd();
  const at = left.lastIndexOf('@');
  let gateway: string | undefined;
  if (TYPE.test(left.slice(0, Math.max(at, 0)))) {
    gateway = left.slice(at + 1);
    left = left.slice(0, at);
    if (!HOST.test(gateway)) throw invalid('the host name of the gateway after "@"');
  }
  const type = TYPE.exec(left)?.[1]?.toUpperCase();
  if (type === undefined) throw invalid('"/TYPE=" and an address type, e.g. /TYPE=PLMN');
  left = left.replace(TYPE, '');
  const qualifiers: [string, string][] = [];
  for (let match = qualifierAtEnd(left); match; match = qualifierAtEnd(left)) {
    if (qualifiers.length === MAX_QUALIFIERS) throw invalid(`at most ${MAX_QUALIFIERS} qualifiers`);
    const [whole, name = '', value = ''] = match;
    qualifiers.unshift([unescaped(name) ?? name, unescaped(value) ?? value]);
    left = left.slice(0, -whole.length);
  }
  const identifier = unescaped(left.replace(/^"(.*)"$/s, '$1'));
  if (identifier === undefined) throw invalid('"%" with two hexadecimal digits, in UTF-8');
  const form = Object.hasOwn(FORMS, type) ? FORMS[type] : FORMS.USER;
  if (form && !form.valid(identifier)) throw invalid(`${form.form} for the type ${type}`);
  return { type, identifier, qualifiers: qualifiers.length > 0 ? qualifiers : undefined, gateway };
}

/** An identifier in quotes has no qualifiers inside. */
function qualifierAtEnd(text: string): RegExpExecArray | null {
  return text.endsWith('"') ? null : QUALIFIER.exec(text);
}

/** Formats an address. @throws ConfigurationError if the identifier does not match its type, or the address is too long. */
export function formatClientAddress({ type, identifier, qualifiers = [], gateway }: ClientAddress): string {
  const form = Object.hasOwn(FORMS, type) ? FORMS[type] : FORMS.USER;
  if (!/^[A-Z][0-9A-Z_-]{0,31}$/.test(type) || !form?.valid(identifier) || /\p{Cs}/u.test(identifier)) {
    throw new ConfigurationError(
      `invalid address "${identifier.slice(0, 100)}" of type ${type.slice(0, 40)}: expected ${form?.form}`,
    );
  }
  if (gateway !== undefined && !HOST.test(gateway)) {
    throw new ConfigurationError(`invalid gateway "${gateway.slice(0, 100)}": expected a host name`);
  }
  const written = type === 'IPV6' ? identifier : escaped(identifier);
  const quoted = type === 'URI' ? `"${written}"` : written;
  const pairs = qualifiers.map(([name, value]) => `/${escaped(name)}=${escaped(value)}`).join('');
  const host = gateway === undefined ? '' : `@${gateway}`;
  const text = `WAPPUSH=${quoted}${pairs}/TYPE=${NAMES[type] ?? type}${host}`;
  if (text.length > MAX_LENGTH) {
    throw new ConfigurationError(`address of ${text.length} characters: expected at most ${MAX_LENGTH}`);
  }
  return text;
}

/** Spelling of the types in the specification, where it is not upper case. */
const NAMES: Readonly<Record<string, string>> = { IPV4: 'IPv4', IPV6: 'IPv6' };

function escaped(text: string): string {
  return text.replace(UNSAFE, (character) =>
    [...new TextEncoder().encode(character)]
      .map((octet) => `%${octet.toString(16).toUpperCase().padStart(2, '0')}`)
      .join(''),
  );
}

/** @returns undefined if an escape is malformed. */
function unescaped(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
