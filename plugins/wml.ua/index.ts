/** wml.ua: service indications, service loadings and cache operations. */

import {
  type CacheOperation,
  encodeBase64,
  type ServiceIndication,
  type ServiceLoading,
} from 'sip-push/formats';
import { definePushApp, type Push, printable, type ReceiveContext } from 'sip-push/sdk';
import { describeDocument } from './description.js';
import { documentOf, MAX_SIZE, MEDIA_TYPES } from './documents.js';
import { Loader } from './loader.js';
import { readOptions } from './options.js';
import { Resources } from './resources.js';
import { indicationOf, ServiceIndications } from './service-indications.js';

export default definePushApp({
  id: 'wml.ua',
  accepts: MEDIA_TYPES,
  needs: ['storage', 'log', 'emit', 'clock', 'fetch'],
  delivery: 'durable',
  limits: { size: MAX_SIZE },
  async start({ storage, log, emit, clock, fetch, signal, options }) {
    const { load: allowed } = readOptions(options);
    const indications = await ServiceIndications.open(storage, clock.now());
    const resources = await Resources.open(storage);
    const loader = await Loader.open({ allowed, storage, fetch, clock, log, resources, signal });

    // Events are emitted before the commit: a crash between the two repeats the event and never loses it.
    async function indicate(document: ServiceIndication, push: Push, commit: Commit) {
      const indication = indicationOf(document, push.receivedAt);
      const { receivedAt: _, info: __, ...fields } = indication;
      const ignored = await indications.apply(indication, push, clock.now(), async (operations) => {
        emit('service-indication', fields);
        await commit(operations);
      });
      if (ignored) log.info(`service indication ${printable(fields.id ?? 'without id')} ignored: ${ignored}`);
    }

    async function load(loading: ServiceLoading, push: Push, commit: Commit) {
      await loader.add(loading, push, async (operations) => {
        emit('service-loading', { action: loading.action, href: loading.href });
        await commit(operations);
      });
    }

    async function invalidate(operation: CacheOperation, commit: Commit) {
      await resources.invalidate(operation, async (operations) => {
        emit('cache-operation', invalidated(operation));
        await commit(operations);
      });
    }

    return {
      async receive(push, { commit }) {
        const pushed = await documentOf(push);
        switch (pushed.kind) {
          case 'service-indication':
            return indicate(pushed.document, push, commit);
          case 'service-loading':
            return load(pushed.document, push, commit);
          case 'cache-operation':
            return invalidate(pushed.document, commit);
        }
      },
      async describe(push) {
        return describeDocument(await documentOf(push));
      },
      async query(name, args) {
        if (name === 'current') return indications.current(clock.now());
        if (name === 'resources') return resources.list();
        if (name !== 'resource') {
          throw new Error(`unknown query "${name}": expected "current", "resources" or "resource"`);
        }
        const octets = await resources.octets(hrefOf(args));
        return octets ? encodeBase64(octets) : null;
      },
      stop: () => loader.stop(),
    };
  },
});

type Commit = ReceiveContext['commit'];

function invalidated({ invalidations }: CacheOperation) {
  const uris = (kind: 'object' | 'service') =>
    invalidations.filter(({ what }) => what === kind).map(({ uri }) => uri);
  return { invalidateObjects: uris('object'), invalidateServices: uris('service') };
}

function hrefOf(args: unknown): string {
  const { href }: { href?: unknown } = Object(args);
  if (typeof href !== 'string') throw new Error('invalid arguments: expected { href } of a resource');
  return href;
}
