/** Applications for workers, as sources: each test writes its own. */

import { isolated, type WorkerIsolation } from '../../../core/app/isolation/isolated.js';
import { workerScript } from '../../support/worker-script.js';

/** @param source of an ES module. */
export async function inWorker(source: string, isolation: WorkerIsolation = {}) {
  const script = await workerScript();
  return isolated({ module: moduleUrl(source), script, ...isolation });
}

export function moduleUrl(source: string): string {
  return `data:text/javascript,${encodeURIComponent(source)}`;
}

/** A module whose application takes text/plain; `parts` is what stands in the object literal beside. */
export function app(parts: string, head = ''): string {
  return `${head}\nexport default { id: 'test.ua', accepts: ['text/plain'], ${parts} };`;
}
