/** The options of mms.ua. */

import * as z from 'zod/mini';

/** Seconds. MMSCs rarely keep messages for more than a week. */
const MAX_AFTER = 604_800;

const NAMES = 'retrieve, after, mmsc, reportAllowed';
const RETRIEVE = 'expected one of manual, deferred, immediate';
const AFTER = `expected seconds, a whole number from 1 to ${MAX_AFTER}`;
const MMSC = 'expected the URL for answers to the MMSC, like "https://mmsc.example/"';

export const options = z
  .strictObject(
    {
      retrieve: z._default(
        z
          .enum(['manual', 'deferred', 'immediate'], RETRIEVE)
          .check(z.describe('when a message is retrieved: on query, later, or at its notification')),
        'manual',
      ),
      after: z.optional(
        z
          .int(AFTER)
          .check(
            z.minimum(1, AFTER),
            z.maximum(MAX_AFTER, AFTER),
            z.describe(
              'seconds until a deferred message is retrieved without a query; without it, only on query',
            ),
          ),
      ),
      mmsc: z.optional(
        z
          .url({ protocol: /^https?$/, error: MMSC })
          .check(
            z.describe("http(s) URL for answers to the MMSC; without it, the message's Content-Location"),
          ),
      ),
      reportAllowed: z._default(
        z
          .boolean('expected true or false')
          .check(z.describe('whether the MMSC may report the delivery to the sender')),
        true,
      ),
    },
    {
      error: ({ keys }) =>
        keys ? `unknown option ${keys}: expected ${NAMES}` : `expected an object with ${NAMES}`,
    },
  )
  .check(
    z.refine(({ retrieve, after }) => after === undefined || retrieve === 'deferred', {
      error: 'valid only with "retrieve": "deferred"',
      path: ['after'],
    }),
  );

export type MmsOptions = z.infer<typeof options>;
