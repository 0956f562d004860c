/** Push messages, their headers, and their envelope (OMA-TS-Push_Message). */

import { ConfigurationError } from '../errors.js';
import { decodeLatin1 } from './charset.js';
import type { MediaType } from './content.js';
import { type HeaderList, headerOf } from './http-headers.js';
import { readEntityHead, writeEntityHead } from './multipart/entity-head.js';
import { applicationIdOfCode } from './wsp/application-ids.js';
import { OctetWriter } from './wsp/octets.js';

/** A push message (WAP-251): headers and content. */
export interface PushMessage {
  /** Media type of the body. */
  readonly type: MediaType;
  /** Headers except Content-Type, in order; `pushHeadersOf` reads those of a push. */
  readonly headers: HeaderList;
  /** Bytes of the content. */
  readonly body: Uint8Array;
}

/** The encoding of a push message as one body with the media type application/vnd.oma.push. */
export interface PushEnvelope {
  /**
   * Reads a push message.
   * @param octets the envelope, or the content alone.
   * @param rawType media type of content without an envelope; `rawContentType` knows some.
   * @throws MalformedError naming what was expected.
   */
  open(octets: Uint8Array, rawType: MediaType): PushMessage;
  /** @throws ConfigurationError if a header is invalid. */
  close(message: PushMessage): Uint8Array;
}

/** The media type of a push message as one body. */
export const PUSH_ENVELOPE_TYPE = 'application/vnd.oma.push';

/** The headers that the Push Message specification adds to HTTP. */
export interface PushHeaders {
  /** In full: `x-wap-application:mms.ua`. */
  readonly applicationId?: string;
  /** Content-Location: the URI of the content. */
  readonly contentLocation?: string;
  /** X-Wap-Content-URI. */
  readonly contentUri?: string;
  /** X-Wap-Initiator-URI: the URI of the push initiator. */
  readonly initiatorUri?: string;
  /** Push-Flag: the gateway has authenticated the initiator. */
  readonly initiatorAuthenticated?: boolean;
  /** Push-Flag: the gateway trusts the content. */
  readonly contentTrusted?: boolean;
  /** Push-Flag: the last push of this initiator for now. */
  readonly lastPush?: boolean;
}

const APPLICATION_ID = 'X-Wap-Application-Id';
const PUSH_FLAG = 'Push-Flag';
const texts = [
  ['contentLocation', 'Content-Location'],
  ['contentUri', 'X-Wap-Content-URI'],
  ['initiatorUri', 'X-Wap-Initiator-URI'],
] as const;
const flags = [
  ['initiatorAuthenticated', 1],
  ['contentTrusted', 2],
  ['lastPush', 4],
] as const;
/** Three bits are assigned, of the seven of a short-integer. */
const MAX_FLAGS = 127;

/** Reads the headers of a push. Never throws: invalid flags and unknown headers are ignored. */
export function pushHeadersOf(headers: HeaderList): PushHeaders {
  const applicationId = headerOf(headers, APPLICATION_ID);
  const written = headerOf(headers, PUSH_FLAG) ?? '0';
  const flag = /^\d{1,3}$/.test(written) && Number(written) <= MAX_FLAGS ? Number(written) : 0;
  return Object.fromEntries([
    ...(applicationId === undefined ? [] : [['applicationId', fullApplicationId(applicationId)]]),
    ...texts.flatMap(([key, name]) => {
      const value = headerOf(headers, name);
      return value === undefined ? [] : [[key, value]];
    }),
    ...flags.flatMap(([key, bit]) => (flag & bit ? [[key, true]] : [])),
  ]);
}

export function formatPushHeaders(push: PushHeaders): HeaderList {
  const { applicationId } = push;
  if (applicationId === '')
    throw new ConfigurationError('invalid application id "": expected at least one character');
  const flag = flags.reduce((sum, [key, bit]) => (push[key] ? sum | bit : sum), 0);
  return [
    ...(applicationId === undefined ? [] : [[APPLICATION_ID, applicationId] as const]),
    ...texts.flatMap(([key, name]) => {
      const value = push[key];
      return value === undefined ? [] : [[name, value] as const];
    }),
    ...(flag === 0 ? [] : [[PUSH_FLAG, String(flag)] as const]),
  ];
}

/** Some gateways write the code of an identifier in hexadecimal digits. */
function fullApplicationId(written: string): string {
  return /^[0-9a-f]{1,6}$/i.test(written) ? applicationIdOfCode(Number.parseInt(written, 16)) : written;
}

/** Octets that are searched for a first header, which distinguishes an envelope from content. */
const MAX_FIRST_LINE = 4096;
/** A name, a colon, and text up to the line end. About one binary content in a million matches by chance. */
const HEADER_LINE = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+[ \t]*:[\t\x20-\x7e\x80-\xff]*\r?\n/;

/** A push message as text. Bytes that do not begin with a header line are the content alone. */
export const textEnvelope: PushEnvelope = {
  open(octets, rawType) {
    if (!startsWithHeader(octets)) return { type: rawType, headers: [], body: octets.slice() };
    const { type, headers, length } = readEntityHead(octets, rawType, PUSH_ENVELOPE_TYPE);
    return { type, headers, body: octets.slice(length) };
  },

  close: (message) => new OctetWriter().octets(writeEntityHead(message)).octets(message.body).finish(),
};

function startsWithHeader(octets: Uint8Array): boolean {
  return HEADER_LINE.test(decodeLatin1(octets.subarray(0, MAX_FIRST_LINE)));
}
