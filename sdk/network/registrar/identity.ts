/** What a message says of who sent it, made true (RFC 3325, RFC 6050). */

import type { SipHeaders } from '../../../core/sip/message/message.js';
import type { Caller, Callers } from './caller.js';

/**
 * Believes a trusted peer, asserts the identity of an authenticated user, and takes from everybody else what only
 * the network may say.
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
  if (caller.kind === 'stranger') return;
  for (const identity of callers.assertedIdentities(caller.account, preferred)) {
    headers.append('P-Asserted-Identity', `<${identity}>`);
  }
  // RFC 6050 4.2: every user of a network for development is entitled to every service.
  for (const service of services) headers.append('P-Asserted-Service', service);
}

/** RFC 3325 7: what leaves for a peer that is not trusted says nothing of a user who asked for privacy. */
export function keepPrivacy(headers: SipHeaders): void {
  const privacy = (headers.get('Privacy') ?? '').toLowerCase().split(';');
  if (privacy.some((value) => value.trim() === 'id')) headers.delete('P-Asserted-Identity');
}
