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

/** @throws MalformedError naming the place and what was expected. */
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
    registrations: childrenOf(root, 'registration').map(registration),
  };
}

function registration(scoped: ScopedElement): ReginfoRegistration {
  const { element } = scoped;
  return {
    aor: uriOf(requiredAttribute(element, 'aor'), 'aor'),
    id: requiredAttribute(element, 'id'),
    state: among(element, 'state', REGISTRATION_STATES),
    contacts: childrenOf(scoped, 'contact').map(contact),
  };
}

function contact(scoped: ScopedElement): ReginfoContact {
  const { element } = scoped;
  const [uri] = childrenOf(scoped, 'uri');
  if (!uri) throw new MalformedError(`${TITLE}: missing uri in a contact`);
  const [displayName] = childrenOf(scoped, 'display-name');
  const parameters = new Map<string, string>();
  for (const { element } of childrenOf(scoped, 'unknown-param')) {
    parameters.set(requiredAttribute(element, 'name').trim().toLowerCase(), textOf(element).trim());
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
    publicGruu: publicGruu && uriOf(requiredAttribute(publicGruu.element, 'uri'), 'pub-gruu'),
    temporaryGruu: temporary && temporaryGruu(temporary.element),
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
  requiredAttribute(element, name);
  return optional(element, name) ?? 0;
}

function optional(element: MarkupElement, name: string): number | undefined {
  const text = attributeOf(element, name)?.trim();
  if (text === undefined) return undefined;
  const number = /^\d{1,20}$/.test(text) ? Number(text) : Number.NaN;
  if (!(number <= MAX_NUMBER)) {
    throw new MalformedError(
      `${element.name}: invalid ${name} "${text}": expected a number up to ${MAX_NUMBER}`,
    );
  }
  return number;
}

function preference(element: MarkupElement): number | undefined {
  const text = attributeOf(element, 'q')?.trim();
  if (text === undefined) return undefined;
  if (!/^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(text)) {
    throw new MalformedError(`${element.name}: invalid q "${text}": expected 0 to 1`);
  }
  return Number(text);
}
