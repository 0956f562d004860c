/** Compares a Contact with the bindings of a user (RFC 3261 §10.3, RFC 5626 §6). */

import type { NameAddr } from '../../../core/sip/values/name-addr.js';
import { SipUri } from '../../../core/sip/values/uri.js';
import type { Binding, RegistrationRequest } from './binding.js';
import { canonicalInstanceId } from './gruu.js';

export interface ContactKey {
  instanceId: string | undefined;
  regId: string | undefined;
}

export function contactKey({ parameters }: NameAddr): ContactKey {
  const instance = parameters.get('+sip.instance');
  if (instance === undefined) return { instanceId: undefined, regId: undefined };
  return { instanceId: canonicalInstanceId(instance), regId: parameters.get('reg-id') };
}

/** Whether a Contact of this REGISTER replaces a binding. */
export function replaces(
  { callId }: Pick<RegistrationRequest, 'callId'>,
  binding: Binding,
  contact: NameAddr,
  { instanceId, regId }: ContactKey,
): boolean {
  if (instanceId !== undefined && binding.device?.instanceId === instanceId) {
    // RFC 5626 §6: instance id and reg-id are the key, independently of the Contact URI.
    if (regId !== undefined || binding.regId !== undefined) return regId === binding.regId;
    // RFC 3261 §10.2: one Call-ID for each boot. The contact from before a restart is dead, although it has not expired.
    if (binding.callId !== callId) return true;
  }
  return sameContact(binding.contact.uri, contact.uri);
}

export function sameContact(one: string, other: string): boolean {
  if (one === other) return true;
  const [first, second] = [SipUri.parse(one), SipUri.parse(other)];
  return first !== undefined && second !== undefined && first.equals(second);
}
