/** The User Agent Profile of this device (TS 5.1 steps 10 and 11, OMA-TS-UAProf), and the HTTP server that publishes it. */

import { platform } from '#platform';
import type { PushRuntime } from '../app/runtime.js';
import type { ExternalBody } from '../content/external-body.js';
import { PROFILE_TYPE, writeProfile } from '../content/user-agent-profile.js';
import type { HttpIncoming, HttpReply } from '../platform/http.js';
import type { Address, Listener } from '../platform/sockets.js';

/** Published profiles: a sender can still fetch an older one. */
const MAX_KEPT = 8;
/** Senders fetch a profile once, so few connections are enough. */
const MAX_CONNECTIONS = 32;
const NAME_CHARACTERS = 32;

/** Serves profiles over HTTP. Each version has its own URL, so that caches never return an outdated one. */
export class ProfileServer {
  /** By name, the oldest first. */
  readonly #documents = new Map<string, Uint8Array>();

  private constructor(
    readonly host: string,
    private readonly listener: Listener,
  ) {}

  /** @throws TransportError if it cannot listen at the address. */
  static async open(at: Address): Promise<ProfileServer> {
    let server: ProfileServer | undefined;
    const listener = await platform.listenHttp(
      at,
      { limits: { connections: MAX_CONNECTIONS, connectionsPerAddress: MAX_CONNECTIONS / 2 } },
      (incoming) => (server ? server.#answer(incoming) : { status: 503 }),
    );
    server = new ProfileServer(at.host, listener);
    return server;
  }

  /** @param base the URL of this server for senders; its own address when absent. @returns the URL of the document. */
  publish(document: Uint8Array, base = this.#base()): string {
    const name = nameOf(document);
    this.#documents.delete(name);
    this.#documents.set(name, document);
    const [oldest] = this.#documents.size > MAX_KEPT ? this.#documents.keys() : [];
    if (oldest !== undefined) this.#documents.delete(oldest);
    return `${base.replace(/\/$/, '')}/${name}`;
  }

  async close(): Promise<void> {
    await this.listener.close();
  }

  #base(): string {
    const { host } = this;
    return `http://${host.includes(':') ? `[${host}]` : host}:${this.listener.address.port}`;
  }

  #answer({ method, target, headers }: HttpIncoming): HttpReply {
    const name = target.slice(target.lastIndexOf('/') + 1);
    const document = this.#documents.get(name);
    if (!document) return { status: 404 };
    if (method !== 'GET' && method !== 'HEAD') return { status: 405, headers: { allow: 'GET, HEAD' } };
    const etag = `"${name}"`;
    const about = { etag, 'cache-control': 'private, max-age=86400, immutable' };
    if (headers['if-none-match'] === etag) return { status: 304, headers: about };
    return {
      status: 200,
      headers: { ...about, 'content-type': PROFILE_TYPE, 'content-length': String(document.length) },
      body: method === 'GET' ? new Blob([Uint8Array.from(document)]).stream() : undefined,
    };
  }
}

/** The name is a digest, so that only a reader of the OPTIONS can guess it. */
function nameOf(document: Uint8Array): string {
  return platform.hash('sha-256', document).slice(0, NAME_CHARACTERS);
}

/** The device's User Agent Profile (OMA-TS-UAProf). */
export interface ProfileOptions {
  /** Vendor of the device. */
  vendor?: string;
  /** Model of the device. */
  model?: string;
  /**
   * URL of an existing profile. With `host` or `port`, the URL of the device's own server as senders reach it.
   */
  url?: string;
  /** Address of the device's own server; the address towards the core by default. */
  host?: string;
  /** Port of the device's own server; a free one by default. */
  port?: number;
}

export interface ProfileServices {
  runtime: PushRuntime;
  /** Host of the Content-ID. */
  domain: string;
  /** The address of this device towards the core. */
  localHost(signal: AbortSignal): Promise<string>;
}

const WAP_APPLICATION = 'x-wap-application:';

export class DeviceProfile {
  /** Opened for the first reference. */
  #server: { readonly host: string; readonly opening: Promise<ProfileServer> } | undefined;

  constructor(
    private readonly options: ProfileOptions,
    private readonly services: ProfileServices,
  ) {}

  /**
   * A reference to the current profile.
   * @param seconds lifetime of the reference.
   * @throws TransportError if the profile cannot be served; the signal's reason.
   */
  async reference(seconds: number, signal: AbortSignal): Promise<ExternalBody> {
    const { url, host, port } = this.options;
    const elsewhere = url !== undefined && host === undefined && port === undefined;
    const found = elsewhere ? { url } : await this.#serve(signal);
    const id = platform.hash('sha-256', found.url).slice(0, 32);
    return {
      ...found,
      type: { type: PROFILE_TYPE, parameters: {} },
      expiration: Date.now() + seconds * 1000,
      headers: { 'content-disposition': 'attachment', 'content-id': `<${id}@${this.services.domain}>` },
    };
  }

  async close(): Promise<void> {
    const server = await this.#server?.opening.catch(() => undefined);
    await server?.close();
  }

  async #serve(signal: AbortSignal): Promise<Pick<ExternalBody, 'url' | 'size' | 'hash'>> {
    const host = this.options.host ?? (await this.services.localHost(signal));
    const server = await this.#serverAt(host);
    const document = this.#document();
    return {
      url: server.publish(document, this.options.url),
      size: document.length,
      hash: platform.hash('sha-1', document),
    };
  }

  /** Opens another server if the address towards the core has changed. */
  #serverAt(host: string): Promise<ProfileServer> {
    if (this.#server?.host === host) return this.#server.opening;
    const closed = this.close();
    const opening = closed.then(() => ProfileServer.open({ host, port: this.options.port ?? 0 }));
    const server = { host, opening };
    this.#server = server;
    opening.catch(() => {
      if (this.#server === server) this.#server = undefined;
    });
    return opening;
  }

  #document(): Uint8Array {
    const { vendor, model } = this.options;
    const { runtime } = this.services;
    const { eventAppIds } = runtime;
    const maxSize = largest(runtime);
    return writeProfile({
      vendor,
      model,
      applications: eventAppIds.map((id) => (id.includes(':') ? id : WAP_APPLICATION + id)),
      mediaTypes: runtime.acceptedTypes(),
      maxSize,
    });
  }
}

/** The largest content that any application accepts, in bytes; undefined without applications. */
function largest(runtime: PushRuntime): number | undefined {
  const sizes = runtime.addressed(runtime.eventAppIds).map((app) => runtime.largestTransfer(app));
  return sizes.length === 0 ? undefined : Math.max(...sizes);
}
