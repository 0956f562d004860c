/** The Push Sender Agent: pushes content to the terminals of a user through a SIP/IP core. */

import { platform } from '#platform';
import type { Content } from '../content/content.js';
import type { ContentCoding } from '../content/encoding/coding.js';
import { encodedContent } from '../content/encoding/encode.js';
import { ConfigurationError, LimitError, TransportError } from '../errors.js';
import { MsrpConnector } from '../msrp/index.js';
import type { TlsOptions } from '../platform/platform.js';
import { SipUserAgent } from '../sip/agent.js';
import type { Credentials } from '../sip/authorization.js';
import type { WireObserver } from '../sip/flow.js';
import type { RegistrationFailure, RegistrationState } from '../sip/registration-state.js';
import type { Addressing } from './addressing.js';
import { sendAutomatically } from './automatic.js';
import { publishedBody, referenceBody } from './indirect.js';
import { type MessageBody, pagerBody, sendMessage } from './pager.js';
import { Publisher, type PublishOptions } from './publisher.js';
import type { ContentReference, PushRequest, Receipt } from './push-request.js';
import { MediaListener, type MediaOptions } from './session/media-listener.js';
import type { PushFile } from './session/offered-file.js';
import { type FilesPush, SessionSender, type SessionSendOptions } from './session/session.js';

export interface PushSenderOptions {
  /** The sender's own URI, `sip:psa@domain.test`. */
  identity: string;
  /** Servers of the SIP/IP core in order. */
  servers: readonly string[];
  credentials?: Credentials;
  tls?: TlsOptions;
  /** `urn:uuid:…` to register with; absent: an application server that does not register (P-2). */
  instanceId?: string;
  /** Where requests reach an application server, `sip:127.0.0.1:5080;transport=udp`. */
  listen?: string;
  /** Whether to send P-Asserted-Identity (8.1.2-04); right only inside the core's trust domain. */
  assertIdentity: boolean;
  /** Where receivers come for files in session mode; absent: at this machine's address towards the core, any port. */
  media?: MediaOptions;
  /** Where content is served that is referred to; absent: only what fits a MESSAGE, or is elsewhere, is pushed. */
  publish?: PublishOptions;
  product: string;
  onRegistered?(state: RegistrationState): void;
  onRegistrationFailed?(failure: RegistrationFailure): void;
  onConnected?(server: string): void;
  /** A connection was lost, or an attempt to make one failed; the agent goes on trying. */
  onDisconnected?(server: string, error: Error): void;
  onWire?: WireObserver;
}

/** Files for one application, each a push of its own. */
export interface FilesRequest extends Omit<FilesPush, 'id'> {
  /**
   * Names the push when it is tried again, by this process or the next: what a terminal has of it by then is not sent
   * again. A new push needs a new one; absent: it is one.
   */
  id?: string;
  /**
   * `auto`: a file that is alone and fits a MESSAGE goes in one; what terminals do not take that know no sessions, by
   * reference, a MESSAGE for each file. `session` when absent.
   */
  mode?: 'auto' | 'session';
  /** Seconds that content is kept for terminals to come for it, where it is referred to; an hour when absent. */
  lifetime?: number;
}

/** Seconds a registering sender asks for. */
const REGISTRATION_SECONDS = 3600;

export class PushSenderAgent {
  readonly #options: PushSenderOptions;
  readonly #agent: SipUserAgent;
  readonly #listener: MediaListener;
  readonly #connector: MsrpConnector;
  readonly #sessions: SessionSender;
  readonly #stopped = new AbortController();
  #publisher: Promise<Publisher> | undefined;

  constructor(options: PushSenderOptions) {
    this.#options = options;
    const { instanceId, identity, assertIdentity } = options;
    this.#agent = new SipUserAgent({
      identity: options.identity,
      servers: options.servers,
      ...(options.credentials ? { credentials: options.credentials } : {}),
      ...(options.tls ? { tls: options.tls } : {}),
      ...(options.listen ? { listen: options.listen } : {}),
      ...(options.onWire ? { onWire: options.onWire } : {}),
      ...(options.onConnected ? { onConnected: options.onConnected } : {}),
      ...(options.onDisconnected ? { onDisconnected: options.onDisconnected } : {}),
      product: options.product,
      methods: [],
      accept: () => [],
      onRequest: () => {},
      ...(instanceId
        ? {
            registration: {
              instanceId,
              expires: REGISTRATION_SECONDS,
              headers: [],
              features: () => [],
              ...(options.onRegistered ? { onRegistered: options.onRegistered } : {}),
              ...(options.onRegistrationFailed ? { onFailed: options.onRegistrationFailed } : {}),
            },
          }
        : {}),
    });
    this.#listener = new MediaListener(options.media ?? {}, (signal) => this.#agent.localHost(signal));
    this.#connector = new MsrpConnector(options.tls ? { tls: options.tls } : {});
    this.#sessions = new SessionSender({
      agent: this.#agent,
      listener: this.#listener,
      connector: this.#connector,
      stopped: this.#stopped.signal,
      ...(assertIdentity ? { assertedIdentity: identity } : {}),
    });
  }

  async start(): Promise<void> {
    await this.#agent.start();
  }

  /** What is published is so no longer: `settled` waits for those who have still to fetch it. */
  async stop(): Promise<void> {
    this.#stopped.abort(new TransportError('the sender was stopped'));
    const publisher = await this.#publisher?.catch(() => undefined);
    await publisher?.close();
    // Sessions end by BYE, whose answers come by the agent.
    await this.#agent.stop();
    await this.#listener.close();
    await this.#connector.close();
  }

  /** Contents that are kept for terminals which have not fetched them yet. */
  async unfetched(): Promise<number> {
    return (await this.#publisher)?.unsettled ?? 0;
  }

  /** Resolves when each of those has been fetched, or its time is over; or when `signal` is aborted. */
  async settled(signal?: AbortSignal): Promise<void> {
    await (await this.#publisher)?.settled(signal);
  }

  /**
   * One push, one receipt: of the first terminal, where several took it in session mode (`sendFiles` has them all).
   * Content that is referred to is kept from then on when it was delivered, until its lifetime is over or the agent
   * stops.
   * @throws LimitError when the content does not fit the mode that was asked for, or any of `auto`;
   * ConfigurationError when `to` is no URI or `app` no event-app-id, or content is to be published and nobody said
   * where.
   */
  async send(push: PushRequest, signal?: AbortSignal): Promise<Receipt> {
    const { content, encoding, mode = 'auto' } = push;
    if (!isContent(content)) {
      return await this.#message(push, referenceBody(push, content, this.#options.identity), signal);
    }
    // RFC 4975 has no content codings.
    if (mode === 'session' && encoding) {
      throw new ConfigurationError(`session mode knows no content codings, as ${encoding}`);
    }
    if (mode === 'session' || (mode === 'auto' && !encoding)) {
      const files = [fileOf(push, content)];
      const [receipt] = await this.sendFiles({ ...push, files, mode }, signal ? { signal } : {});
      if (!receipt) throw new TransportError('no terminal answered');
      return receipt;
    }
    const encoded = encoding ? await encodedContent(content, encoding) : content;
    if (mode === 'indirect') return await this.#published(push, encoded, encoding, signal);
    try {
      return await this.#message(push, await pagerBody(encoded, encoding), signal);
    } catch (error) {
      // 8.1.2-03: the request as a whole is too large; it has not been sent.
      if (!(error instanceof LimitError) || !this.#options.publish) throw error;
      return await this.#published(push, encoded, encoding, signal);
    }
  }

  /**
   * Files for one application, whatever their size: in one session (TS 8.2.2), or as `mode` says.
   * @returns a receipt for each file, and each terminal that took the INVITE.
   * @throws ConfigurationError when it is addressed to nobody, or no port is free; LimitError when no mode of `auto`
   * is left for them; the signal's reason.
   */
  async sendFiles(push: FilesRequest, options: SessionSendOptions = {}): Promise<Receipt[]> {
    const { files, mode = 'session' } = push;
    const id = push.id ?? platform.randomHex(16);
    const session = () => this.#sessions.send({ ...push, id }, options);
    if (mode === 'session') return (await session()).map(({ receipt }) => receipt);
    const { signal } = options;
    const request = ({ content, disposition }: PushFile, to: string) => ({
      ...{ to, app: push.app, content },
      ...(disposition === undefined ? {} : { disposition }),
      ...(push.lifetime === undefined ? {} : { lifetime: push.lifetime }),
    });
    return await sendAutomatically(files, {
      session,
      pager: async (file) => this.#message(push, await pagerBody(file.content), signal),
      ...(this.#options.publish && {
        indirect: (file, to) => this.#published(request(file, to), file.content, undefined, signal),
      }),
    });
  }

  async #published(
    push: PushRequest,
    content: Content,
    coding: ContentCoding | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Receipt> {
    const publisher = await this.#openPublisher();
    const { message, publication } = await publishedBody(
      push,
      content,
      this.#options.identity,
      publisher,
      coding,
    );
    let delivered = false;
    try {
      const receipt = await this.#message(push, message, signal);
      delivered = receipt.outcome === 'delivered';
      return receipt;
    } finally {
      // Whoever is to have it after all gets another push.
      if (!delivered) publication.withdraw();
    }
  }

  #message(push: Addressing, message: MessageBody, signal: AbortSignal | undefined): Promise<Receipt> {
    const { identity, assertIdentity } = this.#options;
    return sendMessage(this.#agent, push, message, {
      ...(assertIdentity ? { assertedIdentity: identity } : {}),
      ...(signal ? { signal } : {}),
    });
  }

  /** The first content that is published opens the server. */
  async #openPublisher(): Promise<Publisher> {
    const { publish } = this.#options;
    if (!publish)
      throw new ConfigurationError(
        'content is to be referred to, and "publish" does not say where it is served',
      );
    this.#publisher ??= Publisher.open(publish).catch((error: unknown) => {
      this.#publisher = undefined;
      throw error;
    });
    return await this.#publisher;
  }
}

function fileOf({ disposition }: PushRequest, content: Content): PushFile {
  return { content, ...(disposition === undefined ? {} : { disposition }) };
}

function isContent(content: Content | ContentReference): content is Content {
  return 'open' in content;
}
