/** TCP and TLS connections and listeners by node:net and node:tls. TLS settings are checked before the first connection. */

import net, { isIP } from 'node:net';
// From the module, not the global: sockets are real in tests with a fake clock, too.
import { clearTimeout, setImmediate, setTimeout } from 'node:timers';
import tls from 'node:tls';
import { defined } from '../../defined.js';
import { ConfigurationError, TransportError } from '../../errors.js';
import { reasonOf } from '../../text.js';
import { type Holding, LISTEN_LIMITS, ListenerBounds } from '../bounds.js';
import { addressText, LOW_WATER_BYTES, MAX_UNSENT_BYTES, UNREAD, WRITE_COST } from '../failure.js';
import type { Address, Channel, ConnectOptions, Listener, ListenOptions, TlsOptions } from '../sockets.js';
import { certificateFault, sipDomains } from './crypto.js';
import { acceptDescriptor, releaseDescriptor, requireDescriptors } from './descriptors.js';
import { CLOSE_TIMEOUT_MS } from './failure.js';

/** How long a peer may take for the TLS handshake or the HTTP upgrade. */
export const HANDSHAKE_TIMEOUT_MS = 10_000;

export function clientTlsOptions(host: string, options: TlsOptions = {}): tls.ConnectionOptions {
  const name = options.serverName ?? host;
  return {
    secureContext: secureContext(options),
    // RFC 6066 §3: server_name contains no IP addresses; the certificate is still verified for the address.
    servername: isIP(name) === 0 ? name : '',
    checkServerIdentity: (_host, certificate) => tls.checkServerIdentity(name, certificate),
    // RFC 8122: such certificates are usually self-signed. The client checks the fingerprint.
    rejectUnauthorized: options.fingerprints === undefined,
  };
}

/** By default a listener requests no client certificates, because users authenticate by digest: `ca` is for clients. */
export function serverTlsOptions(
  options: TlsOptions | undefined,
  requestCertificate = false,
): tls.TlsOptions & { key: string | Buffer } {
  if (options?.cert === undefined || options.key === undefined) {
    throw new ConfigurationError('tls: a listener needs "cert" and "key"');
  }
  secureContext(options);
  return {
    cert: pem(options.cert),
    key: pem(options.key),
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    // The owner of the channel decides by the names of a valid certificate, or by the address.
    requestCert: requestCertificate,
    rejectUnauthorized: false,
    ca: requestCertificate && options.ca ? pem(options.ca) : undefined,
  };
}

function secureContext({ ca, cert, key }: TlsOptions): tls.SecureContext {
  if ((cert === undefined) !== (key === undefined)) {
    throw new ConfigurationError('tls: expected both "cert" and "key", or neither');
  }
  try {
    return tls.createSecureContext({
      ca: ca && pem(ca),
      cert: cert && pem(cert),
      key: key && pem(key),
    });
  } catch (error) {
    throw new ConfigurationError(`tls: ca, cert or key cannot be used: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

function pem(value: string | Uint8Array): string | Buffer {
  return typeof value === 'string' ? value : Buffer.from(value);
}

type StreamProtocol = 'tcp' | 'tls';

/**
 * TCP keep-alive after a minute of silence, because a device that lost its network sends no FIN, and the connection would
 * stay open forever.
 */
export const SOCKET_OPTIONS = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 } as const;

export function connectStream(
  protocol: StreamProtocol,
  to: Address,
  options: ConnectOptions,
  signal: AbortSignal,
): Promise<Channel> {
  const target = { host: to.host, port: to.port, ...SOCKET_OPTIONS };
  const socket =
    protocol === 'tls'
      ? tls.connect({ ...target, ...clientTlsOptions(to.host, options.tls) })
      : net.connect(target);
  return new Promise((resolve, reject) => {
    const onAbort = () => socket.destroy(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    const settle = () => {
      signal.removeEventListener('abort', onAbort);
      socket.removeListener('error', onError);
      socket.removeListener('close', onClose);
    };
    const onError = (error: Error) => {
      settle();
      // A destroyed socket can report further errors.
      socket.on('error', () => {});
      socket.destroy();
      reject(error);
    };
    const onClose = () => onError(new TransportError('the peer closed the connection'));
    socket.once('error', onError);
    socket.once('close', onClose);
    socket.pause();
    socket.once(protocol === 'tls' ? 'secureConnect' : 'connect', () => {
      const fault = certificateFault(socket, options.tls);
      if (fault) return onError(fault);
      settle();
      resolve(new StreamChannel(protocol, socket));
    });
  });
}

export async function listenStream(
  protocol: StreamProtocol,
  at: Address,
  options: ListenOptions,
  onChannel: (channel: Channel) => void,
): Promise<Listener> {
  const bounds = boundsOf(options);
  const accept = (socket: net.Socket) => {
    // A handshake can end after the listener was closed, or after the peer has disconnected.
    if (!server.listening || socket.destroyed || socket.remoteAddress === undefined) socket.destroy();
    else onChannel(new StreamChannel(protocol, socket, bounds));
  };
  const server =
    protocol === 'tls'
      ? tls.createServer(
          { ...serverTlsOptions(options.tls, options.requestCertificate), ...SOCKET_OPTIONS },
          accept,
        )
      : net.createServer({ ...SOCKET_OPTIONS, pauseOnConnect: true }, accept);
  // A failed handshake affects only its own connection.
  server.on('tlsClientError', (_error: Error, socket: tls.TLSSocket) => socket.destroy());
  return startListening(server, at, bounds);
}

export function boundsOf({ limits = {} }: ListenOptions): ListenerBounds {
  return new ListenerBounds({ ...LISTEN_LIMITS, ...defined(limits) });
}

/** Closes connections beyond the bounds, before their handshake. */
export function boundConnections(server: net.Server, bounds: ListenerBounds): void {
  server.prependListener('connection', (socket: net.Socket) => {
    if (!acceptDescriptor()) return void socket.destroy();
    const release = bounds.admit(socket.remoteAddress ?? '');
    if (!release) socket.destroy();
    socket.once('close', () => {
      releaseDescriptor();
      release?.();
    });
  });
}

/** How long a listener refuses connections after an error of accept, in milliseconds. */
const ACCEPT_PAUSE_MS = 100;

/**
 * Refuses connections for a while after an error of accept: if no file descriptor is free, the system reports the same
 * connection repeatedly until the port is closed.
 * @returns the function that ends this.
 */
export function pauseAfterErrors(server: net.Server, target: net.ListenOptions): () => void {
  let paused: ReturnType<typeof setTimeout> | undefined;
  const listen = () => server.listen(target);
  server.on('error', () => {
    server.close();
    clearTimeout(paused);
    paused = setTimeout(listen, ACCEPT_PAUSE_MS);
  });
  return () => clearTimeout(paused);
}

/** Also used for the HTTP servers of WebSocket. */
export async function startListening(
  server: net.Server,
  at: Address,
  bounds: ListenerBounds,
): Promise<Listener> {
  requireDescriptors();
  boundConnections(server, bounds);
  const target = { host: at.host, port: at.port, ipv6Only: true };
  await new Promise<void>((resolve, reject) => {
    const onError = (error: Error) =>
      reject(new TransportError(`cannot listen on ${addressText(at)}: ${reasonOf(error)}`, { cause: error }));
    server.once('error', onError);
    server.listen(target, () => {
      server.removeListener('error', onError);
      resolve();
    });
  });
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new TransportError('the listener has no address');
  const stop = pauseAfterErrors(server, { ...target, port: bound.port });
  return {
    address: { host: bound.address, port: bound.port },
    async close() {
      stop();
      // The port is free at once; the callback would wait for the end of every connection.
      server.close();
    },
  };
}

class StreamChannel implements Channel {
  readonly framed = false;
  readonly local: Address;
  readonly remote: Address;
  #paused = false;
  ondata: Channel['ondata'] = () => {};
  ondrain: Channel['ondrain'] = () => {};
  onclose: Channel['onclose'] = () => {};
  /** Writes that the network has not accepted. */
  #writes = 0;
  #failure: Error | undefined;
  readonly #holding: Holding | undefined;
  readonly #written = (error?: Error | null): void => {
    this.#writes--;
    this.#holding?.unsent(this.#unsent);
    if (!error && this.buffered <= LOW_WATER_BYTES && !this.socket.destroyed) this.ondrain();
  };

  /** @param bounds of the listener that accepted the connection. */
  constructor(
    readonly protocol: StreamProtocol,
    private readonly socket: net.Socket,
    bounds?: ListenerBounds,
  ) {
    this.local = { host: socket.localAddress ?? '', port: socket.localPort ?? 0 };
    this.remote = { host: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 };
    this.#holding = bounds?.holding(this.remote.host, (error) => this.#fail(error));
    socket.pause();
    socket.on('error', (error) => {
      this.#failure ??= error;
    });
    socket.once('close', () => {
      this.#holding?.end();
      this.onclose(this.#failure);
    });
    socket.on('data', (bytes) => this.ondata(bytes));
    // Adding the listener resumed the socket. Pause it until the owner of the channel has set the handlers.
    socket.pause();
    setImmediate(() => {
      if (!this.#paused) socket.resume();
    });
  }

  get buffered(): number {
    return this.socket.writableLength;
  }

  get certificateNames(): readonly string[] {
    return sipDomains(this.socket);
  }

  send(...parts: Uint8Array[]): void {
    const { socket } = this;
    if (!socket.writable) throw new TransportError(`the connection to ${addressText(this.remote)} is closed`);
    const last = parts.pop();
    if (!last) return;
    this.#writes++;
    const size = parts.reduce((sum, { length }) => sum + length, last.length);
    if (this.#unsent + size > MAX_UNSENT_BYTES) throw this.#fail(new TransportError(UNREAD));
    // Corked parts go to the kernel in one call, without a copy.
    if (parts.length > 0) socket.cork();
    for (const part of parts) socket.write(part);
    socket.write(last, this.#written);
    if (parts.length > 0) socket.uncork();
    this.#holding?.unsent(this.#unsent);
  }

  unfinished(bytes: number): void {
    this.#holding?.unfinished(bytes);
  }

  pause(): void {
    this.#paused = true;
    this.socket.pause();
  }

  resume(): void {
    this.#paused = false;
    this.socket.resume();
  }

  close(): void {
    if (this.socket.destroyed) return;
    // Read the rest before the peer's end.
    this.resume();
    this.socket.end();
    const timer = setTimeout(() => this.socket.destroy(), CLOSE_TIMEOUT_MS);
    timer.unref();
    this.socket.once('close', () => clearTimeout(timer));
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** Bytes that the peer has not read, with the memory of their writes. */
  get #unsent(): number {
    return this.socket.writableLength + this.#writes * WRITE_COST;
  }

  /** Destroys the connection. */
  #fail(error: Error): Error {
    this.#failure ??= error;
    this.socket.destroy();
    return error;
  }
}
