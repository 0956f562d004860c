/** Events of the embedded network: messages and registrations. */

import type { SipFlow, SipTransport } from '../../../core/sip/transport/flow.js';
import { hostPort } from '../../../core/sip/transport/transport-uri.js';
import type { Binding } from '../registrar/binding.js';
import type { BindingEnd } from '../registrar/location.js';

/** An event of the embedded network. */
export type NetworkEvent = MessageEvent | RegisteredEvent | DeregisteredEvent;

/** A message that the network received or sent. */
export interface MessageEvent {
  /** Name of the event. */
  readonly event: 'message';
  /** Milliseconds since 1970. */
  readonly time: number;
  /** Transport of the message. */
  readonly transport: SipTransport;
  /** Address of the origin with its port, `127.0.0.1:5060`. */
  readonly from: string;
  /** Address of the destination with its port. */
  readonly to: string;
  /** Whether the network received (`in`) or sent (`out`) it. */
  readonly direction: 'in' | 'out';
  /** Users that registered on the flow. */
  readonly users: readonly string[];
  /** Method of a request. */
  readonly method?: string;
  /** Request-URI of a request. */
  readonly uri?: string;
  /** Status of a response. */
  readonly status?: number;
  /** Reason phrase of a response. */
  readonly reason?: string;
  /** CSeq, `1 MESSAGE`. */
  readonly cseq: string;
  /** Call-ID. */
  readonly callId: string;
  /** Size of the message in bytes. */
  readonly bytes: number;
}

/** A contact was registered or refreshed. */
export interface RegisteredEvent extends RegistrationInfo {
  /** Name of the event. */
  readonly event: 'registered';
  /** Milliseconds since 1970. */
  readonly time: number;
}

/** A contact was removed. */
export interface DeregisteredEvent {
  /** Name of the event. */
  readonly event: 'deregistered';
  /** Milliseconds since 1970. */
  readonly time: number;
  /** Public identity. */
  readonly identity: string;
  /** Contact URI. */
  readonly contact: string;
  /** Why it was removed. */
  readonly reason: BindingEnd;
}

/** A registered contact. */
export interface RegistrationInfo {
  /** User name. */
  readonly username: string;
  /** Public identity. */
  readonly identity: string;
  /** Contact as registered, with its feature tags. */
  readonly contact: string;
  /** Instance id of the device, if it registered one. */
  readonly instanceId?: string;
  /** Transport of the registration. */
  readonly transport: SipTransport;
  /** Address that it registered from. */
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
    method,
    uri,
    status: status === undefined ? undefined : Number(status),
    reason,
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
