/** wml.ua: service indications, service loadings and cache operations. */

import { encodeBase64 } from 'sip-push/formats';
import { definePushApp } from 'sip-push/sdk';
import * as z from 'zod/mini';
import { describeDocument } from './description.js';
import { documentOf, MEDIA_TYPES } from './documents.js';
import { Loadings } from './loadings.js';
import { Resources } from './resources.js';
import { indicationOf, ServiceIndications } from './service-indications.js';

const LOADING_ACTIONS = ['execute-low', 'execute-high', 'cache'] as const;
const LOAD_EXPECTED = `expected true, false, or a list of ${LOADING_ACTIONS.join(', ')}`;

export default definePushApp({
  id: 'wml.ua',
  accepts: MEDIA_TYPES,
  // Real documents have a few hundred octets.
  maxSize: 65_536,
  // One push after another. Alarms, which wait for servers, run at the same time.
  order: () => 'pushes',
  // For alarms: longer than the host lets a request take.
  timeout: 120,
  needs: ['storage', 'log', 'clock', 'fetch', 'schedule'],
  options: z.strictObject(
    { load: z._default(z.union([z.boolean(), z.array(z.enum(LOADING_ACTIONS))], LOAD_EXPECTED), false) },
    'expected an object with load',
  ),
  events: {
    'service-indication': z.object({
      id: z.optional(z.string()),
      action: z.enum(['signal-none', 'signal-low', 'signal-medium', 'signal-high', 'delete']),
      href: z.optional(z.string()),
      text: z.string(),
      created: z.optional(z.string()),
      expires: z.optional(z.string()),
    }),
    'service-loading': z.object({ action: z.enum(LOADING_ACTIONS), href: z.string() }),
    'cache-operation': z.object({
      invalidateObjects: z.readonly(z.array(z.string())),
      invalidateServices: z.readonly(z.array(z.string())),
    }),
  },
  queries: {
    current: true,
    resources: true,
    resource: z.object({ href: z.string('expected the href of a resource') }),
  },
  async start({ storage, log, clock, fetch, schedule, options }) {
    const { load } = options;
    const actions = new Set(load === true ? LOADING_ACTIONS : load || []);
    const indications = await ServiceIndications.open(storage);
    const resources = new Resources(storage);
    const loadings = await Loadings.open({ actions, fetch, clock, log, schedule, resources });

    return {
      async receive(push) {
        const { kind, document, warnings = [] } = await documentOf(push);
        for (const warning of warnings) log.warn(`left out: ${warning}`);
        if (kind === 'service-indication') {
          const indication = indicationOf(document, push.receivedAt);
          const ignored = await push.commit((tx) => {
            const reason = indications.apply(tx, push.id, indication, clock.now());
            if (reason === undefined) tx.emit(kind, indication);
            return reason;
          });
          if (ignored) log.info(`service indication ${indication.id ?? 'without id'} ignored: ${ignored}`);
        } else if (kind === 'service-loading') {
          await push.commit((tx) => {
            tx.emit(kind, document);
            loadings.add(tx, push, document);
          });
        } else {
          await push.commit(async (tx) => {
            tx.emit(kind, document);
            await resources.invalidate(tx, document);
          });
        }
      },
      alarm: (alarm) => loadings.load(alarm),
      describe: async (push) => describeDocument(await documentOf(push)),
      queries: {
        current: () => indications.current(clock.now()),
        resources: () => resources.list(),
        async resource({ href }) {
          const octets = await resources.octets(href);
          return octets ? encodeBase64(octets) : null;
        },
      },
    };
  },
});
