/** What the network tells of itself: every message, and who comes and goes. */

import type { SipFlow, SipTransport } from '../../../core/sip/transport/flow.js';
import { hostPort } from '../../../core/sip/transport/transport-uri.js';
import type { Binding } from '../registrar/binding.js';
import type { BindingEnd } from '../registrar/location.js';

/** What the embedded network tells. */
export type NetworkEvent = MessageEvent | RegisteredEvent | DeregisteredEvent;

/** One message on the wire; a line of a ladder. */
export interface MessageEvent {
  readonly event: 'message';
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly transport: SipTransport;
  /** Addresses with ports, `127.0.0.1:5060`. */
  readonly from: string;
  readonly to: string;
  /** Whether the network received (`in`) or sent (`out`) it. */
  readonly direction: 'in' | 'out';
  /** Users registered on the flow: a name for the peer's end of the line. */
  readonly users: readonly string[];
  /** Of a request. */
  readonly method?: string;
  readonly uri?: string;
  /** Of a response. */
  readonly status?: number;
  readonly reason?: string;
  /** `1 MESSAGE`, as it stands there. */
  readonly cseq: string;
  readonly callId: string;
  /** Of the whole message. */
  readonly bytes: number;
}

/** A contact was registered or refreshed. */
export interface RegisteredEvent extends RegistrationInfo {
  readonly event: 'registered';
  readonly time: number;
}

/** A contact is registered no longer. */
export interface DeregisteredEvent {
  readonly event: 'deregistered';
  readonly time: number;
  readonly identity: string;
  readonly contact: string;
  readonly reason: BindingEnd;
}

/** One contact that is registered. */
export interface RegistrationInfo {
  readonly username: string;
  readonly identity: string;
  /** As registered, with its feature tags. */
  readonly contact: string;
  readonly instanceId?: string;
  readonly transport: SipTransport;
  /** From where it registered. */
  readonly address: string;
  /** Seconds left. */
  readonly expires: number;
}

/** Bytes at the start of a message in which its Call-ID and CSeq are looked for. */
const HEAD_BYTES = 4096;

const REQUEST = /^(\S+) (\S+) SIP\/2\.0\r?\n/;
const STATUS = /^SIP\/2\.0 (\d{3}) ?([^\r\n]*)/;
const CSEQ = /\nCSeq[ \t]*:[ \t]*([^\r\n]*)/i;
const CALL_ID = /\n(?:Call-ID|i)[ \t]*:[ \t]*([^\r\n]*)/i;

export function messageEvent(
  direction: 'in' | 'out',
  bytes: Uint8Array,
  { transport, local, remote }: SipFlow,
  users: readonly string[],
): MessageEvent {
  const head = new TextDecoder().decode(bytes.subarray(0, HEAD_BYTES));
  const [, method, uri] = REQUEST.exec(head) ?? [];
  const [, status, reason] = STATUS.exec(head) ?? [];
  const us = hostPort(local.host, local.port);
  const peer = hostPort(remote.host, remote.port);
  return {
    event: 'message',
    time: Date.now(),
    transport,
    from: direction === 'in' ? peer : us,
    to: direction === 'in' ? us : peer,
    direction,
    users,
    ...(method === undefined || uri === undefined ? {} : { method, uri }),
    ...(status === undefined ? {} : { status: Number(status), reason: reason ?? '' }),
    cseq: CSEQ.exec(head)?.[1] ?? '',
    callId: CALL_ID.exec(head)?.[1] ?? '',
    bytes: bytes.length,
  };
}

export function registrationInfo(binding: Binding): RegistrationInfo {
  const { username, addressOfRecord, contact, device, flow, expiresAt } = binding;
  return {
    username,
    identity: addressOfRecord,
    contact: contact.toString(),
    instanceId: device === undefined ? undefined : device.instanceId,
    transport: flow.transport,
    address: hostPort(flow.remote.host, flow.remote.port),
    expires: Math.max(0, Math.ceil((expiresAt - performance.now()) / 1000)),
  };
}
