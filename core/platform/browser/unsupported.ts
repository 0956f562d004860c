/** What a browser has not: each says what there is instead. */

import { ConfigurationError } from '../../errors.js';
import type { Platform } from '../platform.js';

export const listen: Platform['listen'] = async () => {
  throw new ConfigurationError(
    'a browser cannot listen for connections: it connects to a server, or to a relay',
  );
};

export const openDatagram: Platform['openDatagram'] = async () => {
  throw new ConfigurationError('a browser has no UDP: use a server with transport=ws or transport=wss');
};

export const listenHttp: Platform['listenHttp'] = async () => {
  throw new ConfigurationError(
    'a browser cannot serve content: publish it on a server, and refer to it by its URL',
  );
};

export const openFile: Platform['openFile'] = async (path) => {
  throw new ConfigurationError(
    `a browser opens no file by its path (${path}): take what a person chose, as bytes`,
  );
};

export const startWorker: Platform['startWorker'] = () => {
  throw new ConfigurationError('a browser runs applications in its page only: leave "isolation" out');
};

/** Host names, which a browser resolves by itself and tells nobody. */

export const resolve: Platform['resolve'] = async () => undefined;
