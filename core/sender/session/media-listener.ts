/** Where receivers connect to: one port for every session of a sender (8.2.2-07: it is the passive end). */

import { platform } from '#platform';
import { ConfigurationError, TransportError } from '../../errors.js';
import { localMsrpUri, MsrpListener, type MsrpSession, type SessionOptions } from '../../msrp/index.js';
import type { TlsOptions } from '../../platform/platform.js';

export interface MediaOptions {
  /** Where receivers find this machine; absent: its address towards the SIP/IP core. */
  host?: string;
  /** Ports to listen on, the first that is free; absent: whichever is. */
  ports?: readonly [first: number, last: number];
  /** MSRP over TLS (`msrps`), with this certificate. */
  tls?: TlsOptions;
}

/** A session that waits for its receiver. */
export interface ExpectedMedia {
  session: MsrpSession;
  host: string;
  port: number;
  path: readonly string[];
}

export class MediaListener {
  #listener: Promise<MsrpListener> | undefined;

  /** @param host where the options name none. */
  constructor(
    private readonly options: MediaOptions,
    private readonly host: (signal?: AbortSignal) => Promise<string>,
  ) {}

  get secure(): boolean {
    return this.options.tls !== undefined;
  }

  /** Of the certificate (RFC 8122): whoever has it from the offer need not know its authority. */
  get fingerprint(): string | undefined {
    const { cert } = this.options.tls ?? {};
    return cert === undefined ? undefined : platform.certificateFingerprint(cert);
  }

  /** @throws TransportError when no port is free, ConfigurationError when the host is none of this machine's. */
  async expect(
    handlers: Pick<SessionOptions, 'onBound' | 'onClosed'>,
    signal?: AbortSignal,
  ): Promise<ExpectedMedia> {
    const host = this.options.host ?? (await this.host(signal));
    const listener = await this.#open(host);
    const { port } = listener.address;
    const localUri = localMsrpUri(this.#protocol, { host, port });
    return { session: listener.expect({ localUri, ...handlers }), host, port, path: [localUri] };
  }

  async close(): Promise<void> {
    await (await this.#listener?.catch(() => undefined))?.close();
  }

  get #protocol() {
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
    const { ports: [first, last] = [0, 0], tls } = this.options;
    for (let port = first; ; port++) {
      try {
        return await MsrpListener.open({
          protocol: this.#protocol,
          at: { host, port },
          ...(tls ? { tls } : {}),
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
