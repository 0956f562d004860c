/** The options of syncml.dm. */

import { decodeBase64 } from 'sip-push/formats';
import { ConfigurationError, isHttpUrl, knownFields } from 'sip-push/sdk';
import type { StartSession } from './session.js';

/** A server that may alert this device. */
export interface ServerOptions {
  readonly id: string;
  readonly password: string;
  /** The nonce of the last session; empty if there was none. */
  readonly nonce: Uint8Array;
  /** URL to which the built-in `startSession` posts package #1. */
  readonly url?: string;
}

export interface DmOptions {
  readonly servers: readonly ServerOptions[];
  /** Whether alerts without a digest are accepted. */
  readonly unverified: boolean;
  /** Identifier of this device in package #1. */
  readonly device: string | undefined;
  /** Replaces the built-in `startSession` for all servers. */
  readonly startSession: StartSession | undefined;
}

const NAMES = ['servers', 'unverified', 'device', 'startSession'] as const;
const SERVER_NAMES = ['id', 'password', 'nonce', 'url'] as const;
/** The length of a server id is one octet. */
const MAX_ID = 255;

/** @throws ConfigurationError that names the invalid option and what was expected. It never contains a password. */
export function readOptions(options: unknown = {}): DmOptions {
  const { servers = [], unverified = false, device, startSession } = knownFields(options, NAMES);
  if (!Array.isArray(servers)) {
    throw new ConfigurationError(
      'invalid options.servers: expected a list like [{ "id": "…", "password": "…", "nonce": "…" }]',
    );
  }
  if (typeof unverified !== 'boolean')
    throw new ConfigurationError('invalid options.unverified: expected true or false');
  if (device !== undefined && (typeof device !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(device))) {
    throw new ConfigurationError(
      'invalid options.device: expected the identifier of this device at DM servers, like "IMEI:…"',
    );
  }
  if (startSession !== undefined && !isStartSession(startSession)) {
    throw new ConfigurationError(
      'invalid options.startSession: expected a function, which only a program can pass',
    );
  }
  const read = servers.map((server: unknown, index) => readServer(server, `options.servers[${index}]`));
  for (const [index, { id }] of read.entries()) {
    if (read.findIndex((other) => other.id === id) !== index) {
      throw new ConfigurationError(
        `duplicate options.servers[${index}].id ${JSON.stringify(id)}: list each server once`,
      );
    }
  }
  if (device === undefined && startSession === undefined && read.some(({ url }) => url !== undefined)) {
    throw new ConfigurationError(
      'missing options.device: servers with a url need the identifier of this device',
    );
  }
  return { servers: read, unverified, device, startSession };
}

function readServer(value: unknown, path: string): ServerOptions {
  const { id, password, nonce = '', url } = knownFields(value, SERVER_NAMES, path);
  if (typeof id !== 'string' || !isServerId(id)) {
    throw new ConfigurationError(
      `invalid ${path}.id: expected the server's identifier, 1 to ${MAX_ID} octets`,
    );
  }
  if (typeof password !== 'string' || password === '') {
    throw new ConfigurationError(
      `invalid ${path}.password: expected the password that the server shares with this device`,
    );
  }
  const octets = typeof nonce === 'string' ? decodeBase64(nonce) : undefined;
  if (!octets) {
    throw new ConfigurationError(
      `invalid ${path}.nonce: expected base64, like "AQIDBAUGBwg=" for the octets 01 to 08`,
    );
  }
  if (url !== undefined && !isHttpUrl(url)) {
    throw new ConfigurationError(
      `invalid ${path}.url: expected the URL of its sessions, like "https://dm.example/"`,
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
