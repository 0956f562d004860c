/** The cost of a worker: the same application in the thread of the host, and in a worker. */

import { afterAll, bench, describe } from 'vitest';
import { platform } from '#platform';
import type { PushAppDefinition } from '../../core/app/contract/push-app.js';
import { PushRuntime } from '../../core/app/index.js';
import { isolated } from '../../core/app/isolation/isolated.js';
import { memoryContent } from '../../core/content/content.js';
import { moduleUrl } from '../app/isolation/support.js';
import { workerScript } from '../support/worker-script.js';

const TYPE = { type: 'text/plain', parameters: {} };
const MIB = 1024 * 1024;
/** The number of concurrent pushes. */
const WINDOW = 64;
const SMALL = new Uint8Array(300);
const LARGE = memoryContent(TYPE, new Uint8Array(16 * MIB));

const source = (id: string) => `export default {
  id: '${id}', accepts: ['text/plain'], delivery: 'direct', order: 'parallel',
  needs: ['storage'], timeout: 14,
  start: ({ storage }) => ({
    async receive(push) {
      if (push.content.size < 1000) {
        const { length } = await push.bytes();
        return push.commit((tx) => tx.put('last', length));
      }
      for await (const chunk of push.content.open()) if (chunk.length === 0) throw new Error('no bytes');
    },
  }),
};`;

const store = await platform.openStore();
const runtime = await PushRuntime.open({ store });
const { default: application }: { default: PushAppDefinition } = await import(moduleUrl(source('here.ua')));
await runtime.load(application);
await runtime.load(await isolated({ module: moduleUrl(source('there.ua')), script: await workerScript() }));

afterAll(() => runtime.stop());

let serial = 0;
async function push(id: string, content = memoryContent(TYPE, SMALL)): Promise<void> {
  const app = runtime.resolve([id], TYPE.type);
  if (typeof app === 'string') throw new Error(app);
  const outcome = await runtime.dispatch({
    app,
    key: `key-${serial++}`,
    from: 'sip:psa@domain.test',
    to: 'sip:bob@domain.test',
    mode: 'pager',
    headers: {},
    content,
  });
  if (!outcome.accepted) throw new Error(outcome.reason);
}

const pushes = (id: string) => Promise.all(Array.from({ length: WINDOW }, () => push(id))).then(() => {});

describe(`${WINDOW} concurrent pushes of ${SMALL.length} bytes, committed with storage in memory`, () => {
  bench('in the thread of the host', () => pushes('here.ua'));
  bench('in a worker', () => pushes('there.ua'));
});

describe('one push of 16 MiB, read as a stream', () => {
  bench('in the thread of the host', () => push('here.ua', LARGE));
  bench('in a worker', () => push('there.ua', LARGE));
});
