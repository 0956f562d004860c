/** Bindings as `application/reginfo+xml` tells of them (RFC 3680, RFC 5628). */

import { createHash } from 'node:crypto';
import type {
  ContactEvent,
  ReginfoContact,
  ReginfoRegistration,
} from '../../../core/content/reginfo/reginfo.js';
import type { Account } from '../registrar/accounts.js';
import type { Binding } from '../registrar/binding.js';
import { publicGruu, type TemporaryGruus } from '../registrar/gruu.js';
import type { BindingEnd } from '../registrar/location.js';

/** RFC 3680 5.1. */
const END_EVENTS: Readonly<Record<BindingEnd, ContactEvent>> = {
  removed: 'unregistered',
  expired: 'expired',
  // The device may register again at once.
  'connection closed': 'deactivated',
};

/** Parameters of a Contact that have a place of their own, or mean nothing to a watcher. */
const KNOWN_PARAMETERS = new Set(['expires', 'q', 'pub-gruu', 'temp-gruu']);
/** Of SHA-256, hexadecimal: one in a million million for each pair of a user's contacts. */
const ID_DIGITS = 16;

/** What a watcher was told of: bindings by the id of their contact. */
export type ToldBindings = ReadonlyMap<string, Binding>;

export function toldOf(bindings: Iterable<Binding>): ToldBindings {
  return new Map(Array.from(bindings, (binding) => [contactId(binding), binding]));
}

export interface Difference {
  /** As they are now; all of them in a full document. */
  readonly active: readonly { binding: Binding; id: string; event: ContactEvent }[];
  readonly ended: readonly { binding: Binding; id: string; event: ContactEvent }[];
}

/** @param ends why bindings ended, as far as is known. */
export function difference(
  before: ToldBindings,
  now: ToldBindings,
  full: boolean,
  ends: ReadonlyMap<string, BindingEnd>,
): Difference {
  const active = Array.from(now, ([id, binding]) => ({ binding, id, before: before.get(id) }))
    .filter(({ binding, before }) => full || before !== binding)
    .map(({ binding, id, before }) => ({ binding, id, event: eventOf(binding, before) }));
  const ended = Array.from(before, ([id, binding]) => ({ binding, id }))
    .filter(({ id }) => !now.has(id))
    // One without a reason was replaced: the device started anew with another Contact.
    .map(({ binding, id }) => ({ binding, id, event: END_EVENTS[ends.get(id) ?? 'connection closed'] }));
  return { active, ended };
}

function eventOf(binding: Binding, before: Binding | undefined): ContactEvent {
  if (!before || before === binding) return 'registered';
  return binding.expiresAt < before.expiresAt ? 'shortened' : 'refreshed';
}

/**
 * One registration an identity of the user: all are registered when one is (3GPP TS 24.229 5.4.2.1.2).
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

type Described = Omit<ReginfoContact, 'id' | 'state' | 'event'>;

function contactOf(binding: Binding, identity: string, temporaryGruus: TemporaryGruus): Described {
  const { device, expiresAt, q } = binding;
  const gruu = device && publicGruu(identity, device.instanceId);
  const temporary = device && temporaryGruus.issue(identity, device.number);
  return {
    ...describe(binding),
    expires: Math.max(0, Math.ceil((expiresAt - performance.now()) / 1000)),
    ...(binding.contact.parameters.has('q') ? { q } : {}),
    publicGruu: gruu,
    ...(device && temporary !== undefined
      ? { temporaryGruu: { uri: temporary, firstCSeq: device.firstCSeq } }
      : {}),
  };
}

function describe({ contact, callId, cseq }: Binding): Described {
  const parameters = new Map<string, string>();
  for (const [name, raw] of contact.parameters.entries()) {
    const lower = name.toLowerCase();
    if (!KNOWN_PARAMETERS.has(lower)) parameters.set(lower, writable(raw ?? ''));
  }
  return {
    uri: writable(contact.uri),
    ...(contact.displayName ? { displayName: writable(contact.displayName) } : {}),
    callId: writable(callId),
    cseq,
    parameters,
  };
}

/** Without control characters, which XML cannot hold and no device means. */
function writable(text: string): string {
  return text.replace(/\p{Cc}/gu, '');
}

/** The same as long as the Contact URI is, however often it is refreshed. */
export function contactId({ username, contact }: Binding): string {
  return createHash('sha256').update(`${username} ${contact.uri}`).digest('hex').slice(0, ID_DIGITS);
}
