/** wml.ua: what services tell a device beside its own requests: service indications, loading, cache operations. */

import type { CacheOperation } from 'sip-push/formats';
import { definePushApp } from 'sip-push/sdk';
import { describeDocument, printable } from './description.js';
import { documentOf, MAX_SIZE, MEDIA_TYPES } from './documents.js';
import { indicationOf, ServiceIndications } from './service-indications.js';

export default definePushApp({
  id: 'wml.ua',
  accepts: MEDIA_TYPES,
  needs: ['storage', 'log', 'emit', 'clock'],
  delivery: 'durable',
  limits: { size: MAX_SIZE },
  async start({ storage, log, emit, clock }) {
    const indications = await ServiceIndications.open(storage, clock.now());
    return {
      async receive(push, { commit }) {
        const pushed = await documentOf(push);
        // What is told is told before the commit: whoever dies between the two tells it twice, but never not at all.
        if (pushed.kind === 'service-indication') {
          const indication = indicationOf(pushed.document, push.receivedAt);
          const { receivedAt: _, info: __, ...told } = indication;
          const dropped = await indications.apply(indication, push, clock.now(), async (operations) => {
            emit('service-indication', told);
            await commit(operations);
          });
          if (dropped)
            log.info(`service indication ${printable(told.id ?? 'without id')}: ${dropped}: dropped`);
        } else if (pushed.kind === 'service-loading') {
          const { action, href } = pushed.document;
          emit('service-loading', { action, href });
          await commit();
        } else {
          emit('cache-operation', invalidated(pushed.document));
          await commit();
        }
      },
      async describe(push) {
        return describeDocument(await documentOf(push));
      },
      query(name) {
        if (name === 'current') return indications.current(clock.now());
        throw new Error(`no query "${name}"; expected "current"`);
      },
    };
  },
});

function invalidated({ invalidations }: CacheOperation) {
  const uris = (kind: 'object' | 'service') =>
    invalidations.filter(({ what }) => what === kind).map(({ uri }) => uri);
  return { invalidateObjects: uris('object'), invalidateServices: uris('service') };
}
