/**
 * The connection to a receiver that waits for one, though it was offered to make it (8.2.2-07 is no SHALL), or that is
 * behind a relay (8.2.2-11).
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
import type { Sockets, TlsOptions } from '../../platform/platform.js';
import type { AcceptedLine } from '../../sdp/index.js';
import { digestAnswers } from '../../sip/authentication/challenge-answers.js';

/** @throws TransportError; MalformedError when the answer does not say where it is; the signal's reason. */
export async function connectTo(
  { host, port, path, fingerprints }: AcceptedLine,
  localUri: string,
  connector: MsrpConnector,
  signal: AbortSignal,
): Promise<MsrpSession> {
  const [first = ''] = path;
  const uri = MsrpUri.parse(first);
  if (!uri) throw new MalformedError(`${first} is no MSRP URI`);
  // RFC 4976 5: a relay is where the path says, and its certificate is not the receiver's; the receiver itself is where
  // c= and m= say.
  const relayed = path.length > 1;
  const to = relayed ? msrpAddressOf(uri) : { host, port };
  const options = { localUri, remotePath: path, fingerprints: relayed ? [] : fingerprints };
  return await connector.connect(msrpProtocolOf(uri), to, options, signal);
}

/**
 * Where receivers connect to: one port for every session of a sender (8.2.2-07: it is the passive end), or a relay
 * (8.2.2-11).
 */

/** Where receivers connect in session mode. */
export interface MediaOptions {
  /** Address of this machine for receivers; by default its address towards the core. */
  host?: string;
  /** Range of ports to listen on; any free port by default. */
  ports?: readonly [first: number, last: number];
  /** MSRP over TLS (`msrps`), with this certificate. */
  tls?: TlsOptions;
  /** `ws`: MSRP over WebSocket (RFC 7977), for receivers in browsers; `tcp` by default. */
  transport?: 'tcp' | 'ws';
  /** Bytes of a chunk without a relay; 64 KiB by default. */
  chunkBytes?: number;
  /** MSRP relay (RFC 4976) for receivers, instead of a port of this machine. */
  relay?: RelayAccount;
}

/** A session that waits for its receiver. */
export interface ExpectedMedia {
  session: MsrpSession;
  host: string;
  port: number;
  path: readonly string[];
}

type Handlers = Pick<SessionOptions, 'onBound' | 'onClosed'>;

/** RFC 4145 5: in the URI of an end that nobody connects to. */
const DISCARD_PORT = 9;

export class MediaListener {
  readonly #relay: MsrpRelay | undefined;
  #listener: Promise<MsrpListener> | undefined;

  /**
   * @param host where the options name none.
   * @throws ConfigurationError when the URI of the relay is none.
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

  /**
   * Of the certificate (RFC 8122): whoever has it from the offer need not know its authority. A relay has one of its own.
   */
  get fingerprint(): string | undefined {
    const { cert } = this.options.tls ?? {};
    return cert === undefined || this.#relay ? undefined : platform.certificateFingerprint(cert);
  }

  /**
   * @throws TransportError when no port is free or the relay cannot be reached, TimeoutError; ConfigurationError when the
   * host is none of this machine's, or the relay does not let us use it; the reason of the signal.
   */
  async expect(handlers: Handlers, signal?: AbortSignal): Promise<ExpectedMedia> {
    const host = this.options.host ?? (await this.host(signal));
    if (this.#relay) return await this.#behind(this.#relay, host, handlers, signal);
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
   * c= and m= are the relay's: a receiver that knows no relays connects there all the same (8.2.3-02), and finds the
   * session by the path. One that knows them goes by the path alone.
   */
  async #behind(
    relay: MsrpRelay,
    host: string,
    handlers: Handlers,
    signal: AbortSignal | undefined,
  ): Promise<ExpectedMedia> {
    const session = await relay.open({ host, port: DISCARD_PORT }, handlers, signal);
    const path = session.localPath;
    const first = MsrpUri.parse(path[0] ?? '');
    if (!first) throw new TransportError(`${path[0]} of the MSRP relay is no MSRP URI`);
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
          throw new TransportError(`no port from ${first} to ${last} of ${host} is free for MSRP`, {
            cause: error,
          });
        }
      }
    }
  }
}
