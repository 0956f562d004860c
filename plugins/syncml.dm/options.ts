/** What a host's configuration, or its code, says for syncml.dm. */

import { decodeBase64 } from 'sip-push/formats';
import { ConfigurationError, isHttpUrl, knownFields } from 'sip-push/sdk';
import type { StartSession } from './session.js';

/** A server that may alert this device. */
export interface ServerOptions {
  readonly id: string;
  readonly password: string;
  /** Octets that the last session agreed on; none where there has been no session. */
  readonly nonce: Uint8Array;
  /** Where the built-in starter posts package #1. */
  readonly url?: string;
}

export interface DmOptions {
  readonly servers: readonly ServerOptions[];
  /** Whether alerts without a digest are taken. */
  readonly unverified: boolean;
  /** This device, to the built-in starter's servers. */
  readonly device: string | undefined;
  /** In place of the built-in starter, for every server. */
  readonly startSession: StartSession | undefined;
}

const NAMES = ['servers', 'unverified', 'device', 'startSession'] as const;
const SERVER_NAMES = ['id', 'password', 'nonce', 'url'] as const;
/** The layout has one octet for the length of a server's id. */
const MAX_ID = 255;

/** @throws ConfigurationError saying which option is wrong, and what was expected; it never quotes a password. */
export function readOptions(options: unknown = {}): DmOptions {
  const { servers = [], unverified = false, device, startSession } = knownFields(options, NAMES);
  if (!Array.isArray(servers)) {
    throw new ConfigurationError(
      'options.servers: expected a list like [{ "id": "…", "password": "…", "nonce": "…" }]',
    );
  }
  if (typeof unverified !== 'boolean')
    throw new ConfigurationError('options.unverified: expected true or false');
  if (device !== undefined && (typeof device !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(device))) {
    throw new ConfigurationError('options.device: expected how DM servers call this device, like "IMEI:…"');
  }
  if (startSession !== undefined && !isStartSession(startSession)) {
    throw new ConfigurationError('options.startSession: expected a function, which only code can give');
  }
  const read = servers.map((server: unknown, index) => readServer(server, `options.servers[${index}]`));
  for (const [index, { id }] of read.entries()) {
    if (read.findIndex((other) => other.id === id) !== index) {
      throw new ConfigurationError(
        `options.servers[${index}].id is ${JSON.stringify(id)} again; name each server once`,
      );
    }
  }
  if (device === undefined && startSession === undefined && read.some(({ url }) => url !== undefined)) {
    throw new ConfigurationError(
      'options.device is missing: servers with a url are told which device this is',
    );
  }
  return { servers: read, unverified, device, startSession };
}

function readServer(value: unknown, path: string): ServerOptions {
  const { id, password, nonce = '', url } = knownFields(value, SERVER_NAMES, path);
  if (typeof id !== 'string' || !isServerId(id)) {
    throw new ConfigurationError(`${path}.id: expected the server's identifier, 1 to ${MAX_ID} octets`);
  }
  if (typeof password !== 'string' || password === '') {
    throw new ConfigurationError(
      `${path}.password: expected the password that the server shares with this device`,
    );
  }
  const octets = typeof nonce === 'string' ? decodeBase64(nonce) : undefined;
  if (!octets) {
    throw new ConfigurationError(
      `${path}.nonce: expected base64, like "AQIDBAUGBwg=" for the octets 01 to 08`,
    );
  }
  if (url !== undefined && !isHttpUrl(url)) {
    throw new ConfigurationError(
      `${path}.url: expected where its sessions are held, like "https://dm.example/"`,
    );
  }
  return { id, password, nonce: octets, url };
}

function isServerId(id: string): boolean {
  const { length } = new TextEncoder().encode(id);
  return length > 0 && length <= MAX_ID && !/\p{Surrogate}/u.test(id);
}

function isStartSession(value: unknown): value is StartSession {
  return typeof value === 'function';
}
