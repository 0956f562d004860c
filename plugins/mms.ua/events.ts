/** The events of mms.ua. Times are ISO 8601, UTC; absent fields were not sent by the MMSC. */

import * as z from 'zod/mini';

const text = z.string();
const optional = z.optional(text);

export const events = {
  notification: z.object({
    transactionId: text,
    from: optional,
    subject: optional,
    messageSize: z.number(),
    expiry: text,
    contentLocation: text,
  }),
  message: z.object({
    transactionId: text,
    subject: optional,
    parts: z.array(
      z.object({
        contentType: text,
        charset: optional,
        name: text,
        size: z.number(),
        sha256: text,
        path: optional,
      }),
    ),
  }),
  'retrieval-failed': z.object({
    transactionId: text,
    contentLocation: text,
    why: z.enum(['gone', 'expired', 'failed']),
    reason: text,
  }),
  'delivery-report': z.object({ messageId: text, to: text, date: text, status: text, statusText: optional }),
  'read-report': z.object({ messageId: text, from: text, to: text, date: text, status: text }),
};
