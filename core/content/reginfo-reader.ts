/** Reads `application/reginfo+xml`. Elements of other namespaces, such as those of 3GPP, are ignored. */

import { MalformedError } from '../errors.js';
import { attributeAmong, attributeOf, type MarkupElement, requiredAttribute, textOf } from './markup.js';
import {
  CONTACT_EVENTS,
  CONTACT_STATES,
  GRUU_NAMESPACES,
  REGINFO_NAMESPACE,
  REGISTRATION_STATES,
  type Reginfo,
  type ReginfoContact,
  type ReginfoRegistration,
  type TemporaryGruu,
} from './reginfo.js';
import { ScopedElement } from './xml/namespaces.js';
import { parseXml } from './xml/parser.js';

const TITLE = 'reginfo';
/** Versions, CSeq and seconds have 31 or 32 bits. */
const MAX_NUMBER = 2 ** 32 - 1;

/**
 * A malformed registration, contact, or optional part of a contact is left out: the others of the document stand.
 * @throws MalformedError naming the place and what was expected.
 */
export function readReginfo(bytes: Uint8Array): Reginfo {
  const element = parseXml(bytes, TITLE);
  const root = ScopedElement.ofRoot(element);
  const { namespace, local } = root.name;
  if (namespace !== REGINFO_NAMESPACE || local !== 'reginfo') {
    throw new MalformedError(
      `${TITLE}: invalid root element ${element.name}: expected reginfo in its namespace`,
    );
  }
  return {
    version: required(element, 'version'),
    state: among(element, 'state', ['full', 'partial']),
    registrations: readable(childrenOf(root, 'registration'), registration),
  };
}

function registration(scoped: ScopedElement): ReginfoRegistration {
  const { element } = scoped;
  return {
    aor: uriOf(requiredAttribute(element, 'aor'), 'aor'),
    id: requiredAttribute(element, 'id'),
    state: among(element, 'state', REGISTRATION_STATES),
    contacts: readable(childrenOf(scoped, 'contact'), contact),
  };
}

/** The elements without the malformed ones. */
function readable<Value>(
  elements: readonly ScopedElement[],
  read: (scoped: ScopedElement) => Value,
): Value[] {
  return elements.flatMap((element) => {
    const value = ifReadable(() => read(element));
    return value === undefined ? [] : [value];
  });
}

function ifReadable<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}

function contact(scoped: ScopedElement): ReginfoContact {
  const { element } = scoped;
  const [uri] = childrenOf(scoped, 'uri');
  if (!uri) throw new MalformedError(`${TITLE}: missing uri in a contact`);
  const [displayName] = childrenOf(scoped, 'display-name');
  const parameters = new Map<string, string>();
  for (const { element } of childrenOf(scoped, 'unknown-param')) {
    const name = attributeOf(element, 'name')?.trim().toLowerCase();
    if (name) parameters.set(name, textOf(element).trim());
  }
  const [publicGruu] = childrenOf(scoped, 'pub-gruu', GRUU_NAMESPACES);
  const [temporary] = childrenOf(scoped, 'temp-gruu', GRUU_NAMESPACES);
  return {
    id: requiredAttribute(element, 'id'),
    uri: uriOf(textOf(uri.element), 'uri'),
    state: among(element, 'state', CONTACT_STATES),
    event: among(element, 'event', CONTACT_EVENTS),
    parameters,
    displayName: displayName && textOf(displayName.element).trim(),
    expires: /^\s*-\d/.test(attributeOf(element, 'expires') ?? '') ? 0 : optional(element, 'expires'),
    retryAfter: optional(element, 'retry-after'),
    durationRegistered: optional(element, 'duration-registered'),
    q: preference(element),
    callId: attributeOf(element, 'callid'),
    cseq: optional(element, 'cseq'),
    publicGruu:
      publicGruu && ifReadable(() => uriOf(requiredAttribute(publicGruu.element, 'uri'), 'pub-gruu')),
    temporaryGruu: temporary && ifReadable(() => temporaryGruu(temporary.element)),
  };
}

function temporaryGruu(element: MarkupElement): TemporaryGruu {
  return {
    uri: uriOf(requiredAttribute(element, 'uri'), 'temp-gruu'),
    firstCSeq: required(element, 'first-cseq'),
  };
}

function childrenOf(
  { children }: ScopedElement,
  wanted: string,
  namespaces: ReadonlySet<string> = new Set([REGINFO_NAMESPACE]),
): ScopedElement[] {
  return children.filter(({ name: { namespace, local } }) => local === wanted && namespaces.has(namespace));
}

/** Removes white space, which the sample in TS B.1.2 contains. */
function uriOf(text: string, what: string): string {
  const uri = text.replace(/\s+/g, '');
  if (!/^[a-z][a-z0-9+.-]*:./i.test(uri)) {
    throw new MalformedError(`${TITLE}: invalid ${what} ${JSON.stringify(uri)}: expected a URI`);
  }
  return uri;
}

function among<Value extends string>(element: MarkupElement, name: string, values: readonly Value[]): Value {
  requiredAttribute(element, name);
  const [preset] = values;
  if (preset === undefined) throw new TypeError('missing values');
  return attributeAmong(element, name, values, preset);
}

function required(element: MarkupElement, name: string): number {
  const text = requiredAttribute(element, name).trim();
  const number = optional(element, name);
  if (number !== undefined) return number;
  throw new MalformedError(
    `${element.name}: invalid ${name} "${text}": expected a number up to ${MAX_NUMBER}`,
  );
}

/** Undefined if it is absent or malformed. */
function optional(element: MarkupElement, name: string): number | undefined {
  const text = attributeOf(element, name)?.trim() ?? '';
  const number = /^\d{1,20}$/.test(text) ? Number(text) : Number.NaN;
  return number <= MAX_NUMBER ? number : undefined;
}

function preference(element: MarkupElement): number | undefined {
  const text = attributeOf(element, 'q')?.trim() ?? '';
  return /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(text) ? Number(text) : undefined;
}
