/** WebSocket (RFC 6455) connections and listeners by the `ws` package. */

import { isUtf8 } from 'node:buffer';
import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setImmediate } from 'node:timers';
import { type RawData, WebSocket, WebSocketServer } from 'ws';
import { TransportError } from '../../errors.js';
import type { Holding, ListenerBounds } from '../bounds.js';
import { addressText, LOW_WATER_BYTES, MAX_UNSENT_BYTES, UNREAD, WRITE_COST } from '../failure.js';
import type { Address, Channel, ConnectOptions, Listener, ListenOptions, TlsOptions } from '../sockets.js';
import { certificateFault, sipDomains } from './crypto.js';
import { CLOSE_TIMEOUT_MS } from './failure.js';
import {
  boundsOf,
  clientTlsOptions,
  HANDSHAKE_TIMEOUT_MS,
  SOCKET_OPTIONS,
  serverTlsOptions,
  startListening,
} from './stream-channel.js';

type WebSocketProtocol = 'ws' | 'wss';

/** Default limit of a message: 1 MiB. */
const DEFAULT_MAX_MESSAGE_BYTES = 1024 * 1024;

/** Codes of an orderly end: normal, going away, and a Close frame without a code (RFC 6455 §7.4.1). */
const ORDERLY = new Set([1000, 1001, 1005]);

export function connectWebSocket(
  protocol: WebSocketProtocol,
  to: Address,
  options: ConnectOptions,
  signal: AbortSignal,
): Promise<Channel> {
  const socket = new WebSocket(
    `${protocol}://${addressText(to)}${options.path ?? '/'}`,
    options.subprotocol === undefined ? [] : [options.subprotocol],
    {
      ...(protocol === 'wss' && clientTlsOptions(to.host, options.tls)),
      ...socketOptions(options.maxMessage),
      finishRequest: (request) => sendToTheRightPeer(request, options.tls),
    },
  );
  return new Promise((resolve, reject) => {
    let connection: Socket | undefined;
    let aborted: unknown;
    const onAbort = () => {
      aborted = signal.reason;
      socket.terminate();
    };
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    const onError = (error: Error) => {
      signal.removeEventListener('abort', onAbort);
      reject(aborted ?? error);
    };
    socket.on('error', onError);
    socket.once('upgrade', (response) => {
      connection = response.socket;
    });
    socket.once('open', () => {
      signal.removeEventListener('abort', onAbort);
      socket.removeListener('error', onError);
      if (connection) resolve(new WebSocketChannel(protocol, socket, connection));
    });
  });
}

/** Verifies the peer's certificate before anything is sent, including the HTTP request. */
function sendToTheRightPeer(request: http.ClientRequest, options: TlsOptions | undefined): void {
  if (options?.fingerprints === undefined) return void request.end();
  request.once('socket', (socket) => {
    socket.once('secureConnect', () => {
      const fault = certificateFault(socket, options);
      if (fault) request.destroy(fault);
      else request.end();
    });
  });
}

export function listenWebSocket(
  protocol: WebSocketProtocol,
  at: Address,
  options: ListenOptions,
  onChannel: (channel: Channel) => void,
): Promise<Listener> {
  const timeouts = {
    headersTimeout: HANDSHAKE_TIMEOUT_MS,
    requestTimeout: HANDSHAKE_TIMEOUT_MS,
    ...SOCKET_OPTIONS,
  };
  const server =
    protocol === 'wss'
      ? https.createServer({ ...serverTlsOptions(options.tls, options.requestCertificate), ...timeouts })
      : http.createServer(timeouts);
  const { subprotocol } = options;
  const bounds = boundsOf(options);
  const upgrader = new WebSocketServer({
    noServer: true,
    ...socketOptions(options.maxMessage),
    // By default `ws` selects the first subprotocol that the client offers.
    handleProtocols: subprotocol === undefined ? undefined : () => subprotocol,
  });
  server.on('request', (_request, response) => {
    response.writeHead(426, { Upgrade: 'websocket', Connection: 'close' }).end();
  });
  server.on('clientError', (_error, socket) => socket.destroy());
  server.on('tlsClientError', (_error: Error, socket: Duplex) => socket.destroy());
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => {});
    if (!server.listening) return void socket.destroy();
    if (subprotocol !== undefined && !offers(request, subprotocol)) {
      // The client has to offer "sip" (RFC 7118 §4.1), so that clients of other protocols are rejected.
      return void socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    }
    upgrader.handleUpgrade(request, socket, head, (accepted) => {
      onChannel(new WebSocketChannel(protocol, accepted, request.socket, bounds));
    });
  });
  return startListening(server, at, bounds);
}

function offers(request: http.IncomingMessage, subprotocol: string): boolean {
  const offered = request.headers['sec-websocket-protocol'] ?? '';
  return offered.split(',').some((one) => one.trim() === subprotocol);
}

/** Pieces and frames of one message: 1 MiB in segments of 536 bytes, the smallest of IPv4, are 1956. */
const MAX_PIECES = 4096;
/** Memory of a piece in bytes, in addition to its bytes. */
const PIECE_COST = 256;

function socketOptions(maxMessage = DEFAULT_MAX_MESSAGE_BYTES) {
  return {
    // No compression: a peer could inflate a few bytes to the limit, and SIP gains little.
    perMessageDeflate: false,
    maxPayload: maxMessage,
    maxFragments: MAX_PIECES,
    maxBufferedChunks: MAX_PIECES,
    closeTimeout: CLOSE_TIMEOUT_MS,
    // The channel sends pongs, within its bound.
    autoPong: false,
  };
}

/** Bytes before the data of a short masked control frame (RFC 6455 §5.2). */
const CONTROL_HEADER = 6;

class WebSocketChannel implements Channel {
  readonly framed = true;
  readonly local: Address;
  readonly remote: Address;
  #paused = false;
  ondata: Channel['ondata'] = () => {};
  ondrain: Channel['ondrain'] = () => {};
  onclose: Channel['onclose'] = () => {};
  /** Messages that the network has not accepted. */
  #writes = 0;
  #failure: Error | undefined;
  readonly #holding: Holding | undefined;
  /** Bytes and pieces since the last message: those of an unfinished one. */
  #arrivedBytes = 0;
  #arrivedPieces = 0;
  #sendsPong = false;
  #nextPong: Buffer | undefined;
  readonly #written = (error?: Error | null): void => {
    this.#writes--;
    this.#holding?.unsent(this.#unsent);
    if (!error && this.buffered <= LOW_WATER_BYTES && this.socket.readyState === WebSocket.OPEN) {
      this.ondrain();
    }
  };

  constructor(
    readonly protocol: WebSocketProtocol,
    private readonly socket: WebSocket,
    private readonly connection: Socket,
    bounds?: ListenerBounds,
  ) {
    this.local = { host: connection.localAddress ?? '', port: connection.localPort ?? 0 };
    this.remote = { host: connection.remoteAddress ?? '', port: connection.remotePort ?? 0 };
    if (bounds) {
      this.#holding = bounds.holding(this.remote.host, (error) => this.#fail(error));
      // Before the listener of `ws`, which emits the messages in these bytes.
      connection.prependListener('data', (bytes: Buffer) => this.#arrived(bytes.length, 1));
    }
    socket.on('error', (error) => {
      this.#failure ??= error;
    });
    socket.on('message', (data) => {
      this.#arrived(-this.#arrivedBytes, -this.#arrivedPieces);
      this.ondata(oneBuffer(data));
    });
    socket.on('ping', (data) => this.#pinged(data));
    socket.on('pong', (data) => this.#arrived(-CONTROL_HEADER - data.length));
    socket.once('close', (code, reason) => {
      this.#holding?.end();
      if (!this.#failure && !ORDERLY.has(code)) {
        this.#failure = new TransportError(
          `the WebSocket was closed with ${code} ${reason.toString()}`.trim(),
        );
      }
      this.onclose(this.#failure);
    });
    // Paused until the owner of the channel has set the handlers; the first bytes may already be here.
    socket.pause();
    setImmediate(() => {
      if (!this.#paused) socket.resume();
    });
  }

  get certificateNames(): readonly string[] {
    return sipDomains(this.connection);
  }

  get buffered(): number {
    return this.socket.bufferedAmount;
  }

  send(...parts: Uint8Array[]): void {
    if (this.socket.readyState !== WebSocket.OPEN) {
      throw new TransportError(`the WebSocket to ${addressText(this.remote)} is closed`);
    }
    const [only] = parts;
    const bytes = only && parts.length === 1 ? only : Buffer.concat(parts);
    this.#writes++;
    if (this.#unsent + bytes.length > MAX_UNSENT_BYTES) throw this.#fail(new TransportError(UNREAD));
    // A text frame for valid UTF-8, which every peer and browser tool can read, otherwise a binary one (RFC 7118 §5,
    // RFC 7977 §5.2).
    this.socket.send(bytes, { binary: !isUtf8(bytes) }, this.#written);
    this.#holding?.unsent(this.#unsent);
  }

  /** A message is assembled before the owner receives it. */
  unfinished(): void {}

  pause(): void {
    this.#paused = true;
    this.socket.pause();
  }

  resume(): void {
    this.#paused = false;
    this.socket.resume();
  }

  close(): void {
    // Read the rest before the peer's Close frame.
    this.resume();
    this.socket.close(1000);
  }

  destroy(): void {
    this.socket.terminate();
  }

  /** Bytes that the peer has not read, with the memory of their writes. */
  get #unsent(): number {
    return this.buffered + this.#writes * WRITE_COST;
  }

  #arrived(bytes: number, pieces = 0): void {
    this.#arrivedBytes = Math.max(0, this.#arrivedBytes + bytes);
    this.#arrivedPieces = this.#arrivedBytes === 0 ? 0 : this.#arrivedPieces + pieces;
    this.#holding?.unfinished(this.#arrivedBytes + this.#arrivedPieces * PIECE_COST);
  }

  /** RFC 6455 §5.5.3: pings that arrive while a pong is unsent may be answered by one pong, for the last of them. */
  #pinged(data: Buffer): void {
    this.#arrived(-CONTROL_HEADER - data.length);
    if (this.#sendsPong) this.#nextPong = Buffer.from(data);
    else this.#sendPong(data);
  }

  #sendPong(data: Buffer): void {
    if (this.socket.readyState !== WebSocket.OPEN) return;
    this.#sendsPong = true;
    this.socket.pong(data, undefined, (error?: Error | null) => {
      this.#sendsPong = false;
      const next = this.#nextPong;
      this.#nextPong = undefined;
      if (!error && next) this.#sendPong(next);
    });
  }

  /** Destroys the connection. */
  #fail(error: Error): Error {
    this.#failure ??= error;
    this.socket.terminate();
    return error;
  }
}

/** `ws` passes one Buffer by default; its type includes those of other `binaryType`s. */
function oneBuffer(data: RawData): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data;
}
