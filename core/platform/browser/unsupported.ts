/** Features that a browser does not have. Each error names the alternative. */

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
  throw new ConfigurationError('a browser cannot serve content: publish it on a server, and push its URL');
};

export const openFile: Platform['openFile'] = async (path) => {
  throw new ConfigurationError(
    `a browser cannot open a file by its path (${path}): use the bytes of a file that the user selected`,
  );
};

export const startWorker: Platform['startWorker'] = () => {
  throw new ConfigurationError('a browser runs applications only in its page: remove "isolation"');
};

export const addressBlocks: Platform['addressBlocks'] = () => {
  throw new ConfigurationError('a browser does not reveal the addresses of its peers, and cannot listen');
};

/** A browser resolves host names itself and does not reveal the addresses. */
export const resolve: Platform['resolve'] = async () => undefined;
