/** Serves the User Agent Profile of this device by HTTP: a URL for each state of it, so that any cache is right. */

import { platform } from '#platform';
import { PROFILE_TYPE } from '../../content/user-agent-profile/user-agent-profile.js';
import type { Address, HttpIncoming, HttpReply, Listener } from '../../platform/platform.js';

/** Profiles kept: a sender may still be on its way to an older one. */
const MAX_KEPT = 8;
/** Senders fetch a profile once; whoever opens more has something else in mind. */
const MAX_CONNECTIONS = 32;
const NAME_CHARACTERS = 32;

export class ProfileServer {
  /** By name, the oldest first. */
  readonly #documents = new Map<string, Uint8Array>();

  private constructor(
    readonly host: string,
    private readonly listener: Listener,
  ) {}

  /** @throws TransportError when it cannot listen there. */
  static async open(at: Address): Promise<ProfileServer> {
    let server: ProfileServer | undefined;
    const listener = await platform.listenHttp(at, { maxConnections: MAX_CONNECTIONS }, (incoming) =>
      server ? server.#answer(incoming) : { status: 503 },
    );
    server = new ProfileServer(at.host, listener);
    return server;
  }

  /** @param base what senders call this server; its own address when absent. @returns the URL of the document. */
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
      ...(method === 'GET' ? { body: new Blob([Uint8Array.from(document)]).stream() } : {}),
    };
  }
}

/** Nobody knows it who does not know what is in the profile. */
function nameOf(document: Uint8Array): string {
  return platform.hash('sha-256', document).slice(0, NAME_CHARACTERS);
}
