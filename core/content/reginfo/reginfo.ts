/** `application/reginfo+xml`: who is registered where (RFC 3680), with GRUUs (RFC 5628). */

import { element, type MarkupElement } from '../wbxml/document.js';
import { writeXml } from '../xml/writer.js';

export const REGINFO_TYPE = 'application/reginfo+xml';

export const REGINFO_NAMESPACE = 'urn:ietf:params:xml:ns:reginfo';

/** RFC 5628 3. The push specification's sample spells it with one u (TS B.1.2). */
export const GRUU_NAMESPACE = 'urn:ietf:params:xml:ns:gruuinfo';
export const GRUU_NAMESPACES: ReadonlySet<string> = new Set([
  GRUU_NAMESPACE,
  'urn:ietf:params:xml:ns:gruinfo',
]);

export const REGISTRATION_STATES = ['init', 'active', 'terminated'] as const;
export const CONTACT_STATES = ['active', 'terminated'] as const;
/** What put a contact into its state (RFC 3680 5.1). */
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
  /** 0 for the first document of a subscription, one more for each that follows. */
  readonly version: number;
  /** `partial`: what it does not name is as it was. */
  readonly state: 'full' | 'partial';
  readonly registrations: readonly ReginfoRegistration[];
}

/** An address of record and its contacts; of a partial document, those that changed. */
export interface ReginfoRegistration {
  readonly aor: string;
  /** The same through all documents of a subscription. */
  readonly id: string;
  readonly state: (typeof REGISTRATION_STATES)[number];
  readonly contacts: readonly ReginfoContact[];
}

export interface ReginfoContact {
  /** The same through all documents of a subscription, and no other contact's. */
  readonly id: string;
  readonly uri: string;
  readonly displayName?: string;
  readonly state: (typeof CONTACT_STATES)[number];
  readonly event: ContactEvent;
  /** Seconds left. */
  readonly expires?: number;
  /** Of `probation`: seconds after which it may register again. */
  readonly retryAfter?: number;
  /** Seconds since it was bound to the address. */
  readonly durationRegistered?: number;
  /** Callee preference, 0 to 1. */
  readonly q?: number;
  readonly callId?: string;
  readonly cseq?: number;
  /**
   * Parameters of the Contact that RFC 3261 does not know, feature tags for one: by name in lower case, as they were
   * written there, quotes included; '' for one without a value.
   */
  readonly parameters: ReadonlyMap<string, string>;
  readonly publicGruu?: string;
  readonly temporaryGruu?: TemporaryGruu;
}

export interface TemporaryGruu {
  readonly uri: string;
  /** CSeq of the REGISTER since which it is valid (RFC 5628 5). */
  readonly firstCSeq: number;
}

/** The value of a parameter without its quotes; undefined where the contact has none of that name. */
export function contactParameter({ parameters }: ReginfoContact, name: string): string | undefined {
  const raw = parameters.get(name.toLowerCase());
  const quoted = raw === undefined ? undefined : /^"(.*)"$/s.exec(raw)?.[1];
  return quoted === undefined ? raw : quoted.replace(/\\(.)/gs, '$1');
}

/** `urn:uuid:…`: of `+sip.instance`, without the angle brackets. */
export function contactInstanceId(contact: ReginfoContact): string | undefined {
  // A URN has no blanks; the push specification's sample has one in the middle (TS B.1.2).
  const value = contactParameter(contact, '+sip.instance')?.replace(/\s+/g, '');
  return value === undefined || value === '' ? undefined : value.replace(/^<(.*)>$/, '$1');
}

/** Writes `application/reginfo+xml`. */

/** @throws ConfigurationError for text that XML cannot hold. */
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

function contact(written: ReginfoContact): MarkupElement {
  const { id, state, event, uri, displayName, parameters, publicGruu, temporaryGruu } = written;
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
    'duration-registered': text(written.durationRegistered),
    expires: text(written.expires),
    'retry-after': text(written.retryAfter),
    q: text(written.q),
    callid: written.callId,
    cseq: text(written.cseq),
  };
  return element('contact', attributes, ...children);
}

function text(number: number | undefined): string | undefined {
  return number === undefined ? undefined : String(number);
}
