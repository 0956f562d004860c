/** Connections and listeners of every protocol, with one deadline and one kind of error. */

import { ConfigurationError, TransportError, UntrustedError } from '../../errors.js';
import { reasonOf } from '../../text.js';
import { addressText, CONNECT_TIMEOUT_MS } from '../failure.js';
import type { Platform } from '../platform.js';
import { errorCode, isUntrusted } from './failure.js';
import { connectStream, listenStream } from './stream-channel.js';
import { connectWebSocket, listenWebSocket } from './websocket-channel.js';

export const protocols: Platform['protocols'] = new Set(['udp', 'tcp', 'tls', 'ws', 'wss']);

export const connect: Platform['connect'] = async (protocol, to, options = {}) => {
  const deadline = AbortSignal.timeout(CONNECT_TIMEOUT_MS);
  const signal = options.signal ? AbortSignal.any([deadline, options.signal]) : deadline;
  try {
    return protocol === 'tcp' || protocol === 'tls'
      ? await connectStream(protocol, to, options, signal)
      : await connectWebSocket(protocol, to, options, signal);
  } catch (error) {
    if (error instanceof ConfigurationError) throw error;
    const why = deadline.aborted ? `no connection within ${CONNECT_TIMEOUT_MS / 1000} s` : reasonOf(error);
    const code = errorCode(error);
    const suffix = code === undefined || why.includes(code) ? '' : ` (${code})`;
    const message = `${protocol} connection to ${addressText(to)} failed: ${why}${suffix}`;
    throw isUntrusted(error)
      ? new UntrustedError(message, { cause: error })
      : new TransportError(message, { cause: error });
  }
};

export const listen: Platform['listen'] = async (protocol, at, options, onChannel) =>
  protocol === 'tcp' || protocol === 'tls'
    ? listenStream(protocol, at, options, onChannel)
    : listenWebSocket(protocol, at, options, onChannel);
