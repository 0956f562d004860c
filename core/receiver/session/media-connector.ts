/** The place of a line behind a relay of this device (RFC 4976 5.1): it is there before the answer names it. */

import { platform } from '#platform';
import { ConfigurationError, LimitError, TimeoutError, TransportError } from '../../errors.js';
import {
  localMsrpUri,
  MsrpConnector,
  type MsrpProtocol,
  MsrpRefused,
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
import { RequestRefused } from '../admission.js';

/**
 * Senders reach this device through an MSRP relay (8.2.1-11).
 * @throws ConfigurationError when the URI of the relay is invalid.
 */
export function throughRelay(account: RelayAccount): OpenMediaRelay {
  return (network) => {
    const answerChallenges = digestAnswers(account.credentials, 'AUTH');
    const relay = new MsrpRelay({ ...account, ...network, answerChallenges });
    return {
      protocol: relay.protocol,
      place: (here, signal) => RelayedEndpoint.open(relay, here, signal),
      close: () => relay.close(),
    };
  };
}

class RelayedEndpoint implements MediaEndpoint {
  readonly port: number;

  private constructor(
    here: Address,
    private readonly session: MsrpSession,
    /** Of the session, as soon as there are any. */
    private readonly late: { handlers?: MediaHandlers },
  ) {
    this.port = here.port;
  }

  /** @throws TurnedAway, ConfigurationError when the relay cannot be used; the reason of the signal. */
  static async open(relay: MsrpRelay, here: Address, signal: AbortSignal): Promise<RelayedEndpoint> {
    const late: { handlers?: MediaHandlers } = {};
    const handlers: Required<MediaHandlers> = {
      onMessage: (head) => {
        const { onMessage } = late.handlers ?? {};
        if (!onMessage) throw new MsrpRefused(403, 'nobody was told of this session yet');
        return onMessage(head);
      },
      onClosed: (error) => late.handlers?.onClosed?.(error),
    };
    try {
      return new RelayedEndpoint(here, await relay.open(here, handlers, signal), late);
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
    this.late.handlers = handlers;
    session.remotePath = media.path;
    // 8.2.1-08: a sender that knows no relays waits for us, and ours connects to it. Others come, or are there.
    session.introduce();
    return session;
  }

  close(): void {
    this.session.close();
  }
}

/** What may be over when the sender tries again. */
function asRefusal(error: unknown): unknown {
  const passing = [TransportError, TimeoutError, LimitError].some((kind) => error instanceof kind);
  return passing ? new RequestRefused('resources', `no MSRP relay: ${(error as Error).message}`) : error;
}

/** Where the media of this device are: it is the active end, and connects (8.2.1-08, 8.2.3-02). */

/** What an answer says of a line's place, until it is connected or given up. */
export interface MediaEndpoint {
  readonly port: number;
  readonly path: readonly string[];
  /** @throws TransportError, the reason of the signal. */
  connect(media: MsrpMedia, signal: AbortSignal, handlers: MediaHandlers): Promise<MsrpSession>;
  /** Of a line that nothing came of. */
  close(): void;
}

export type MediaHandlers = Pick<SessionOptions, 'onMessage' | 'onClosed'>;

/** An MSRP relay that senders come through (8.2.1-11). */
export interface MediaRelay {
  readonly protocol: MsrpProtocol;
  /** @throws TurnedAway, ConfigurationError when the relay cannot be used; the reason of the signal. */
  place(here: Address, signal: AbortSignal): Promise<MediaEndpoint>;
  close(): Promise<void>;
}

/** Made by `throughRelay`. */
export type OpenMediaRelay = (network: { sockets?: Sockets }) => MediaRelay;

export interface MediaConnectorOptions {
  tls?: TlsOptions;
  sockets?: Sockets;
  relay?: OpenMediaRelay;
}

/** RFC 4145 5: the port of an end that only connects is of no use to anybody. */
const DISCARD_PORT = 9;

export class MediaConnector {
  readonly #connector: MsrpConnector;
  readonly #relay: MediaRelay | undefined;
  readonly #protocols: ReadonlySet<string> | undefined;

  /** @throws ConfigurationError when the URI of the relay is none, or leads nowhere from here (a browser). */
  constructor({ tls, sockets, relay }: MediaConnectorOptions = {}) {
    const network = sockets ? { sockets } : {};
    // Sockets that are given know what they reach.
    this.#protocols = sockets ? undefined : platform.protocols;
    this.#connector = new MsrpConnector({ tls, ...network });
    if (relay) {
      this.#relay = relay(network);
      this.#require(this.#relay.protocol, (why) => new ConfigurationError(`the MSRP relay: ${why}`));
    }
  }

  /**
   * A new one for each line: its URI is the session's name.
   * @param host of this device, as its peers see it.
   * @throws TurnedAway, ConfigurationError when the relay cannot be used; the reason of the signal.
   */
  async place(media: MsrpMedia, host: string, signal: AbortSignal): Promise<MediaEndpoint> {
    const here = { host, port: DISCARD_PORT };
    if (this.#relay) return await this.#relay.place(here, signal);
    const { protocol } = destinationOf(media);
    this.#require(protocol, (why) => new RequestRefused('type', why));
    const localUri = localMsrpUri(protocol, here);
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
    const known = [...this.#protocols].join(' or ');
    throw errorOf(`no way to ${protocol} from here: MSRP comes by ${known}, or through a relay`);
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
 * 8.2.3-02: the c= address and the m= port, unless a relay is in the path: then the path says where the relay is, whose
 * certificate is not the one that the SDP names (RFC 4976 5).
 */
function destinationOf({ protocol, host, port, path, fingerprints }: MsrpMedia): Destination {
  const [first = '', ...rest] = path;
  const uri = MsrpUri.parse(first);
  if (uri && rest.length > 0) {
    return { protocol: msrpProtocolOf(uri), address: msrpAddressOf(uri), fingerprints: [] };
  }
  const secure = protocol === 'TCP/TLS/MSRP';
  // RFC 7977 5.2: WebSocket is named by the URI alone.
  const overWebSocket = uri?.transport === 'ws';
  const byUri = overWebSocket ? (secure ? 'wss' : 'ws') : secure ? 'tls' : 'tcp';
  return { protocol: byUri, address: { host, port }, fingerprints };
}
