/** The User Agent Profile of this device, made of its applications (TS 5.1 steps 10 and 11, OMA-TS-UAProf). */

import { platform } from '#platform';
import type { PushRuntime } from '../../app/runtime.js';
import type { ExternalBody } from '../../content/external-body.js';
import { PROFILE_TYPE } from '../../content/user-agent-profile/user-agent-profile.js';
import { writeProfile } from '../../content/user-agent-profile/write-profile.js';
import { ProfileServer } from './profile-server.js';

/** The device, and where its User Agent Profile is (OMA-TS-UAProf). */
export interface ProfileOptions {
  vendor?: string;
  model?: string;
  /**
   * Where the profile is: it is somebody else's to keep there. With `host` or `port`, what senders call the place where
   * this device serves it.
   */
  url?: string;
  /** Where it is served; the address towards the core when absent. */
  host?: string;
  /** Any free one when absent. */
  port?: number;
}

export interface ProfileServices {
  runtime: PushRuntime;
  /** Host of the Content-ID. */
  domain: string;
  /** This machine's address towards the core. */
  localHost(signal: AbortSignal): Promise<string>;
}

const WAP_APPLICATION = 'x-wap-application:';

export class DeviceProfile {
  /** Opened, or being opened, by the first sender that is told of it. */
  #server: { readonly host: string; readonly opening: Promise<ProfileServer> } | undefined;

  constructor(
    private readonly options: ProfileOptions,
    private readonly services: ProfileServices,
  ) {}

  /**
   * A reference to the profile as it stands now.
   * @param seconds that it is good for.
   * @throws TransportError when it cannot be served; the signal's reason.
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

  /** Anew where the address towards the core is another by now. */
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
      ...(vendor === undefined ? {} : { vendor }),
      ...(model === undefined ? {} : { model }),
      applications: eventAppIds.map((id) => (id.includes(':') ? id : WAP_APPLICATION + id)),
      mediaTypes: runtime.acceptedTypes(),
      ...(maxSize === undefined ? {} : { maxSize }),
    });
  }
}

/** Bytes of the largest content that any application takes; undefined without one. */
function largest(runtime: PushRuntime): number | undefined {
  const sizes = runtime.eventAppIds.flatMap((id) =>
    runtime.acceptedTypes([id]).flatMap((type) => {
      const app = runtime.resolve([id], type);
      return typeof app === 'string' ? [] : [runtime.largestTransfer(app)];
    }),
  );
  return sizes.length === 0 ? undefined : Math.max(...sizes);
}
