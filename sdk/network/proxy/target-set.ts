/** The contacts of a user to which a request is sent, and their order (RFC 3261 §16.5, RFC 3841 §7). */

import type { SipRequest } from '../../../core/sip/message/message.js';
import type { SipFlow } from '../../../core/sip/transport/flow.js';
import {
  type AcceptContact,
  callerPreference,
  parseAcceptContact,
} from '../../../core/sip/values/accept-contact.js';
import {
  type FeatureSet,
  featureValuesAgree,
  parseFeatureValues,
} from '../../../core/sip/values/feature-tags.js';
import type { Account } from '../registrar/accounts.js';
import type { Binding } from '../registrar/binding.js';

/** A destination of a request. */
export interface Target {
  /** Request-URI for this target. */
  readonly uri: string;
  /** Route values that are added: the Path of a registration (RFC 3327). */
  readonly route: readonly string[];
  /** The original Request-URI, if the target is a contact of the user it names: P-Called-Party-ID (RFC 7315 §4.2). */
  readonly called?: string;
  /** Rejects, or throws, with TransportError. */
  flow(): SipFlow | Promise<SipFlow>;
  /** The user of the target device. */
  readonly account?: Account;
  /** Tried if the flow of this target fails: other flows of the same device (RFC 5626 §7). */
  readonly others: readonly Target[];
}

/** A device: its most recent contact, and others that are tried if its flow fails. */
export interface Candidate {
  readonly binding: Binding;
  readonly others: readonly Binding[];
}

/**
 * Groups of contacts: the groups are tried in sequence, the contacts of a group in parallel. Ordered by callee preference
 * (q), then by caller preference (RFC 3841 §7.2.4). Empty if the caller rejects all contacts.
 * @param deviceIsNamed the Request-URI is a GRUU: implicit preferences do not apply.
 */
export function targetSet(
  request: SipRequest,
  bindings: Iterable<Binding>,
  deviceIsNamed = false,
): Candidate[][] {
  const accepts = acceptedFeatures(request, deviceIsNamed);
  const rejects = parseAcceptContact(request.headers.getAll('Reject-Contact'));
  const ranked: { binding: Binding; preference: number }[] = [];
  for (const binding of bindings) {
    const { features } = binding;
    if (rejects.some((reject) => isRejected(features, reject))) continue;
    const preference = callerPreference(features, accepts);
    if (preference !== undefined) ranked.push({ binding, preference });
  }
  ranked.sort(
    (one, other) =>
      other.binding.q - one.binding.q ||
      other.preference - one.preference ||
      other.binding.serial - one.binding.serial,
  );
  return grouped(ranked, request);
}

/** One contact for each device: RFC 5626 §7 forbids trying two of one device at a time. */
function grouped(ranked: { binding: Binding; preference: number }[], request: SipRequest): Candidate[][] {
  const disposition = request.headers
    .getAll('Request-Disposition')
    .map((directive) => directive.toLowerCase());
  const groups: Candidate[][] = [];
  const ofDevice = new Map<unknown, Binding[]>();
  let rank: { q: number; preference: number } | undefined;
  for (const { binding, preference } of ranked) {
    const siblings = binding.device && ofDevice.get(binding.device.instanceId);
    if (siblings) {
      siblings.push(binding);
      continue;
    }
    const others: Binding[] = [];
    if (binding.device) ofDevice.set(binding.device.instanceId, others);
    const equal = rank?.q === binding.q && rank.preference === preference;
    // RFC 3841 §9.1: with `sequential` the caller wants one at a time, with `parallel` all at once.
    const alongside = disposition.includes('parallel') || (equal && !disposition.includes('sequential'));
    const group = groups.at(-1);
    if (group && alongside) group.push({ binding, others });
    else groups.push([{ binding, others }]);
    rank = { q: binding.q, preference };
  }
  return disposition.includes('no-fork') ? groups.slice(0, 1).map((group) => group.slice(0, 1)) : groups;
}

function acceptedFeatures(request: SipRequest, deviceIsNamed: boolean): AcceptContact[] {
  const { headers } = request;
  const explicit = parseAcceptContact(headers.getAll('Accept-Contact'));
  if (explicit.length > 0 || headers.has('Reject-Contact') || deviceIsNamed) return explicit;
  return [implicitPreference(request)];
}

/** RFC 3841 §7.2.2: without preferences, the device must support the method, and the event package of a SUBSCRIBE. */
function implicitPreference({ method, headers }: SipRequest): AcceptContact {
  const features = new Map([['methods', parseFeatureValues(method)]]);
  const event = method === 'SUBSCRIBE' ? headers.get('Event')?.split(';', 1)[0] : undefined;
  if (event !== undefined) features.set('events', parseFeatureValues(event));
  return { features, require: true, explicit: false };
}

/** RFC 3841 §7.2.4: a contact with all features of a Reject-Contact is removed; one that lacks any stays. */
function isRejected(contact: FeatureSet, { features }: AcceptContact): boolean {
  if (contact.size === 0 || features.size === 0) return false;
  for (const [tag, unwanted] of features) {
    const offered = contact.get(tag);
    if (!offered?.some((value) => unwanted.some((other) => featureValuesAgree(value, other)))) return false;
  }
  return true;
}
