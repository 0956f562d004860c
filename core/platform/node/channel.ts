/** Connections and listeners of all protocols, with one deadline and one error class. */

import { ConfigurationError, TransportError, UntrustedError } from '../../errors.js';
import { reasonOf } from '../../text.js';
import { addressText, CONNECT_TIMEOUT_MS } from '../failure.js';
import type { Platform } from '../platform.js';
import type { Address, ChannelProtocol } from '../sockets.js';
import { errorCode, isUntrusted } from './failure.js';
import { connectStream, listenStream } from './stream-channel.js';

type WebSockets = Pick<typeof import('./websocket-channel.js'), 'connectWebSocket' | 'listenWebSocket'>;

const known = new Set<ChannelProtocol | 'udp'>(['udp', 'tcp', 'tls']);
let webSockets: (() => Promise<WebSockets>) | undefined;

export const protocols: Platform['protocols'] = known;

/** Adds `ws` and `wss`. `load` is called on their first use. */
export function addWebSockets(load: () => Promise<WebSockets>): void {
  webSockets = load;
  known.add('ws').add('wss');
}

export const connect: Platform['connect'] = async (protocol, to, options = {}) => {
  // Not `AbortSignal.any`: in Node.js 20, the caller's signal would keep an entry for each connection.
  const attempt = new AbortController();
  const { signal } = attempt;
  let late = false;
  const deadline = setTimeout(() => {
    late = true;
    attempt.abort();
  }, CONNECT_TIMEOUT_MS);
  const abort = () => attempt.abort(options.signal?.reason);
  options.signal?.addEventListener('abort', abort);
  if (options.signal?.aborted) abort();
  try {
    return protocol === 'tcp' || protocol === 'tls'
      ? await connectStream(protocol, to, options, signal)
      : await (await loadedWebSockets(to)).connectWebSocket(protocol, to, options, signal);
  } catch (error) {
    if (error instanceof ConfigurationError) throw error;
    const why = late ? `no connection within ${CONNECT_TIMEOUT_MS / 1000} s` : reasonOf(error);
    const code = errorCode(error);
    const suffix = code === undefined || why.includes(code) ? '' : ` (${code})`;
    const message = `${protocol} connection to ${addressText(to)} failed: ${why}${suffix}`;
    throw isUntrusted(error)
      ? new UntrustedError(message, { cause: error })
      : new TransportError(message, { cause: error });
  } finally {
    clearTimeout(deadline);
    options.signal?.removeEventListener('abort', abort);
  }
};

export const listen: Platform['listen'] = async (protocol, at, options, onChannel) =>
  protocol === 'tcp' || protocol === 'tls'
    ? listenStream(protocol, at, options, onChannel)
    : (await loadedWebSockets(at)).listenWebSocket(protocol, at, options, onChannel);

function loadedWebSockets(address: Address): Promise<WebSockets> {
  if (webSockets) return webSockets();
  throw new ConfigurationError(`${addressText(address)}: this program is composed without WebSocket`);
}
