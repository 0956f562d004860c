/** The registrations of a user as `application/reginfo+xml` (RFC 3680, RFC 5628). */

import { createHash } from 'node:crypto';
import type { ContactEvent, ReginfoContact, ReginfoRegistration } from '../../../core/content/reginfo.js';
import type { Account } from '../registrar/accounts.js';
import type { Binding } from '../registrar/binding.js';
import { publicGruu, type TemporaryGruus } from '../registrar/gruu.js';
import type { BindingEnd } from '../registrar/location.js';

/** RFC 3680 §5.1. */
const END_EVENTS: Readonly<Record<BindingEnd, ContactEvent>> = {
  removed: 'unregistered',
  expired: 'expired',
  // The device can register again at once.
  'connection closed': 'deactivated',
};

/** Parameters of a Contact that are elements of their own, or have no meaning for a watcher. */
const KNOWN_PARAMETERS = new Set(['expires', 'q', 'pub-gruu', 'temp-gruu']);
/** Length of a SHA-256 prefix, hexadecimal: two contacts of a user collide once in 10^12 cases. */
const ID_DIGITS = 16;

/** The bindings in the last NOTIFY to a watcher, by the id of their contact. */
export type ReportedBindings = ReadonlyMap<string, Binding>;

export function reportedOf(bindings: Iterable<Binding>): ReportedBindings {
  return new Map(Array.from(bindings, (binding) => [contactId(binding), binding]));
}

export interface Difference {
  /** The current bindings; all of them in a full document. */
  readonly active: readonly { binding: Binding; id: string; event: ContactEvent }[];
  readonly ended: readonly { binding: Binding; id: string; event: ContactEvent }[];
}

/** @param ends why bindings ended, if known. */
export function difference(
  before: ReportedBindings,
  now: ReportedBindings,
  full: boolean,
  ends: ReadonlyMap<string, BindingEnd>,
): Difference {
  const active = Array.from(now, ([id, binding]) => ({ binding, id, before: before.get(id) }))
    .filter(({ binding, before }) => full || before !== binding)
    .map(({ binding, id, before }) => ({ binding, id, event: eventOf(binding, before) }));
  const ended = Array.from(before, ([id, binding]) => ({ binding, id }))
    .filter(({ id }) => !now.has(id))
    // A binding without a reason was replaced: the device restarted with another Contact.
    .map(({ binding, id }) => ({ binding, id, event: END_EVENTS[ends.get(id) ?? 'connection closed'] }));
  return { active, ended };
}

function eventOf(binding: Binding, before: Binding | undefined): ContactEvent {
  if (!before || before === binding) return 'registered';
  return binding.expiresAt < before.expiresAt ? 'shortened' : 'refreshed';
}

/**
 * One registration for each identity of the user: all are registered together (3GPP TS 24.229 §5.4.2.1.2).
 * @param registered the user has a binding.
 */
export function registrationsOf(
  { identities }: Account,
  { active, ended }: Difference,
  registered: boolean,
  temporaryGruus: TemporaryGruus,
): ReginfoRegistration[] {
  const none = ended.length > 0 ? 'terminated' : 'init';
  return identities.map((identity, index) => ({
    aor: identity,
    id: `r${index}`,
    state: registered ? 'active' : none,
    contacts: [
      ...active.map(({ binding, id, event }) => ({
        ...contactOf(binding, identity, temporaryGruus),
        id: `${id}.${index}`,
        state: 'active' as const,
        event: event === 'registered' && identity !== binding.addressOfRecord ? ('created' as const) : event,
      })),
      ...ended.map(({ binding, id, event }) => ({
        ...describe(binding),
        id: `${id}.${index}`,
        state: 'terminated' as const,
        event,
      })),
    ],
  }));
}

type DescribedContact = Omit<ReginfoContact, 'id' | 'state' | 'event'>;

function contactOf(binding: Binding, identity: string, temporaryGruus: TemporaryGruus): DescribedContact {
  const { device, expiresAt, q } = binding;
  const gruu = device && publicGruu(identity, device.instanceId);
  const temporary = device && temporaryGruus.issue(identity, device.number);
  return {
    ...describe(binding),
    expires: Math.max(0, Math.ceil((expiresAt - performance.now()) / 1000)),
    q: binding.contact.parameters.has('q') ? q : undefined,
    publicGruu: gruu,
    temporaryGruu:
      device && temporary !== undefined ? { uri: temporary, firstCSeq: device.firstCSeq } : undefined,
  };
}

function describe({ contact, callId, cseq }: Binding): DescribedContact {
  const parameters = new Map<string, string>();
  for (const [name, raw] of contact.parameters.entries()) {
    const lower = name.toLowerCase();
    if (!KNOWN_PARAMETERS.has(lower)) parameters.set(lower, writable(raw ?? ''));
  }
  return {
    uri: writable(contact.uri),
    displayName: contact.displayName ? writable(contact.displayName) : undefined,
    callId: writable(callId),
    cseq,
    parameters,
  };
}

/** Without control characters, which XML does not allow. */
function writable(text: string): string {
  return text.replace(/\p{Cc}/gu, '');
}

/** Depends only on the Contact URI, so it does not change with a refresh. */
export function contactId({ username, contact }: Binding): string {
  return createHash('sha256').update(`${username} ${contact.uri}`).digest('hex').slice(0, ID_DIGITS);
}
