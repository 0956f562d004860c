/** dcd.ua: stores dynamic content (OMA DCD) by channel until it expires, and emits an event for it. */

import { encodeBase64 } from 'sip-push/formats';
import { definePushApp, printable } from 'sip-push/sdk';
import { contentItem } from './content-item.js';
import { describeContent } from './description.js';
import { readOptions } from './options.js';
import { StoredContent } from './stored-content.js';

/** Octets: tickers, headlines and pictures. */
const MAX_SIZE = 1_048_576;

export default definePushApp({
  id: 'dcd.ua',
  accepts: ['application/vnd.oma.dcd', 'application/vnd.oma.dcdc'],
  needs: ['storage', 'log', 'emit', 'clock'],
  delivery: 'durable',
  limits: { size: MAX_SIZE },
  async start({ storage, log, emit, clock, options }) {
    const { keep } = readOptions(options);
    const stored = await StoredContent.open(storage, clock.now());
    return {
      async receive(push, { commit }) {
        const octets = await push.content.bytes(MAX_SIZE);
        const item = await contentItem(push, octets, keep);
        const { channel, contentId, contentType, size } = item;
        const ignored = await stored.put(item, octets, clock.now(), async (operations) => {
          // Emitted before the commit: a crash between the two repeats the event and never loses it.
          emit('content', { channel, contentId, contentType, size });
          await commit(operations);
        });
        if (ignored) log.info(`content ${printable(contentId ?? item.sha256)} ignored: ${ignored}`);
      },
      async describe(push) {
        const { size } = push.content;
        return describeContent(push, size ?? (await push.content.bytes(MAX_SIZE)).length);
      },
      async query(name, args) {
        if (name === 'list') return stored.list(clock.now(), argumentOf(args, 'channel'));
        if (name !== 'content') throw new Error(`unknown query "${name}": expected "list" or "content"`);
        const key = argumentOf(args, 'key');
        if (key === undefined) throw new Error('invalid arguments: expected { key } of an item of the list');
        const octets = await stored.octets(key, clock.now());
        return octets ? encodeBase64(octets) : null;
      },
    };
  },
});

function argumentOf(args: unknown, name: 'channel' | 'key'): string | undefined {
  const { [name]: value }: Partial<Record<typeof name, unknown>> = Object(args);
  return typeof value === 'string' ? value : undefined;
}
