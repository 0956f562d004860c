/** Where things stand in the store. */

import { MalformedError } from '../errors.js';

export const INBOX = 'push/inbox/';
export const CONTENT = 'push/content/';
export const SET_ASIDE = 'push/aside/';
export const DONE = 'push/done/';
export const REFERENCE = 'push/reference/';
export const TRANSFER = 'push/transfer/';
export const APPLICATIONS = 'push/app/';

/** `namespace` is a number: an event-app-id may hold any separator. */
export function storagePrefix(namespace: string): string {
  return `push/data/${namespace}/`;
}

export function alarmPrefix(namespace: string): string {
  return `push/alarm/${namespace}/`;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

export function encodeJson(value: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(value));
}

/** @throws MalformedError when the bytes are not JSON. */
export function decodeJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch (error) {
    throw new MalformedError('a record in the store is not JSON', { cause: error });
  }
}
