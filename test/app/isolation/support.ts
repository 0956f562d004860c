/** Applications for workers, as source text. */

import type { PushAppDefinition } from '../../../core/app/contract/push-app.js';
import { isolated, type WorkerIsolation } from '../../../core/app/isolation/isolated.js';
import { workerScript } from '../../support/worker-script.js';

/** @param source source text of an ES module. */
export async function inWorker(source: string, isolation: WorkerIsolation = {}) {
  const script = await workerScript();
  return isolated({ module: moduleUrl(source), script, ...isolation });
}

/** Where an application runs. Both must behave in the same way. */
export const THREADS = ['the thread of the host', 'a worker'] as const;

/** @param source source text of an ES module. */
export async function inThread(thread: (typeof THREADS)[number], source: string): Promise<PushAppDefinition> {
  if (thread === 'a worker') return inWorker(source);
  const { default: definition }: { default: PushAppDefinition } = await import(moduleUrl(source));
  return definition;
}

export function moduleUrl(source: string): string {
  return `data:text/javascript,${encodeURIComponent(source)}`;
}

/**
 * A module whose application accepts text/plain, with direct delivery and in parallel. `parts` are further properties of its
 * definition.
 */
export function app(parts: string, head = ''): string {
  return `${head}\nexport default { id: 'test.ua', accepts: ['text/plain'], delivery: 'direct', order: 'parallel',
    events: { reported: true, accepted: true }, ${parts} };`;
}
