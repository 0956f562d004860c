/** The MSRP endpoints of accepted lines: this device connects to the sender (8.2.1-08, 8.2.3-02), or through a relay. */

import { platform } from '#platform';
import { ConfigurationError, LimitError, TimeoutError, TransportError } from '../../errors.js';
import {
  localMsrpUri,
  MsrpConnector,
  type MsrpProtocol,
  MsrpRefusedError,
  MsrpRelay,
  type MsrpSession,
  MsrpUri,
  msrpAddressOf,
  msrpProtocolOf,
  type RelayAccount,
  type SessionOptions,
} from '../../msrp/index.js';
import type { Address, Sockets, TlsOptions } from '../../platform/sockets.js';
import type { MsrpMedia } from '../../sdp/index.js';
import { digestAnswers } from '../../sip/authentication/challenge-answers.js';
import { reasonOf } from '../../text.js';
import { RequestRefusedError } from '../admission.js';

/** The endpoint of a line: the answer contains its port and path before it is connected. */
export interface MediaEndpoint {
  readonly port: number;
  readonly path: readonly string[];
  /** @throws TransportError, the reason of the signal. */
  connect(media: MsrpMedia, signal: AbortSignal, handlers: MediaHandlers): Promise<MsrpSession>;
  /** Releases an endpoint that is not connected. */
  close(): void;
}

export type MediaHandlers = Pick<SessionOptions, 'onMessage' | 'onClosed'>;

/** An MSRP relay through which senders reach this device (8.2.1-11). */
export interface MediaRelay {
  readonly protocol: MsrpProtocol;
  /** @throws RequestRefusedError; ConfigurationError if the relay refuses this device; the reason of the signal. */
  open(local: Address, signal: AbortSignal): Promise<MediaEndpoint>;
  close(): Promise<void>;
}

/** Made by `throughRelay`. */
export type OpenMediaRelay = (network: { sockets?: Sockets }) => MediaRelay;

/**
 * Senders reach this device through an MSRP relay (8.2.1-11).
 * @throws ConfigurationError if the URI of the relay is invalid.
 */
export function throughRelay(account: RelayAccount): OpenMediaRelay {
  return (network) => {
    const answerChallenges = digestAnswers(account.credentials, 'AUTH');
    const relay = new MsrpRelay({ ...account, ...network, answerChallenges });
    return {
      protocol: relay.protocol,
      open: (local, signal) => RelayedEndpoint.open(relay, local, signal),
      close: () => relay.close(),
    };
  };
}

class RelayedEndpoint implements MediaEndpoint {
  readonly port: number;

  private constructor(
    local: Address,
    private readonly session: MsrpSession,
    /** The handlers of the session, set by `connect`. */
    private readonly connected: { handlers?: MediaHandlers },
  ) {
    this.port = local.port;
  }

  static async open(relay: MsrpRelay, local: Address, signal: AbortSignal): Promise<RelayedEndpoint> {
    const connected: { handlers?: MediaHandlers } = {};
    const handlers: Required<MediaHandlers> = {
      onMessage: (head) => {
        const { onMessage } = connected.handlers ?? {};
        if (!onMessage) throw new MsrpRefusedError(403, 'the INVITE of this session is not answered yet');
        return onMessage(head);
      },
      onClosed: (error) => connected.handlers?.onClosed?.(error),
    };
    try {
      return new RelayedEndpoint(local, await relay.open(local, handlers, signal), connected);
    } catch (error) {
      throw signal.aborted ? signal.reason : asRefusal(error);
    }
  }

  get path(): readonly string[] {
    return this.session.localPath;
  }

  async connect(media: MsrpMedia, signal: AbortSignal, handlers: MediaHandlers): Promise<MsrpSession> {
    const { session } = this;
    if (signal.aborted) session.close();
    signal.throwIfAborted();
    if (session.closed) throw new TransportError('the connection to the MSRP relay was lost');
    this.connected.handlers = handlers;
    session.remotePath = media.path;
    // 8.2.1-08: a sender without relay support waits for this end, and our relay connects to it. Other senders connect.
    session.introduce();
    return session;
  }

  close(): void {
    this.session.close();
  }
}

/** A transient failure of the relay refuses the INVITE with Retry-After. */
function asRefusal(error: unknown): unknown {
  const transient = [TransportError, TimeoutError, LimitError].some((kind) => error instanceof kind);
  return transient ? new RequestRefusedError('resources', `no MSRP relay: ${reasonOf(error)}`) : error;
}

export interface MediaConnectorOptions {
  tls?: TlsOptions;
  sockets?: Sockets;
  relay?: OpenMediaRelay;
}

/** RFC 4145 §5: the discard port, for an end that only connects. */
const DISCARD_PORT = 9;

export class MediaConnector {
  readonly #connector: MsrpConnector;
  readonly #relay: MediaRelay | undefined;
  readonly #protocols: ReadonlySet<string> | undefined;

  /** @throws ConfigurationError if the URI of the relay is invalid, or this platform (a browser) cannot connect to it. */
  constructor({ tls, sockets, relay }: MediaConnectorOptions = {}) {
    // Injected sockets support every protocol.
    this.#protocols = sockets ? undefined : platform.protocols;
    this.#connector = new MsrpConnector({ tls, sockets });
    if (relay) {
      this.#relay = relay({ sockets });
      this.#require(this.#relay.protocol, (why) => new ConfigurationError(`the MSRP relay: ${why}`));
    }
  }

  /**
   * An endpoint for one line: its URI names the session.
   * @param host the address of this device towards its peers.
   * @throws RequestRefusedError; ConfigurationError if the relay refuses this device; the reason of the signal.
   */
  async open(media: MsrpMedia, host: string, signal: AbortSignal): Promise<MediaEndpoint> {
    const local = { host, port: DISCARD_PORT };
    if (this.#relay) return await this.#relay.open(local, signal);
    const { protocol } = destinationOf(media);
    this.#require(protocol, (why) => new RequestRefusedError('type', why));
    const localUri = localMsrpUri(protocol, local);
    return {
      port: DISCARD_PORT,
      path: [localUri],
      connect: (to, until, handlers) => this.#connect(localUri, to, until, handlers),
      close() {},
    };
  }

  async close(): Promise<void> {
    await this.#connector.close();
    await this.#relay?.close();
  }

  #require(protocol: MsrpProtocol, errorOf: (why: string) => Error): void {
    if (!this.#protocols || this.#protocols.has(protocol)) return;
    const supported = [...this.#protocols].join(' or ');
    throw errorOf(`this platform cannot connect over ${protocol}: use ${supported}, or an MSRP relay`);
  }

  async #connect(
    localUri: string,
    media: MsrpMedia,
    signal: AbortSignal,
    handlers: MediaHandlers,
  ): Promise<MsrpSession> {
    const { path } = media;
    const { protocol, address, fingerprints } = destinationOf(media);
    const options = { localUri, remotePath: path, fingerprints, ...handlers };
    return await this.#connector.connect(protocol, address, options, signal);
  }
}

interface Destination {
  protocol: MsrpProtocol;
  address: Address;
  fingerprints: readonly string[];
}

/**
 * 8.2.3-02: the c= address and the m= port. With a relay in the path, the address of the relay; the fingerprint of the
 * SDP is not that of the relay (RFC 4976 §5).
 */
function destinationOf({ protocol, host, port, path, fingerprints }: MsrpMedia): Destination {
  const [first = '', ...rest] = path;
  const uri = MsrpUri.parse(first);
  if (uri && rest.length > 0) {
    return { protocol: msrpProtocolOf(uri), address: msrpAddressOf(uri), fingerprints: [] };
  }
  const secure = protocol === 'TCP/TLS/MSRP';
  // RFC 7977 §5.2: only the URI names WebSocket.
  const overWebSocket = uri?.transport === 'ws';
  const byUri = overWebSocket ? (secure ? 'wss' : 'ws') : secure ? 'tls' : 'tcp';
  return { protocol: byUri, address: { host, port }, fingerprints };
}
