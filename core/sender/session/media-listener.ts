/**
 * MSRP connections of a sender. Receivers connect to one port for all sessions, since the sender is the passive end
 * (8.2.2-07), or to a relay (8.2.2-11).
 */

import { platform } from '#platform';
import { ConfigurationError, MalformedError, TransportError } from '../../errors.js';
import {
  localMsrpUri,
  type MsrpConnector,
  MsrpListener,
  MsrpRelay,
  type MsrpSession,
  MsrpUri,
  msrpAddressOf,
  msrpProtocolOf,
  type RelayAccount,
  type SessionOptions,
} from '../../msrp/index.js';
import type { Sockets, TlsOptions } from '../../platform/sockets.js';
import type { AcceptedLine } from '../../sdp/index.js';
import { digestAnswers } from '../../sip/authentication/challenge-answers.js';

/**
 * Connects to a receiver that chose the passive role although the offer was passive (8.2.2-07 is not a SHALL), that only
 * knows RFC 4975, or that is behind a relay (8.2.2-11).
 * @throws TransportError; MalformedError when the answer has no valid path; the signal's reason.
 */
export async function connectTo(
  { host, port, path, setup, fingerprints }: AcceptedLine,
  localUri: string,
  connector: MsrpConnector,
  signal: AbortSignal,
): Promise<MsrpSession> {
  const [first = ''] = path;
  const uri = MsrpUri.parse(first);
  if (!uri)
    throw new MalformedError(
      `invalid MSRP URI "${first}" in the path of the answer: expected e.g. msrp://host:2855/id;tcp`,
    );
  // The path has the address of a relay (RFC 4976 §5), which does not use the receiver's certificate. Without a relay,
  // c= and m= have the address of the receiver. Without a=setup, the receiver only knows RFC 4975, and §8.1 has the path.
  const relayed = path.length > 1;
  const to = relayed || setup === undefined ? msrpAddressOf(uri) : { host, port };
  const options = { localUri, remotePath: path, fingerprints: relayed ? [] : fingerprints };
  return await connector.connect(msrpProtocolOf(uri), to, options, signal);
}

/** Where receivers connect to in session mode. */
export interface MediaOptions {
  /** Address of this machine for receivers; its address towards the SIP/IP core if absent. */
  host?: string;
  /** Range of ports; the first free one is used. Any free port if absent. */
  ports?: readonly [first: number, last: number];
  /** Certificate and key for MSRP over TLS (`msrps`). */
  tls?: TlsOptions;
  /** `ws` for MSRP over WebSocket (RFC 7977), the only transport of receivers in browsers; `tcp` if absent. */
  transport?: 'tcp' | 'ws';
  /** Bytes of content in one chunk without a relay; 64 KiB if absent. */
  chunkBytes?: number;
  /** MSRP relay (RFC 4976) that receivers connect to, instead of a local port. */
  relay?: RelayAccount;
}

/** A session that waits for the connection of its receiver. */
export interface ExpectedMedia {
  session: MsrpSession;
  host: string;
  port: number;
  path: readonly string[];
}

type Handlers = Pick<SessionOptions, 'onBound' | 'onClosed'>;

/** The port in the URI of an end that accepts no connections (RFC 4145 §5). */
const DISCARD_PORT = 9;

export class MediaListener {
  readonly #relay: MsrpRelay | undefined;
  #listener: Promise<MsrpListener> | undefined;

  /**
   * @param host the address for receivers if the options have none.
   * @throws ConfigurationError for an invalid URI of the relay.
   */
  constructor(
    private readonly options: MediaOptions,
    private readonly host: (signal?: AbortSignal) => Promise<string>,
    private readonly sockets: Sockets = platform,
  ) {
    const { relay } = options;
    if (relay) {
      this.#relay = new MsrpRelay({
        ...relay,
        sockets,
        answerChallenges: digestAnswers(relay.credentials, 'AUTH'),
      });
    }
  }

  get secure(): boolean {
    if (this.#relay) return this.#relay.protocol === 'tls' || this.#relay.protocol === 'wss';
    return this.options.tls !== undefined;
  }

  /** Fingerprint of the certificate for the offer (RFC 8122), so that receivers need not know its authority. */
  get fingerprint(): string | undefined {
    const { cert } = this.options.tls ?? {};
    return cert === undefined || this.#relay ? undefined : platform.certificateFingerprint(cert);
  }

  /**
   * Creates a session and waits for the connection of its receiver.
   * @throws TransportError when no port is free or the relay cannot be reached; TimeoutError; ConfigurationError when the
   * host is not an address of this machine, or the relay rejects the sender; the signal's reason.
   */
  async expect(handlers: Handlers, signal?: AbortSignal): Promise<ExpectedMedia> {
    const host = this.options.host ?? (await this.host(signal));
    if (this.#relay) return await this.#openBehindRelay(this.#relay, host, handlers, signal);
    const listener = await this.#open(host);
    const { port } = listener.address;
    const localUri = localMsrpUri(this.#protocol, { host, port });
    return { session: listener.expect({ localUri, ...handlers }), host, port, path: [localUri] };
  }

  async close(): Promise<void> {
    await (await this.#listener?.catch(() => undefined))?.close();
    await this.#relay?.close();
  }

  /**
   * c= and m= contain the address of the relay, so that a receiver without relay support connects to it as well
   * (8.2.3-02). A receiver with relay support uses only the path.
   */
  async #openBehindRelay(
    relay: MsrpRelay,
    host: string,
    handlers: Handlers,
    signal: AbortSignal | undefined,
  ): Promise<ExpectedMedia> {
    const session = await relay.open({ host, port: DISCARD_PORT }, handlers, signal);
    const path = session.localPath;
    const first = MsrpUri.parse(path[0] ?? '');
    if (!first) throw new TransportError(`invalid MSRP URI "${path[0]}" of the MSRP relay`);
    return { session, ...msrpAddressOf(first), path };
  }

  get #protocol() {
    if (this.options.transport === 'ws') return this.secure ? 'wss' : 'ws';
    return this.secure ? 'tls' : 'tcp';
  }

  #open(host: string): Promise<MsrpListener> {
    this.#listener ??= this.#listen(host).catch((error: unknown) => {
      this.#listener = undefined;
      throw error;
    });
    return this.#listener;
  }

  async #listen(host: string): Promise<MsrpListener> {
    const { ports: [first, last] = [0, 0], tls, chunkBytes } = this.options;
    for (let port = first; ; port++) {
      try {
        return await MsrpListener.open({
          protocol: this.#protocol,
          at: { host, port },
          sockets: this.sockets,
          tls,
          limits: chunkBytes === undefined ? undefined : { chunkBytes },
        });
      } catch (error) {
        if (error instanceof ConfigurationError || port >= last) {
          if (first === last || !(error instanceof TransportError)) throw error;
          throw new TransportError(
            `no free port for MSRP at ${host} from ${first} to ${last}: free one, or set other ports`,
            {
              cause: error,
            },
          );
        }
      }
    }
  }
}
