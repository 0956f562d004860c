/** The MSRP endpoint of a sender, whose frames the test writes. */

import { FILE } from './push-offers.js';
import type { RawListener, RawMsrp } from './raw-msrp.js';

export class SenderEnd {
  private constructor(
    readonly peer: RawMsrp,
    /** To-Path and From-Path of frames that the sender writes. */
    readonly route: { to: string; from: string },
  ) {}

  /** Accepts the connection and the SEND that binds the session. */
  static async bound(listener: RawListener): Promise<SenderEnd> {
    const peer = await listener.accept();
    return await SenderEnd.of(peer);
  }

  /** The next session bound on a connection. */
  static async of(peer: RawMsrp): Promise<SenderEnd> {
    const binding = await peer.nextRequest();
    peer.respond(binding, 200, 'OK');
    return new SenderEnd(peer, { to: binding.fromPath[0] ?? '', from: binding.toPath[0] ?? '' });
  }

  /** Sends a message or a part of one. @returns the status of the response. */
  async send(content: Uint8Array | string, options: Partial<SendPart> = {}): Promise<number> {
    return await this.peer.statusOf(this.#part(content, options));
  }

  /** Sends a message or a part of one, without waiting. */
  write(content: Uint8Array | string, options: Partial<SendPart> = {}): void {
    this.peer.send(this.#part(content, options));
  }

  #part(content: Uint8Array | string, options: Partial<SendPart>) {
    const { type = FILE, messageId = 'the-file', start = 1, flag = '$', headers = {} } = options;
    const body = Buffer.from(content);
    const total = options.total ?? start + body.length - 1;
    return {
      ...this.route,
      messageId,
      flag,
      range: options.range ?? `${start}-${start + body.length - 1}/${total}`,
      headers: { 'Content-Type': type, 'Success-Report': 'yes', ...headers },
      body,
    };
  }
}

export interface SendPart {
  type: string;
  messageId: string;
  /** Position in the message, counted from 1. */
  start: number;
  /** Size of the message in bytes, or `*`. */
  total: number | '*';
  range: string;
  flag: '$' | '+' | '#';
  headers: Record<string, string>;
}

/** The status of the next REPORT. */
export async function reported({ peer }: SenderEnd): Promise<string> {
  const report = await peer.nextRequest();
  return `${report.method} ${report.headers.get('Status') ?? ''}`;
}
