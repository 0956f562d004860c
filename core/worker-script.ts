/** The default script of workers: the application is the default export of its module. */

import { exportedApplication } from './app/application/default-export.js';
import type { PushAppDefinition } from './app/contract/push-app.js';
import { ConfigurationError } from './errors.js';
import { serveWorker } from './worker.js';

serveWorker(async (module) => {
  const definition = exportedApplication(await import(module));
  if (typeof definition === 'object' && definition !== null) return definition as PushAppDefinition;
  throw new ConfigurationError(`${module} has no default export: expected definePushApp({ … })`);
});
