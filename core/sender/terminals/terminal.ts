/** What a sender knows of a terminal, from the registrar (RFC 3680) and from the terminal's OPTIONS (TS 5.2). */

import { SipUri } from '../../sip/values/uri.js';

/** Known facts of a terminal. An absent property is unknown. */
export interface TerminalFacts {
  /** Public GRUU, which addresses this terminal alone (5.2-03). */
  readonly gruu?: string;
  /** Temporary GRUU. */
  readonly temporaryGruu?: string;
  /** Instance id, `urn:uuid:…`. */
  readonly instanceId?: string;
  /** The registered Contact URI. */
  readonly contact?: string;
  /** event-app-ids of its applications. */
  readonly apps?: readonly string[];
  /** Accepted media types and ranges. */
  readonly types?: readonly string[];
  /** Size of the largest accepted content, in bytes. */
  readonly maxSize?: number;
  /** Supported SIP methods. */
  readonly methods?: readonly string[];
  /** The User-Agent header: model, vendor, version. */
  readonly product?: string;
  /** URL of the User Agent Profile. */
  readonly profile?: string;
}

/** The facts in a User Agent Profile. */
export type ProfileFacts = Pick<TerminalFacts, 'apps' | 'types' | 'maxSize'>;

/** A terminal of a user. */
export interface Terminal extends TerminalFacts {
  /** Public user identity, e.g. `sip:bob@domain.test`; also of a user with `sips:`. */
  readonly user: string;
  /** Identifies the terminal among those of its user: the instance id if it is known. */
  readonly id: string;
  /** Whether the terminal is registered, by the latest information. */
  readonly registered: boolean;
  /** When the terminal was last registered or updated, in milliseconds since 1970. */
  readonly lastSeen: number;
}

/** The address of record of a SIP URI, e.g. `sips:bob@domain.test`; other URIs (tel:) are returned unchanged. */
export function addressOfRecord(uri: string): string {
  return SipUri.parse(uri)?.addressOfRecord() ?? uri;
}

/** Identifies a user: the address of record with `sip:`, because `sips:bob` is the same user as `sip:bob` (RFC 5630 §3.3). */
export function publicIdentity(uri: string): string {
  return withoutSecurity(addressOfRecord(uri));
}

/** Identifies a terminal: a GRUU and its `sips` form address the same one. */
export function gruuIdentity(gruu: string): string {
  return withoutSecurity(gruu);
}

function withoutSecurity(uri: string): string {
  return uri.replace(/^sips:/i, 'sip:');
}

/** Whether only the address of the terminal is known, so that it can be neither addressed alone nor identified. */
export function isAnonymous({ gruu, instanceId }: TerminalFacts): boolean {
  return gruu === undefined && instanceId === undefined;
}

/** Whether the GRUU came from the terminal's OPTIONS; a registrar would have reported the contact as well. */
export function isSelfIdentified<Facts extends TerminalFacts>(facts: Facts): facts is SelfIdentified<Facts> {
  return facts.gruu !== undefined && facts.contact === undefined;
}

export type SelfIdentified<Facts extends TerminalFacts> = Facts & { readonly gruu: string };

/** The id of a terminal with these facts; undefined if nothing identifies it. */
export function terminalId({ instanceId, gruu, contact }: TerminalFacts): string | undefined {
  const id = instanceId ?? instanceOf(gruu) ?? gruu ?? contact;
  return id?.toLowerCase();
}

/** Registrars commonly use the instance id in a public GRUU, `…;gr=urn:uuid:…` (RFC 5627 §3.1). */
function instanceOf(gruu: string | undefined): string | undefined {
  const value = gruu === undefined ? undefined : SipUri.parse(gruu)?.parameters.get('gr');
  return value !== undefined && /^urn:/i.test(value) ? value : undefined;
}

/** Statuses by which a registrar reports that a terminal is not registered (RFC 3261 §21.4.5, §21.4.11, §21.4.18). */
const UNREGISTERED = new Set([404, 410, 480]);

/** A busy terminal sends Retry-After; a registrar does not. */
export function isUnregisteredStatus(status: number, retryAfter: number | undefined): boolean {
  return UNREGISTERED.has(status) && retryAfter === undefined;
}
