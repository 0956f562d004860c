/**
 * Package #0 of OMA DM, application/vnd.syncml.notification: a server requests a session, and proves with a digest that
 * it knows the password and the nonce of the last session. The layout is that of DM 1.1; DM 1.2 differs only in the
 * version.
 */

import { platform } from '#platform';
import { ConfigurationError } from '../errors.js';
import { decodeHexadecimal, encodeBase64 } from './binary-text.js';
import { decodeText } from './charset.js';
import { OctetReader, OctetWriter } from './wsp/octets.js';

export interface DmSecret {
  /** Identifier of the server. */
  readonly serverId: string;
  /** Secret that the server and the device share. */
  readonly password: string;
  /** Nonce as bytes, not base64. */
  readonly nonce: Uint8Array;
}

/**
 * `MD5(B64(MD5(serverId:password)):nonce:B64(MD5(trigger)))`, 16 octets.
 *
 * @param secret the secret that the server and the device share.
 * @param trigger the notification without its digest, `DmNotification.trigger`.
 */
export function dmDigest({ serverId, password, nonce }: DmSecret, trigger: Uint8Array): Uint8Array {
  const encoder = new TextEncoder();
  const credentials = encodeBase64(md5(encoder.encode(`${serverId}:${password}`)));
  const input = new OctetWriter()
    .octets(encoder.encode(`${credentials}:`))
    .octets(nonce)
    .octets(encoder.encode(`:${encodeBase64(md5(trigger))}`));
  return md5(input.finish());
}

/** Whether two digests are equal, compared in constant time. */
export function sameDigest(one: Uint8Array, other: Uint8Array): boolean {
  let difference = one.length ^ other.length;
  for (const [index, octet] of one.entries()) difference |= octet ^ (other[index] ?? 0);
  return difference === 0;
}

function md5(octets: Uint8Array): Uint8Array {
  return decodeHexadecimal(platform.hash('md5', octets));
}

const DOCUMENT = 'DM notification';
const uiModes = ['not-specified', 'background', 'informative', 'user-interaction'] as const;
const initiators = ['client', 'server'] as const;

/** How the user is informed about a management session. */
export type DmUiMode = (typeof uiModes)[number];

/** The part of a notification that the digest covers. */
export interface DmTrigger {
  /** Version, `1.1` or `1.2`. */
  readonly version: string;
  /** How much the user notices. */
  readonly uiMode: DmUiMode;
  /** Who requested the session: the device's user, or the server. */
  readonly initiator: 'client' | 'server';
  /** Session id, 0 to 65535. */
  readonly sessionId: number;
  /** Identifier of the server, 1 to 255 bytes. */
  readonly serverId: string;
  /** Vendor-specific bytes after the server's identifier. */
  readonly body?: Uint8Array;
}

/** A notification of a device management server, package #0 (OMA-TS-DM_Notification). */
export interface DmNotification extends DmTrigger {
  /** 16 bytes; all zero if the server sends none. */
  readonly digest: Uint8Array;
  /** The notification without the digest, as received: the input of `dmDigest`. */
  readonly trigger: Uint8Array;
}

const DIGEST_OCTETS = 16;
/** Version 10 bits, UI mode 2, initiator 1, and 27 reserved bits, which include the last three octets. */
const LATER_USE_OCTETS = 3;
const MAX_VERSION = 0x3ff;
const MAX_SESSION_ID = 0xffff;
const MAX_SERVER_ID = 0xff;

/**
 * Decodes package #0. It does not verify the digest: compare it with that of `dmDigest`.
 *
 * @throws MalformedError naming the field, its offset, and what was expected.
 */
export function decodeDmNotification(octets: Uint8Array): DmNotification {
  const reader = new OctetReader(octets, DOCUMENT);
  const digest = reader.octets(DIGEST_OCTETS, 'digest').slice();
  const trigger = reader.fork().rest().slice();
  const [high = 0, low = 0] = reader.octets(2, 'version');
  // The reserved bits are ignored: a later version can use them.
  reader.octets(LATER_USE_OCTETS, 'header');
  const sessionId = (reader.octet('session id') << 8) | reader.octet('session id');
  const start = reader.offset;
  const length = reader.octet('length of the server id');
  if (length === 0) throw reader.failure('length of the server id', '1 to 255', start);
  const serverId = decodeText(reader.octets(length, 'server id'));
  const body = reader.rest().slice();
  return {
    digest,
    trigger,
    version: formatTenths((high << 2) | (low >> 6)),
    uiMode: uiModes[(low >> 4) & 3] ?? 'not-specified',
    initiator: low & 0x08 ? 'server' : 'client',
    sessionId,
    serverId,
    body: body.length > 0 ? body : undefined,
  };
}

/** Encodes the notification without its digest. @throws ConfigurationError if a value does not fit. */
export function encodeDmTrigger({
  version,
  uiMode,
  initiator,
  sessionId,
  serverId,
  body = new Uint8Array(),
}: DmTrigger): Uint8Array {
  const identifier = new TextEncoder().encode(serverId);
  if (identifier.length === 0 || identifier.length > MAX_SERVER_ID) {
    throw new ConfigurationError(`invalid server id of ${identifier.length} octets: expected 1 to 255`);
  }
  if (!Number.isInteger(sessionId) || sessionId < 0 || sessionId > MAX_SESSION_ID) {
    throw new ConfigurationError(`invalid session id ${sessionId}: expected 0 to 65535`);
  }
  const header =
    (parseTenths(version) << 6) | (uiModes.indexOf(uiMode) << 4) | (initiators.indexOf(initiator) << 3);
  return new OctetWriter()
    .octet(header >> 8)
    .octet(header & 0xff)
    .octets(new Uint8Array(LATER_USE_OCTETS))
    .octet(sessionId >> 8)
    .octet(sessionId & 0xff)
    .octet(identifier.length)
    .octets(identifier)
    .octets(body)
    .finish();
}

/**
 * Encodes package #0.
 * @param digest 16 bytes, as `dmDigest` returns them for the trigger.
 * @param trigger the notification without its digest, from `encodeDmTrigger`.
 */
export function encodeDmNotification(digest: Uint8Array, trigger: Uint8Array): Uint8Array {
  if (digest.length !== DIGEST_OCTETS)
    throw new ConfigurationError(`invalid digest of ${digest.length} octets: expected 16`);
  return new OctetWriter().octets(digest).octets(trigger).finish();
}

/** 12 is `1.2`. */
function formatTenths(value: number): string {
  return `${Math.floor(value / 10)}.${value % 10}`;
}

function parseTenths(text: string): number {
  const value = /^\d{1,3}\.\d$/.test(text) ? Number(text.replace('.', '')) : Number.NaN;
  if (!(value <= MAX_VERSION))
    throw new ConfigurationError(`invalid DM version "${text}": expected 0.0 to 102.3`);
  return value;
}
