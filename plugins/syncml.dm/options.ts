/** The options of syncml.dm. */

import { decodeBase64 } from 'sip-push/formats';
import * as z from 'zod/mini';
import type { StartSession } from './session.js';

/** The length of a server id is one octet. */
const MAX_ID = 255;

const SERVERS = 'expected a list like [{ "id": "…", "password": "…", "nonce": "…" }]';
const ID = `expected the server's identifier, 1 to ${MAX_ID} octets`;
const PASSWORD = 'expected the password that the server shares with this device';
const NONCE = 'expected base64, like "AQIDBAUGBwg=" for the octets 01 to 08';
const URL = 'expected the URL of its sessions, like "https://dm.example/"';
const DEVICE = 'expected the identifier of this device at DM servers, like "IMEI:…"';
const START_SESSION = 'expected a function, which only a program can pass';

/** A server that may alert this device. */
const server = z.strictObject(
  {
    id: z.string(ID).check(z.refine(isServerId, ID), z.describe(`identifier, 1 to ${MAX_ID} octets`)),
    password: z
      .string(PASSWORD)
      .check(z.minLength(1, PASSWORD), z.describe('secret that the server shares with this device')),
    nonce: z._default(
      z.string(NONCE).check(
        z.refine((text) => decodeBase64(text) !== undefined, NONCE),
        z.describe('nonce of the last session in base64; empty if there was none'),
      ),
      '',
    ),
    url: z.optional(
      z
        .url({ protocol: /^https?$/, error: URL })
        .check(z.describe('http(s) URL of its sessions; without it, its alerts are only emitted')),
    ),
  },
  { error: ({ keys }) => fieldsText(keys, 'id, password, nonce, url') },
);

export const options = z
  .strictObject(
    {
      servers: z._default(
        z
          .array(server, SERVERS)
          .check(
            z.refine(haveDifferentIds, 'list each server once'),
            z.describe('servers that can alert this device'),
          ),
        [],
      ),
      unverified: z._default(
        z
          .boolean('expected true or false')
          .check(z.describe('whether alerts without a digest are accepted, from configured servers')),
        false,
      ),
      device: z.optional(
        z
          .string(DEVICE)
          .check(
            z.regex(/^[\x21-\x7e]{1,255}$/, DEVICE),
            z.describe('identifier of this device at DM servers, like IMEI:…'),
          ),
      ),
      startSession: z.optional(
        z
          .custom<StartSession>((value) => typeof value === 'function', START_SESSION)
          // JSON has no functions.
          .check(z.meta({ not: {}, description: 'only in a program: starts the sessions of all servers' })),
      ),
    },
    { error: ({ keys }) => fieldsText(keys, 'servers, unverified, device, startSession') },
  )
  .check(
    z.refine(
      ({ servers, device, startSession }) =>
        device !== undefined || startSession !== undefined || servers.every(({ url }) => url === undefined),
      { error: `servers with a url need it: ${DEVICE}`, path: ['device'] },
    ),
    z.meta({ examples: [{ servers: [{ id: 'dm.example', password: 'secret', nonce: 'AQIDBAUGBwg=' }] }] }),
  );

export type ServerOptions = z.infer<typeof server>;

function fieldsText(keys: unknown, expected: string): string {
  return keys ? `unknown option ${keys}: expected ${expected}` : `expected an object with ${expected}`;
}

function isServerId(id: string): boolean {
  const { length } = new TextEncoder().encode(id);
  return length > 0 && length <= MAX_ID && !/\p{Surrogate}/u.test(id);
}

function haveDifferentIds(servers: readonly { readonly id: string }[]): boolean {
  return new Set(servers.map(({ id }) => id)).size === servers.length;
}
