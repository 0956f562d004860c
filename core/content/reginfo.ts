/** `application/reginfo+xml`: registrations and their contacts (RFC 3680), with GRUUs (RFC 5628). */

import { element, type MarkupElement } from './markup.js';
import { writeXml } from './xml/writer.js';

export const REGINFO_TYPE = 'application/reginfo+xml';

export const REGINFO_NAMESPACE = 'urn:ietf:params:xml:ns:reginfo';

/** RFC 5628 §3. The sample in TS B.1.2 spells it `gruinfo`. */
const GRUU_NAMESPACE = 'urn:ietf:params:xml:ns:gruuinfo';
export const GRUU_NAMESPACES: ReadonlySet<string> = new Set([
  GRUU_NAMESPACE,
  'urn:ietf:params:xml:ns:gruinfo',
]);

export const REGISTRATION_STATES = ['init', 'active', 'terminated'] as const;
export const CONTACT_STATES = ['active', 'terminated'] as const;
/** The event that changed the state of a contact (RFC 3680 §5.1). */
export const CONTACT_EVENTS = [
  'registered',
  'created',
  'refreshed',
  'shortened',
  'expired',
  'deactivated',
  'probation',
  'unregistered',
  'rejected',
] as const;

export type ContactEvent = (typeof CONTACT_EVENTS)[number];

export interface Reginfo {
  /** 0 for the first document of a subscription; it increases by one with each document. */
  readonly version: number;
  /** `partial`: registrations that are not listed are unchanged. */
  readonly state: 'full' | 'partial';
  readonly registrations: readonly ReginfoRegistration[];
}

/** An address of record and its contacts; in a partial document, the changed ones. */
export interface ReginfoRegistration {
  readonly aor: string;
  /** Constant within a subscription. */
  readonly id: string;
  readonly state: (typeof REGISTRATION_STATES)[number];
  readonly contacts: readonly ReginfoContact[];
}

export interface ReginfoContact {
  /** Unique and constant within a subscription. */
  readonly id: string;
  readonly uri: string;
  readonly displayName?: string;
  readonly state: (typeof CONTACT_STATES)[number];
  readonly event: ContactEvent;
  /** Seconds until the contact expires. */
  readonly expires?: number;
  /** With `probation`: seconds until the contact may register again. */
  readonly retryAfter?: number;
  /** Seconds since the contact was registered. */
  readonly durationRegistered?: number;
  /** Callee preference, 0 to 1. */
  readonly q?: number;
  readonly callId?: string;
  readonly cseq?: number;
  /**
   * Other parameters of the Contact, such as feature tags, by name in lower case. Values include their quotes; '' for a
   * parameter without a value.
   */
  readonly parameters: ReadonlyMap<string, string>;
  readonly publicGruu?: string;
  readonly temporaryGruu?: TemporaryGruu;
}

export interface TemporaryGruu {
  readonly uri: string;
  /** CSeq of the REGISTER since which it is valid (RFC 5628 §5). */
  readonly firstCSeq: number;
}

/** The unquoted value of a parameter; undefined if the contact does not have it. */
export function contactParameter({ parameters }: ReginfoContact, name: string): string | undefined {
  const raw = parameters.get(name.toLowerCase());
  const quoted = raw === undefined ? undefined : /^"(.*)"$/s.exec(raw)?.[1];
  return quoted === undefined ? raw : quoted.replace(/\\(.)/gs, '$1');
}

/** The value of `+sip.instance` without angle brackets, `urn:uuid:…`. */
export function contactInstanceId(contact: ReginfoContact): string | undefined {
  // The sample in TS B.1.2 has a blank in the URN.
  const value = contactParameter(contact, '+sip.instance')?.replace(/\s+/g, '');
  return value === undefined || value === '' ? undefined : value.replace(/^<(.*)>$/, '$1');
}

/** Writes a document. @throws ConfigurationError if a text contains characters that XML does not allow. */
export function writeReginfo({ version, state, registrations }: Reginfo): Uint8Array {
  const attributes = {
    xmlns: REGINFO_NAMESPACE,
    'xmlns:gr': GRUU_NAMESPACE,
    version: String(version),
    state,
  };
  return writeXml(element('reginfo', attributes, ...registrations.map(registration)));
}

function registration({ aor, id, state, contacts }: ReginfoRegistration): MarkupElement {
  return element('registration', { aor, id, state }, ...contacts.map(contact));
}

function contact(source: ReginfoContact): MarkupElement {
  const { id, state, event, uri, displayName, parameters, publicGruu, temporaryGruu } = source;
  const children: MarkupElement[] = [element('uri', {}, uri)];
  if (displayName !== undefined) children.push(element('display-name', {}, displayName));
  for (const [name, value] of parameters) children.push(element('unknown-param', { name }, value));
  if (publicGruu !== undefined) children.push(element('gr:pub-gruu', { uri: publicGruu }));
  if (temporaryGruu) {
    const { uri, firstCSeq } = temporaryGruu;
    children.push(element('gr:temp-gruu', { uri, 'first-cseq': String(firstCSeq) }));
  }
  const attributes = {
    id,
    state,
    event,
    'duration-registered': text(source.durationRegistered),
    expires: text(source.expires),
    'retry-after': text(source.retryAfter),
    q: text(source.q),
    callid: source.callId,
    cseq: text(source.cseq),
  };
  return element('contact', attributes, ...children);
}

function text(number: number | undefined): string | undefined {
  return number === undefined ? undefined : String(number);
}
