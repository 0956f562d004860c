/** dcd.ua: stores dynamic content (OMA DCD) by channel until it expires, and emits an event for it. */

import { encodeBase64 } from 'sip-push/formats';
import { definePushApp } from 'sip-push/sdk';
import * as z from 'zod/mini';
import { contentItem } from './content-item.js';
import { describeContent } from './description.js';
import { StoredContent } from './stored-content.js';

const DAY_SECONDS = 86_400;
const MAX_KEEP = 365 * DAY_SECONDS;
const KEEP_EXPECTED = `expected seconds, a whole number from 1 to ${MAX_KEEP}`;

export default definePushApp({
  id: 'dcd.ua',
  accepts: ['application/vnd.oma.dcd', 'application/vnd.oma.dcdc'],
  // Tickers, headlines and pictures.
  maxSize: 1_048_576,
  needs: ['storage', 'log', 'clock'],
  options: z.strictObject(
    {
      // A week, as for news: no public specification says when DCD content expires.
      keep: z._default(
        z
          .int(KEEP_EXPECTED)
          .check(
            z.minimum(1, KEEP_EXPECTED),
            z.maximum(MAX_KEEP, KEEP_EXPECTED),
            z.describe('seconds for which content is kept'),
          ),
        7 * DAY_SECONDS,
      ),
    },
    'expected an object with keep',
  ),
  events: {
    content: z.object({
      channel: z.optional(z.string()),
      contentId: z.optional(z.string()),
      contentType: z.string(),
      size: z.number(),
    }),
  },
  queries: {
    list: z.object({ channel: z.optional(z.string()) }),
    content: z.object({ key: z.string('expected the key of an item of the list') }),
  },
  async start({ storage, log, clock, options }) {
    const stored = await StoredContent.open(storage);
    return {
      async receive(push) {
        const octets = await push.bytes();
        const item = await contentItem(push, octets, options.keep);
        const ignored = await push.commit((tx) => {
          const reason = stored.put(tx, item, octets, clock.now());
          if (reason === undefined) tx.emit('content', item);
          return reason;
        });
        if (ignored) log.info(`content ${item.contentId ?? item.sha256} ignored: ${ignored}`);
      },
      describe: describeContent,
      queries: {
        list: ({ channel }) => stored.list(clock.now(), channel),
        async content({ key }) {
          const octets = await stored.octets(key, clock.now());
          return octets ? encodeBase64(octets) : null;
        },
      },
    };
  },
});
