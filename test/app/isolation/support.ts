/** Applications for workers, as source text. */

import { isolated, type WorkerIsolation } from '../../../core/app/isolation/isolated.js';
import { workerScript } from '../../support/worker-script.js';

/** @param source source text of an ES module. */
export async function inWorker(source: string, isolation: WorkerIsolation = {}) {
  const script = await workerScript();
  return isolated({ module: moduleUrl(source), script, ...isolation });
}

export function moduleUrl(source: string): string {
  return `data:text/javascript,${encodeURIComponent(source)}`;
}

/** A module whose application accepts text/plain. `parts` are further properties of its definition. */
export function app(parts: string, head = ''): string {
  return `${head}\nexport default { id: 'test.ua', accepts: ['text/plain'], ${parts} };`;
}
