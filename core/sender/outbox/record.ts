/** The record of an accepted push in the store. */

import { z } from 'zod';
import { MalformedError } from '../../errors.js';
import { decodeJson } from '../../store/records.js';
import type { Receipt } from '../push-request.js';
import { idsOf, type StoredSubmission, submissionSchema } from './submission.js';

const receipt = z.object({
  to: z.string(),
  terminal: z.string().optional(),
  mode: z.enum(['pager', 'session', 'indirect']),
  outcome: z.enum(['delivered', 'refused', 'failed']),
  status: z.number().optional(),
  reason: z.string(),
  retryable: z.boolean(),
  retryAfter: z.number().optional(),
  reported: z.boolean().optional(),
  fileName: z.string().optional(),
  bytes: z.number(),
  milliseconds: z.number(),
  why: z.string().optional(),
});

const schema = z.object({
  /** Id of the push. */
  id: z.string(),
  /** Idempotency-Key of its submission. */
  key: z.string().optional(),
  /** The push as submitted. */
  submission: submissionSchema,
  /** `waiting`: an attempt is in progress, or the push waits for a terminal or the next attempt. */
  state: z.enum(['waiting', 'ended', 'cancelled']),
  /** When the outbox accepted the push, in milliseconds since 1970. */
  acceptedAt: z.number(),
  /** When the push ended, in milliseconds since 1970. */
  endedAt: z.number().optional(),
  /** The receipts so far. */
  receipts: z.array(receipt),
  /** Addresses that need no further attempt. */
  settled: z.array(z.string()),
});
export type OutboxRecord = z.infer<typeof schema>;

/** @throws MalformedError */
export function decodeRecord(bytes: Uint8Array): OutboxRecord {
  const parsed = schema.safeParse(decodeJson(bytes));
  if (parsed.success) return parsed.data;
  throw new MalformedError(`invalid push in the store: ${z.prettifyError(parsed.error)}`);
}

/** Whether terminals may still have to retrieve content that this sender publishes. */
export function isReferenced({ submission, receipts }: OutboxRecord): boolean {
  return (
    idsOf(submission.contents).length > 0 &&
    receipts.some(({ mode, outcome }) => mode === 'indirect' && outcome === 'delivered')
  );
}

/** The receipt of a push that failed before any terminal was involved. */
export function failureReceipt({ to, mode }: StoredSubmission, error: Error): Receipt {
  return {
    to,
    mode: mode === 'auto' ? 'pager' : mode,
    outcome: 'failed',
    reason: error.message,
    retryable: false,
    bytes: 0,
    milliseconds: 0,
  };
}
