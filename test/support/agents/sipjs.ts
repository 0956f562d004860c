/** A user agent of SIP.js, a stack that shares no code with this package. Its media are MSRP sessions whose SDP the test writes. */

import {
  type Invitation,
  Inviter,
  type Message,
  Messager,
  Registerer,
  type Session,
  type SessionDescriptionHandler,
  SIPExtension,
  type URI,
  UserAgent,
} from 'sip.js';
import { WebSocket } from 'ws';
import { defined } from '../../../core/defined.js';
import { DOMAIN } from './agents.js';

export interface SipJsOptions {
  /** A user of the core, with its password. */
  user: string;
  password: string;
  /** WebSocket of the core, `ws://127.0.0.1:5060`. */
  server: string;
  /** Writes our SDP; `remote` is that of the peer, if it came first. */
  describe?(remote: string | undefined): string;
  /** The SDP of the peer arrived. */
  onDescription?(remote: string): void;
  onMessage?(message: Message): void;
  onInvite?(invitation: Invitation): void;
}

export interface SipJsResponse {
  status: number;
  body: string;
}

export class SipJsAgent {
  private constructor(
    private readonly agent: UserAgent,
    private readonly registerer: Registerer,
  ) {}

  static async start(options: SipJsOptions): Promise<SipJsAgent> {
    // SIP.js is written for browsers, and Node.js 20 has no WebSocket.
    if (!('WebSocket' in globalThis)) Object.assign(globalThis, { WebSocket });
    const uri = uriOf(`sip:${options.user}@${DOMAIN}`);
    const agent = new UserAgent({
      uri,
      authorizationUsername: options.user,
      authorizationPassword: options.password,
      transportOptions: { server: options.server },
      sipExtension100rel: SIPExtension.Supported,
      sessionDescriptionHandlerFactory: () => new MsrpDescriptions(options),
      logLevel: 'error',
      delegate: defined({ onMessage: options.onMessage, onInvite: options.onInvite }),
    });
    await agent.start();
    const registerer = new Registerer(agent, {
      extraContactHeaderParams: ['+g.oma.pusheventapp="files.ua"'],
    });
    await new Promise<void>((resolve, reject) => {
      registerer
        .register({
          requestDelegate: {
            onAccept: () => resolve(),
            onReject: ({ message }) => reject(new Error(`REGISTER: ${message.statusCode}`)),
          },
        })
        .catch(reject);
    });
    return new SipJsAgent(agent, registerer);
  }

  /** Sends a MESSAGE. @returns the status of its final response. */
  async message(to: string, type: string, content: string, headers: readonly string[]): Promise<number> {
    const messager = new Messager(this.agent, uriOf(to), content, type, { extraHeaders: [...headers] });
    return await new Promise((resolve, reject) => {
      const answered = ({ message }: { message: { statusCode?: number } }) =>
        resolve(message.statusCode ?? 0);
      messager.message({ requestDelegate: { onAccept: answered, onReject: answered } }).catch(reject);
    });
  }

  /** Sends an INVITE. @returns its final response, and the session. */
  async invite(
    to: string,
    headers: readonly string[],
    inviteWithoutSdp = false,
  ): Promise<{ session: Session; answer: SipJsResponse }> {
    const session = new Inviter(this.agent, uriOf(to), { extraHeaders: [...headers], inviteWithoutSdp });
    const answer = await new Promise<SipJsResponse>((resolve, reject) => {
      const answered = ({ message }: { message: { statusCode?: number; body: string } }) =>
        resolve({ status: message.statusCode ?? 0, body: message.body });
      session.invite({ requestDelegate: { onAccept: answered, onReject: answered } }).catch(reject);
    });
    return { session, answer };
  }

  async stop(): Promise<void> {
    await this.registerer.unregister();
    await this.agent.stop();
  }
}

/** Passes SDP through, instead of negotiating WebRTC. */
class MsrpDescriptions implements SessionDescriptionHandler {
  #remote: string | undefined;

  constructor(private readonly options: Pick<SipJsOptions, 'describe' | 'onDescription'>) {}

  close(): void {}

  async getDescription() {
    return { body: this.options.describe?.(this.#remote) ?? '', contentType: 'application/sdp' };
  }

  hasDescription(contentType: string): boolean {
    return contentType === 'application/sdp';
  }

  async setDescription(sdp: string): Promise<void> {
    this.#remote = sdp;
    this.options.onDescription?.(sdp);
  }

  sendDtmf(): boolean {
    return false;
  }
}

function uriOf(text: string): URI {
  const uri = UserAgent.makeURI(text);
  if (!uri) throw new Error(`invalid URI ${text}`);
  return uri;
}
