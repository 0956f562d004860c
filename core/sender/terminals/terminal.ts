/** A terminal of a user, as described by the registrar (RFC 3680) and by itself (TS 5.2). */

import { SipUri } from '../../sip/values/uri.js';

/** The known facts of a terminal; unknown ones are absent. */
export interface TerminalFacts {
  /** Public GRUU, the address of this terminal alone (5.2-03). */
  readonly gruu?: string;
  /** Temporary GRUU. */
  readonly temporaryGruu?: string;
  /** Instance id, `urn:uuid:…`. */
  readonly instanceId?: string;
  /** Contact URI as registered. */
  readonly contact?: string;
  /** event-app-ids of its applications. */
  readonly apps?: readonly string[];
  /** Accepted media types and ranges. */
  readonly types?: readonly string[];
  /** Largest accepted content in bytes. */
  readonly maxSize?: number;
  /** Supported SIP methods. */
  readonly methods?: readonly string[];
  /** Its User-Agent: model, vendor, version. */
  readonly product?: string;
  /** URL of its User Agent Profile. */
  readonly profile?: string;
}

/** What a User Agent Profile says. */
export type ProfileFacts = Pick<TerminalFacts, 'apps' | 'types' | 'maxSize'>;

/** A terminal of a user. */
export interface Terminal extends TerminalFacts {
  /** Public user identity, `sip:bob@domain.test`. */
  readonly user: string;
  /** Identifies the terminal among those of its user: its instance id, if known. */
  readonly id: string;
  /** Whether it is registered, according to the last information. */
  readonly here: boolean;
  /** When the sender last heard of it, milliseconds since 1970. */
  readonly seen: number;
}

/** `sip:bob@domain.test`, whatever parameters it came with; what is no SIP URI (tel:) stays as it is. */
export function publicIdentity(uri: string): string {
  return SipUri.parse(uri)?.addressOfRecord() ?? uri;
}

/** Known by no name, but by where it is: it cannot be addressed alone, nor told from another one there. */
export function isNameless({ gruu, instanceId }: TerminalFacts): boolean {
  return gruu === undefined && instanceId === undefined;
}

/** Its name came from itself, in an OPTIONS: a registrar that names its contacts gives their addresses, too. */
export function isSelfNamed<Facts extends TerminalFacts>(facts: Facts): facts is SelfNamed<Facts> {
  return facts.gruu !== undefined && facts.contact === undefined;
}

export type SelfNamed<Facts extends TerminalFacts> = Facts & { readonly gruu: string };

/** Undefined when nothing tells it from the user's others. */
export function terminalId({ instanceId, gruu, contact }: TerminalFacts): string | undefined {
  const id = instanceId ?? instanceOf(gruu) ?? gruu ?? contact;
  return id?.toLowerCase();
}

/** RFC 5627 3.1: registrars commonly put the instance into a public GRUU, `…;gr=urn:uuid:…`. */
function instanceOf(gruu: string | undefined): string | undefined {
  const value = gruu === undefined ? undefined : SipUri.parse(gruu)?.parameters.get('gr');
  return value !== undefined && /^urn:/i.test(value) ? value : undefined;
}

/** Answers by which a registrar says that the terminal is not there (RFC 3261 21.4.5, 21.4.11, 21.4.18). */
const GONE = new Set([404, 410, 480]);

/** Busy terminals say when they are not; a registrar does not know. */
export function saysGone(status: number, retryAfter: number | undefined): boolean {
  return GONE.has(status) && retryAfter === undefined;
}
