/** An MSRP relay (RFC 4976) whose responses the test decides, and a client of it. */

import type { MsrpRequest } from '../../../core/msrp/frames/frame.js';
import { MsrpRelay, type MsrpRelayOptions } from '../../../core/msrp/index.js';
import { RawListener, type RawMsrp } from './raw-msrp.js';
import type { Closing } from './sessions.js';

export const LOCAL_ADDRESS = { host: '192.0.2.7', port: 9 };

export class ScriptedRelay {
  private constructor(private readonly listener: RawListener) {}

  static async open(closing: Closing): Promise<ScriptedRelay> {
    const listener = await RawListener.open();
    closing.push(() => listener.close());
    return new ScriptedRelay(listener);
  }

  get uri(): string {
    return `msrp://127.0.0.1:${this.listener.address.port};tcp`;
  }

  /** A client of the relay, which answers a challenge with its text. */
  client(closing: Closing, options: Partial<MsrpRelayOptions> = {}): MsrpRelay {
    const client = new MsrpRelay({
      uri: this.uri,
      answerChallenges: (challenges) => challenges.join(),
      ...options,
    });
    closing.push(() => client.close());
    return client;
  }

  async accept(closing: Closing): Promise<RelayLink> {
    const peer = await this.listener.accept();
    closing.push(() => peer.close());
    return new RelayLink(peer, this.uri);
  }
}

/** The connection of a client. */
export class RelayLink {
  #granted = 0;

  constructor(
    readonly peer: RawMsrp,
    private readonly uri: string,
  ) {}

  /** The next AUTH request. */
  async auth(): Promise<MsrpRequest> {
    const request = await this.peer.nextRequest();
    if (request.method !== 'AUTH') throw new Error(`expected AUTH, received ${request.method}`);
    return request;
  }

  answer(request: MsrpRequest, status: number, headers: Record<string, string> = {}): void {
    const { transactionId, toPath, fromPath } = request;
    const lines = [
      `MSRP ${transactionId} ${status} Because`,
      `To-Path: ${fromPath.join(' ')}`,
      `From-Path: ${toPath[0]}`,
      ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ];
    this.peer.write(`${lines.join('\r\n')}\r\n-------${transactionId}$\r\n`);
  }

  challenge(request: MsrpRequest, challenge = 'Digest realm="r", nonce="1"'): void {
    this.answer(request, 401, { 'WWW-Authenticate': challenge });
  }

  /** @returns the granted URI, a new one each time unless the test sets it. */
  grant(request: MsrpRequest, usePath = this.newUri(), expires = 3600): string {
    this.answer(request, 200, { 'Use-Path': usePath, Expires: String(expires) });
    return usePath;
  }

  newUri(): string {
    return this.uri.replace(/;/, `/granted${++this.#granted};`);
  }
}
