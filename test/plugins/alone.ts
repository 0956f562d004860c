/** An application without a runtime, to test a commit that fails once. */

import type {
  CommitOperation,
  Push,
  PushAppDefinition,
  PushAppInstance,
} from '../../core/app/contract/push-app.js';
import type { HostServiceName } from '../../core/app/contract/services.js';
import { memoryContent } from '../../core/content/content.js';

export interface Alone {
  /** Kinds of the emitted events, in order. */
  readonly emitted: string[];
  /** Settles like `receive`. The commit reaches the storage unless `disk` is full. */
  receive(type: string, octets: Uint8Array, disk?: 'full'): Promise<void>;
}

export async function startAlone(app: PushAppDefinition<HostServiceName>, options?: unknown): Promise<Alone> {
  const kept = new Map<string, unknown>();
  const emitted: string[] = [];
  const { signal } = new AbortController();
  const quiet = () => {};
  const instance: PushAppInstance = await app.start({
    storage: {
      get: async (key) => kept.get(key),
      put: async (key, value) => void kept.set(key, value),
      delete: async (key) => void kept.delete(key),
      async *entries({ prefix = '' } = {}) {
        for (const entry of kept) if (entry[0].startsWith(prefix)) yield entry;
      },
    },
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    emit: (kind) => emitted.push(kind),
    clock: { now: () => new Date() },
    fetch: () => Promise.reject(new Error('no network')),
    files: {
      write: () => Promise.reject(new Error('no disk')),
      open: () => Promise.reject(new Error('no disk')),
      remove: async () => {},
      list: async () => [],
    },
    schedule: { at: async () => {}, cancel: async () => {}, list: async () => [] },
    signal,
    options,
  });
  async function commit(operations: readonly CommitOperation[] = []): Promise<void> {
    for (const operation of operations) {
      if (operation.type === 'put') kept.set(operation.key, operation.value);
      if (operation.type === 'delete') kept.delete(operation.key);
    }
  }
  const full = () => Promise.reject(new Error('disk full'));
  return {
    emitted,
    async receive(type, octets, disk) {
      const push: Push = {
        id: '1',
        app: app.id,
        from: 'sip:psa@domain.test',
        to: 'sip:bob@domain.test',
        mode: 'pager',
        content: memoryContent({ type, parameters: {} }, octets),
        headers: {},
        receivedAt: new Date(),
        attempt: 1,
      };
      await instance.receive(push, { signal, commit: disk === 'full' ? full : commit });
    },
  };
}
