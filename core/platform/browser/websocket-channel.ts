/** WebSocket connections (RFC 6455), the only kind in a browser. */

import { ConfigurationError, TransportError } from '../../errors.js';
import { reasonOf } from '../../text.js';
import { addressText, CONNECT_TIMEOUT_MS, LOW_WATER_BYTES, MAX_UNSENT_BYTES, UNREAD } from '../failure.js';
import type { Platform } from '../platform.js';
import type { Address, Channel, ChannelProtocol, TlsOptions } from '../sockets.js';
import { randomHex } from './crypto.js';

type WebSocketProtocol = 'ws' | 'wss';

/** Default limit of a message: 1 MiB. */
const DEFAULT_MAX_MESSAGE_BYTES = 1024 * 1024;

/** Bytes of messages held while the channel is paused, because a browser keeps reading. Four windows of an MSRP sender. */
const MAX_HELD_BYTES = 16 * 1024 * 1024;
/** Overhead of a held message in bytes, a limit for empty messages. */
const MESSAGE_COST = 1024;

/** Interval for polling `bufferedAmount`, which has no event, in milliseconds. */
const POLL_INTERVAL_MS = 20;

/** Codes of an orderly end: normal, going away, and a Close frame without a code (RFC 6455 §7.4.1). */
const ORDERLY = new Set([1000, 1001, 1005]);

const DEFAULT_PORTS = { ws: 80, wss: 443 };

export const protocols: Platform['protocols'] = new Set(['ws', 'wss']);

export const connect: Platform['connect'] = async (protocol, to, options = {}) => {
  requireWebSocket(protocol, to);
  requireNoMaterial(options.tls);
  const signal = withDeadline(options.signal);
  const url = `${protocol}://${addressText(to)}${options.path ?? '/'}`;
  const socket = open(url, options.subprotocol);
  await opened(socket, url, signal);
  return new WebSocketChannel(protocol, to, socket, options.maxMessage);
};

function requireWebSocket(protocol: ChannelProtocol, to: Address): asserts protocol is WebSocketProtocol {
  if (protocol === 'ws' || protocol === 'wss') return;
  throw new ConfigurationError(
    `no ${protocol} connection to ${addressText(to)}: a browser connects by WebSocket only (transport=ws or wss)`,
  );
}

/**
 * Rejects TLS options that a browser cannot apply. Fingerprints are ignored, because the browser verifies the certificate
 * for the name, which is no weaker.
 */
function requireNoMaterial(tls: TlsOptions = {}): void {
  const unsupported = (['ca', 'cert', 'key', 'serverName'] as const).filter(
    (name) => tls[name] !== undefined,
  );
  if (unsupported.length === 0) return;
  throw new ConfigurationError(
    `tls: "${unsupported.join('", "')}" cannot be used in a browser, which has its own authorities; remove it`,
  );
}

function withDeadline(signal: AbortSignal | undefined): AbortSignal {
  const deadline = AbortSignal.timeout(CONNECT_TIMEOUT_MS);
  return signal ? AbortSignal.any([deadline, signal]) : deadline;
}

function open(url: string, subprotocol: string | undefined): WebSocket {
  try {
    const socket = new WebSocket(url, subprotocol === undefined ? [] : [subprotocol]);
    socket.binaryType = 'arraybuffer';
    return socket;
  } catch (error) {
    // A page from https must not connect by ws.
    throw new ConfigurationError(`the browser does not connect to ${url}: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

function opened(socket: WebSocket, url: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (why: string, cause?: unknown) => {
      end();
      socket.close();
      reject(new TransportError(`connection to ${url} failed: ${why}`, { cause }));
    };
    const onAbort = () => {
      const late = signal.reason instanceof DOMException && signal.reason.name === 'TimeoutError';
      const why = late ? `none within ${CONNECT_TIMEOUT_MS / 1000} s` : reasonOf(signal.reason);
      failed(why, signal.reason);
    };
    const end = () => {
      signal.removeEventListener('abort', onAbort);
      socket.onopen = socket.onerror = null;
    };
    socket.onopen = () => {
      end();
      resolve();
    };
    // Browsers hide the reason from scripts, so that pages cannot scan the user's network.
    socket.onerror = () => failed('see the console of the browser for the reason');
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
}

class WebSocketChannel implements Channel {
  readonly framed = true;
  /** A placeholder, because a browser does not know its address (RFC 7118 appendix B.1). */
  readonly local: Address;
  ondata: Channel['ondata'] = () => {};
  ondrain: Channel['ondrain'] = () => {};
  onclose: Channel['onclose'] = () => {};
  #paused = false;
  /** Paused until the owner has set the handlers; the first bytes may already be here. */
  #starting = true;
  readonly #held: Uint8Array[] = [];
  #heldBytes = 0;
  #looking = false;
  #ended: { error: Error | undefined } | undefined;
  #closeReported = false;

  constructor(
    readonly protocol: WebSocketProtocol,
    readonly remote: Address,
    private readonly socket: WebSocket,
    private readonly maxMessage = DEFAULT_MAX_MESSAGE_BYTES,
  ) {
    this.local = { host: `${randomHex(6)}.invalid`, port: DEFAULT_PORTS[protocol] };
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = ({ code, reason }) => {
      const why = `the WebSocket was closed with ${code} ${reason}`.trim();
      this.#end(ORDERLY.has(code) ? undefined : new TransportError(why));
    };
    setTimeout(() => {
      this.#starting = false;
      this.#deliver();
    });
  }

  get buffered(): number {
    return this.socket.bufferedAmount;
  }

  send(...parts: Uint8Array[]): void {
    if (this.socket.readyState !== WebSocket.OPEN) {
      throw new TransportError(`the WebSocket to ${addressText(this.remote)} is closed`);
    }
    const bytes = concatenated(parts);
    if (this.buffered + bytes.length > MAX_UNSENT_BYTES) {
      const error = new TransportError(UNREAD);
      this.#abort(error);
      throw error;
    }
    // A text frame for valid UTF-8, which every peer and browser tool can read (RFC 7118 §5, RFC 7977 §5.2).
    this.socket.send(textOf(bytes) ?? bytes);
    this.#lookForDrain();
  }

  /** The browser assembles messages. */
  unfinished(): void {}

  /** Holds the messages that the browser still reads. Beyond a limit the connection fails. */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#deliver();
  }

  close(): void {
    // Deliver the held messages before the peer's Close frame.
    this.resume();
    this.socket.close(1000);
  }

  destroy(): void {
    this.#abort(undefined);
  }

  #receive(data: unknown): void {
    if (this.#ended) return;
    const bytes = data instanceof ArrayBuffer ? new Uint8Array(data) : new TextEncoder().encode(String(data));
    if (bytes.length > this.maxMessage) {
      this.#abort(new TransportError(`a WebSocket message exceeds ${this.maxMessage} bytes`));
      return;
    }
    this.#held.push(bytes);
    this.#heldBytes += bytes.length + MESSAGE_COST;
    this.#deliver();
    if (this.#heldBytes > MAX_HELD_BYTES) {
      this.#abort(
        new TransportError(
          `messages of more than ${MAX_HELD_BYTES} bytes arrived while the channel was paused`,
        ),
      );
    }
  }

  #deliver(): void {
    while (!this.#starting && !this.#paused) {
      const bytes = this.#held.shift();
      if (!bytes) {
        this.#reportClose();
        break;
      }
      this.#heldBytes -= bytes.length + MESSAGE_COST;
      this.ondata(bytes);
    }
  }

  /** Ends at once, without waiting for the peer. */
  #abort(error: Error | undefined): void {
    this.socket.close();
    this.#held.length = 0;
    this.#heldBytes = 0;
    this.#paused = false;
    this.#end(error);
  }

  #end(error: Error | undefined): void {
    this.#ended ??= { error };
    // After earlier messages, and never during a call by the owner.
    setTimeout(() => this.#deliver());
  }

  #reportClose(): void {
    if (!this.#ended || this.#closeReported) return;
    this.#closeReported = true;
    this.onclose(this.#ended.error);
  }

  #lookForDrain(delay = 0): void {
    if (this.#looking) return;
    this.#looking = true;
    setTimeout(() => {
      this.#looking = false;
      if (this.socket.readyState !== WebSocket.OPEN) return;
      if (this.buffered > LOW_WATER_BYTES) this.#lookForDrain(POLL_INTERVAL_MS);
      else this.ondrain();
    }, delay);
  }
}

function concatenated(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

const UTF_8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return UTF_8.decode(bytes);
  } catch {
    return undefined;
  }
}
