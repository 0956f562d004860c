/** The script of workers, where no other is named: the application is what its module exports as default. */

import { ConfigurationError } from './errors.js';
import { serveWorker } from './worker.js';

serveWorker(async (module) => {
  const { default: definition } = await import(module);
  if (typeof definition === 'object' && definition !== null) return definition;
  throw new ConfigurationError(`${module} has no default export; expected definePushApp({ … })`);
});
