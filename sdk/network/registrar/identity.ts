/** Asserts the identity of the sender of a message (RFC 3325, RFC 6050). */

import type { SipHeaders } from '../../../core/sip/message/message.js';
import type { Caller, Callers } from './caller.js';

/**
 * Keeps the assertions of a trusted peer, asserts the identity of an authenticated user, and removes the assertions of
 * other senders.
 */
export function assertIdentity(headers: SipHeaders, caller: Caller, callers: Callers): void {
  const preferred = headers.getAll('P-Preferred-Identity');
  const services = headers.getAll('P-Preferred-Service');
  headers.delete('P-Preferred-Identity');
  headers.delete('P-Preferred-Service');
  if (caller.kind === 'trusted') return;
  headers.delete('P-Asserted-Identity');
  headers.delete('P-Asserted-Service');
  headers.delete('P-Called-Party-ID');
  if (caller.kind === 'unauthenticated') return;
  for (const identity of callers.assertedIdentities(caller.account, preferred)) {
    headers.append('P-Asserted-Identity', `<${identity}>`);
  }
  // RFC 6050 §4.2: in a network for development, every user may use every service.
  for (const service of services) headers.append('P-Asserted-Service', service);
}

/** RFC 3325 §7: a message to an untrusted peer does not contain the identity of a user who asked for privacy. */
export function keepPrivacy(headers: SipHeaders): void {
  const privacy = (headers.get('Privacy') ?? '').toLowerCase().split(';');
  if (privacy.some((value) => value.trim() === 'id')) headers.delete('P-Asserted-Identity');
}
