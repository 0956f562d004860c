/** Connections, listeners and datagrams. */

import type { ListenLimits } from './bounds.js';

/** Address of a socket. */
export interface Address {
  /** IP address or host name; IPv6 without brackets. */
  host: string;
  /** Port number. */
  port: number;
}

/** TLS material as PEM text or bytes. */
export interface TlsOptions {
  /** Authorities to trust instead of the system's. */
  ca?: string | Uint8Array;
  /** Certificate of this end. */
  cert?: string | Uint8Array;
  /** Private key of the certificate. */
  key?: string | Uint8Array;
  /** Name to verify in the peer's certificate; the host of the connection if absent. */
  serverName?: string;
  /**
   * Fingerprints of the server's certificate in the form of `a=fingerprint` (`sha-256 AB:CD:…`, RFC 8122). One of them
   * must match; the authority of the certificate is not checked. If there are several hash functions, the strongest is
   * used. A browser does not reveal certificates, so there it must trust the certificate itself.
   */
  fingerprints?: readonly string[];
}

export type ChannelProtocol = 'tcp' | 'tls' | 'ws' | 'wss';

/** A connection for bytes, ordered and reliable: TCP, TLS or WebSocket. */
export interface Channel {
  readonly protocol: ChannelProtocol;
  readonly local: Address;
  readonly remote: Address;
  /** Whether each call of `ondata` has one whole message (WebSocket); a stream has no message boundaries. */
  readonly framed: boolean;
  /**
   * Names in the client's certificate, if the listener requested one and it is valid: its SIP domains (RFC 5922 §7.1).
   */
  readonly certificateNames?: readonly string[];
  /** Bytes accepted by `send` and not yet passed to the network. */
  readonly buffered: number;
  /**
   * Called with received bytes, which the owner may keep. The owner must set it synchronously after it receives the
   * channel, before the first event.
   */
  ondata: (bytes: Uint8Array) => void;
  /**
   * Called when at most 64 KiB are buffered: time to send more. Each `send` is followed by such a call, unless the
   * connection ends.
   */
  ondrain: () => void;
  /** Called once at the end, with an error if the end was not clean. */
  onclose: (error?: Error) => void;
  /**
   * Sends the parts as one WebSocket message, or one write of a stream. The bytes must not change afterwards.
   * @throws TransportError when the connection has ended. It ends when the peer does not read 16 MiB.
   */
  send(...parts: Uint8Array[]): void;
  /**
   * Reports how many bytes the owner keeps of an unfinished message of a stream; 0 when it is finished. A listener
   * bounds them, and the time from the first to the last byte.
   */
  unfinished(bytes: number): void;
  /** Stops reading, so that the peer has to wait. Bytes already read can still arrive: 64 KiB, or one message. */
  pause(): void;
  resume(): void;
  /** Closes the connection after the buffered bytes were sent. */
  close(): void;
  /** Closes the connection at once. */
  destroy(): void;
}

export interface ConnectOptions {
  tls?: TlsOptions;
  /** WebSocket subprotocol, e.g. `sip` (RFC 7118) or `msrp` (RFC 7977). */
  subprotocol?: string;
  /** WebSocket path, `/` if absent. */
  path?: string;
  signal?: AbortSignal;
  /** Size of the largest accepted WebSocket message, in bytes. */
  maxMessage?: number;
}

export interface ListenOptions {
  tls?: TlsOptions;
  /** Requests a certificate from each client over TLS; `tls.ca` verifies it. A client without one is accepted. */
  requestCertificate?: boolean;
  subprotocol?: string;
  maxMessage?: number;
  limits?: Partial<ListenLimits>;
}

export interface Listener {
  readonly address: Address;
  /** Stops accepting connections. Accepted connections stay open. */
  close(): Promise<void>;
}

export interface DatagramSocket {
  readonly local: Address;
  /** The resolved address of the peer, if the socket is connected. */
  readonly remote: Address | undefined;
  /** Called for each datagram; `from` is its source. */
  onmessage: (bytes: Uint8Array, from: Address) => void;
  /**
   * Called when the network reports that the peer cannot be reached (ICMP, no route). The socket remains usable. Any
   * other failure loses the datagram without a call.
   */
  onerror: (error: Error) => void;
  /** `to` is required unless the socket is connected. */
  send(bytes: Uint8Array, to?: Address): void;
  close(): void;
}

/** Opens connections and ports: those of the machine, or in-memory ones of a test. */
export interface Sockets {
  /** @throws ConfigurationError for a protocol that the platform does not support; TransportError. */
  connect(protocol: ChannelProtocol, to: Address, options?: ConnectOptions): Promise<Channel>;
  /** @throws ConfigurationError for a protocol that the platform does not support; TransportError. */
  listen(
    protocol: ChannelProtocol,
    at: Address,
    options: ListenOptions,
    onChannel: (channel: Channel) => void,
  ): Promise<Listener>;
  /** With `remote` the socket is connected: the kernel drops datagrams from other sources. */
  openDatagram(options: { local?: Address; remote?: Address }): Promise<DatagramSocket>;
}
