/** The default script of workers: the application is the default export of its module. */

import { ConfigurationError } from './errors.js';
import { serveWorker } from './worker.js';

serveWorker(async (module) => {
  const { default: definition } = await import(module);
  if (typeof definition === 'object' && definition !== null) return definition;
  throw new ConfigurationError(`${module} has no default export; expected definePushApp({ … })`);
});
