/** Documents that wait for the PIN of the user. */

import { decodeBase64, encodeBase64 } from 'sip-push/formats';
import * as z from 'zod/mini';
import type { Authentication } from './authentication.js';
import type { Message } from './message.js';

/** Wrong PINs after which a document is discarded. Operators use four digits. */
export const MAX_ATTEMPTS = 3;

/** Documents that wait at the same time. The limit bounds the storage. */
export const MAX_PENDING = 10;

/** How long a document waits for its PIN. */
export const WAIT_MS = 24 * 60 * 60 * 1000;

const octets = z.pipe(
  z.string(),
  z.transform((text): Uint8Array => decodeBase64(text) ?? new Uint8Array()),
);

const storedDocument = z.object({
  from: z.string(),
  attempts: z.number(),
  document: octets,
  mac: octets,
  method: z.enum(['NETWPIN', 'USERPIN', 'USERNETWPIN']),
  settings: z.custom<Message['settings']>((value) => typeof value === 'object' && value !== null),
});

export type PendingDocument = z.infer<typeof storedDocument>;

export function pendingDocument(
  from: string,
  message: Message,
  { method, mac }: Authentication,
): PendingDocument {
  const { settings, octets: document } = message;
  return { from, attempts: 0, document, mac, method, settings };
}

/** As JSON, for the storage. */
export function storedForm({ document, mac, ...others }: PendingDocument): unknown {
  return { ...others, document: encodeBase64(document), mac: encodeBase64(mac) };
}

/** From the storage; undefined if there is no such document. */
export function pendingFrom(stored: unknown): PendingDocument | undefined {
  return stored === undefined ? undefined : storedDocument.parse(stored);
}
